"""What runs over the non-zeros of X: the encoder h = W X, the cross term -2xy, and the path back through the encoder.
Layout. Non-zeros are visited in any order of features and datapoints, so what is needed of one lies together:
``columns`` holds the m weights and the bias of each feature, ``near`` the m coordinates of each hidden vector and of
what it is pulled by. Rows of a tuple are not indexed in loops over non-zeros: compiled code counts references to them.
"""

from numba import njit

from numerics.engines.cpu.compilation import OPTIONS

#: Sums keep their order, so that loops over a handful of non-zeros are not turned into vectors.
_SHORT_LOOPS = OPTIONS | {"fastmath": {"contract", "nsz"}}


@njit(**_SHORT_LOOPS)
def gather_columns(parameters, by_feature, columns, part, first, last):
    """Parameters of the features of a part, ``first`` to ``last`` - 1, feature by feature; of seen ones at least."""
    bounds, features, _, _ = by_feature
    width = len(parameters)
    for k in range(width):
        row = parameters[k]
        if bounds[part + 1] - bounds[part] < last - first:
            for j in range(bounds[part], bounds[part + 1]):
                columns[features[j] * width + k] = row[features[j]]
        else:
            for i in range(first, last):
                columns[i * width + k] = row[i]


@njit(**_SHORT_LOOPS)
def encode(parameters, columns, by_point, hidden, near, first, last):
    """Hidden = W X, (m, T) and into ``near``, for datapoints ``first`` to ``last`` - 1."""
    indptr, indices, values = by_point
    m = len(parameters) - 1
    for t in range(first, last):
        h = 2 * m * t
        for k in range(m):
            near[h + k] = near.dtype.type(0)
        for j in range(indptr[t], indptr[t + 1]):
            column = indices[j] * (m + 1)
            for k in range(m):
                near[h + k] += values[j] * columns[column + k]
        for k in range(m):
            hidden[k, t] = near[h + k]


@njit(**_SHORT_LOOPS)
def pull_points(parameters, columns, by_point, partial, pulled, near, first, last):
    """T/2 · ∂loss/∂h_t into ``near``: the partial dense sums in order, less the cross terms of active outputs."""
    indptr, indices, values = by_point
    m = len(parameters) - 1
    for k in range(m):
        sums = pulled[k]
        for t in range(first, last):
            sums[t] = partial[0, k, t]
        for part in range(1, partial.shape[0]):
            row = partial[part, k]
            for t in range(first, last):
                sums[t] += row[t]
        for t in range(first, last):
            near[2 * m * t + m + k] = sums[t]
    for t in range(first, last):
        h = 2 * m * t
        for j in range(indptr[t], indptr[t + 1]):
            column = indices[j] * (m + 1)
            z = columns[column + m]
            for k in range(m):
                z += columns[column + k] * near[h + k]
            on = values[j] * (z > 0)
            for k in range(m):
                near[h + m + k] -= on * columns[column + k]


@njit(**_SHORT_LOOPS)
def add_sparse(parameters, columns, by_feature, near, gradients, part):
    """Add to a part's gradients, (m+1, n), the cross term -2xy and the path through the encoder."""
    bounds, features, points, values = by_feature
    m = len(parameters) - 1
    for j in range(bounds[part], bounds[part + 1]):
        i, h, x = features[j], 2 * m * points[j], values[j]
        z = columns[i * (m + 1) + m]
        for k in range(m):
            z += columns[i * (m + 1) + k] * near[h + k]
        on = x * (z > 0)
        for k in range(m):
            gradients[k, i] += x * near[h + m + k] - on * near[h + k]
        gradients[m, i] -= on
