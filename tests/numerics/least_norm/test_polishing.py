"""Polishing: what descent of the norm ends at, from constructed models whose end is known, and from trained ones."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from numerics import Dataset, measure, train
from numerics.least_norm.polishing import polish
from numerics.least_norm.programme import MOST_CONSTRAINTS
from theory import Setting
from theory.codes.programme import certify, memorization_code
from theory.least_norm import LeastNormProgramme
from theory.memorization.failures import dropped_point_loss, two_circles
from theory.memorization.tgon import tgon_energy, tgon_hidden, tgon_radius_squared
from verify.diagnosis import diagnose, diagnose_run
from verify.end_states import disjoint_data

#: Energies of settled models: the residual of each constraint and of each multiplier moves them by about itself.
EXACT = 1e-8

#: Squared errors are differences of squares of about 1, summed over the features of a datapoint.
ROUNDING = 32 * np.finfo(float).eps


def storing(hidden, data, random=None, noise=0.0):
    """W and b with these hidden vectors on disjoint data and right biases, plus weight that no datapoint reads."""
    W = np.zeros((len(hidden), data.n))
    W[:, data.indices] = hidden[:, data.columns] * data.values / data.norms[data.columns] ** 2
    if random is not None:
        outside = random.normal(size=W.shape) * noise
        read = data.project(outside)
        outside[:, data.indices] -= read[:, data.columns] * data.values / data.norms[data.columns] ** 2
        W += outside
    b = np.zeros(data.n)
    b[data.indices] = data.values - np.einsum("mj,mj->j", W[:, data.indices], hidden[:, data.columns])
    return W, b


@st.composite
def near_polygons(draw, least=2, most=12):
    """Data, and a model of it: a regular T-gon, too long, shaken and turned, with weight outside the data's span."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    T = draw(st.integers(least, most))
    radius = max(1.0, math.sqrt(tgon_radius_squared(T)))  # outputs move by about 2 |h| times the shake
    stretch, shake, noise = draw(st.floats(1.0, 1.4)), draw(st.floats(0.0, 0.04)), draw(st.floats(0.0, 0.05))
    hidden = tgon_hidden(T)[:, random.permutation(T)] * stretch
    hidden = hidden + shake / radius * random.normal(size=hidden.shape)
    data = disjoint_data(random, T)
    return data, storing(rotation(random.uniform(0, 7)) @ hidden, data, random, noise / radius)


def rotation(angle):
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


@pytest.fixture(autouse=True)
def _any_error_is_a_start(monkeypatch):
    """Constructed starts are shaken, so that a datapoint may err by more than training leaves."""
    monkeypatch.setattr("numerics.least_norm.polishing.DROPPED_ERROR", 0.5)


# The regular T-gon


@given(near_polygons())
def test_shaken_polygons_polish_back(case):
    data, model = case
    found = polish(model, data)
    T = data.T
    assert found.settled
    assert found.energy == pytest.approx(tgon_energy(T), rel=EXACT)
    assert found.after.weight_norm == pytest.approx(math.sqrt(found.after.energy), rel=EXACT)
    assert found.after.worst_point_error < ROUNDING
    assert not found.dropped.any()
    assert T < 3 or (found.keeps_order and diagnose(found.after, found.W).name == "regular T-gon")


@settings(max_examples=10)
@given(near_polygons(least=3), st.floats(0.5, 3.0))
def test_the_length_of_the_data_drops_out_of_the_norm(case, scale):
    """w_k · W(d s) = a s: data s times as long have the same W, and hidden vectors s times as long."""
    data, (W, b) = case
    longer = Dataset(data.n, data.indptr, data.indices, data.values * scale)
    assume(scale**2 * measure((W, b), data).worst_point_error < 0.5)
    found = polish((W, b * scale), longer)
    assert found.energy == pytest.approx(tgon_energy(data.T), rel=EXACT)
    assert found.after.energy == pytest.approx(scale**2 * tgon_energy(data.T), rel=EXACT)


@pytest.mark.parametrize("change", [1.02, 0.98])
def test_a_wrong_constraint_is_noticed(monkeypatch, change):
    """Negative control: outputs that ask 2 % more or less give a polygon 2 % off, so both laws above can fail."""
    right = LeastNormProgramme.values
    monkeypatch.setattr(
        LeastNormProgramme, "values", lambda self, columns: right(self, columns) - (change - 1) * self.target
    )
    data = disjoint_data(np.random.default_rng(0), 6)
    found = polish(storing(tgon_hidden(6) * 1.1, data), data)
    assert found.energy == pytest.approx(change * tgon_energy(6), rel=EXACT)


# Other stationary points, and other starts


@pytest.mark.parametrize(
    ("T", "inner"),
    [(3, [0.6]), (4, [0.9]), (5, [1.2]), (6, [1.5, 1.5]), (8, [1.439, 1.439]), (10, [2.0] * 3), (12, [4.0])],
)
def test_two_circles_flow_to_the_regular_polygon(T, inner):
    """They are on the way, not stationary (`stationary.two-circles`), and keep the order of their points."""
    circles = two_circles(T, inner)
    data = disjoint_data(np.random.default_rng(T), T)
    found = polish(storing(circles.hidden, data), data)
    assert found.before.energy > 1.001 * tgon_energy(T)
    assert found.energy == pytest.approx(tgon_energy(T), rel=EXACT)
    assert found.keeps_order
    assert certify(found.after.hidden).holds()


@pytest.mark.parametrize(("T", "dropped"), [(5, 1), (8, 1), (9, 2), (12, 3)])
def test_dropped_points_stay_dropped(T, dropped):
    random = np.random.default_rng(T)
    hidden = np.concatenate([np.zeros((2, dropped)), tgon_hidden(T - dropped) * 1.2], axis=1)
    order = random.permutation(T)
    data = disjoint_data(random, T)
    W, b = storing(hidden[:, order], data)
    forgotten = (order < dropped)[data.columns]
    b[data.indices[forgotten]] = data.values[forgotten] / T + 0.01
    found = polish((W, b), data)
    np.testing.assert_array_equal(found.dropped, order < dropped)
    assert found.settled
    assert found.energy == pytest.approx(tgon_energy(T - dropped), rel=EXACT)
    assert found.after.train_loss == pytest.approx(dropped_point_loss(T, dropped), rel=EXACT)
    np.testing.assert_allclose(found.after.bias_coefficient[found.dropped], 1 / T, atol=EXACT)
    assert diagnose(found.after, found.W).name == "dropped point"


def test_three_points_beside_a_dropped_one_are_held_off_the_origin():
    """A triangle of least norm has length √(2/3) < 1, where its features would be active at the origin."""
    random = np.random.default_rng(1)
    data = disjoint_data(random, 4)
    W, b = storing(np.concatenate([np.zeros((2, 1)), tgon_hidden(3) * 1.5], axis=1), data)
    b[data.indices[data.columns == 0]] = data.values[data.columns == 0] / 4
    found = polish((W, b), data)
    np.testing.assert_allclose(found.after.radius_squared[1:], 1.0, atol=EXACT)
    assert found.after.train_loss == pytest.approx(dropped_point_loss(4), rel=EXACT)


@pytest.mark.parametrize(("T", "m"), [(4, 3), (5, 3), (6, 3), pytest.param(8, 4, marks=pytest.mark.slow)])
def test_codes_in_more_dimensions_polish_back(T, m):
    """From near the least-norm code of `theory.codes.programme`; its certificate agrees with the one of this
    programme.
    """
    random = np.random.default_rng(T * m)
    code = memorization_code(T, m, starts=16)
    data = disjoint_data(random, T)
    found = polish(storing(code.hidden * 1.1 + 0.01 * random.normal(size=(m, T)), data, random, 0.05), data)
    assert found.settled
    assert found.energy == pytest.approx(code.energy, rel=EXACT)
    assert certify(found.after.hidden).holds()
    assert found.keeps_order is None


def test_one_datapoint_needs_no_weight():
    found = polish((np.array([[0.3], [0.4]]), np.array([0.75])), np.eye(1))
    assert (found.energy, found.b.tolist(), found.keeps_order) == (0, [1.0], True)


# Shared features


def shared_pair(T, first=0.3, second=0.5):
    """T unit datapoints; the first two share feature 0, each has a feature of its own."""
    X = np.zeros((T + 1, T))
    X[1:, :] = np.eye(T)
    X[0, :2] = first, second
    return X / np.linalg.norm(X, axis=0)


def storing_any(hidden, X):
    """W and b with these hidden vectors on any data; the bias is the mean of what each datapoint asks."""
    W = hidden @ np.linalg.pinv(X)
    return W, np.where(X > 0, X - W.T @ hidden, 0).sum(axis=1) / (X > 0).sum(axis=1)


def general_least_norm(X, W, b):
    """‖W‖² by SLSQP on every weight and bias of the model itself: an independent answer for small data."""
    m, n = W.shape
    own = X > 0

    def outputs(z):
        V = z[: m * n].reshape(m, n)
        return V.T @ (V @ X) + z[m * n :][:, None]

    found = minimize(
        lambda z: (z[: m * n] @ z[: m * n], np.concatenate([2 * z[: m * n], np.zeros(n)])),
        np.concatenate([W.ravel(), b]),
        jac=True,
        method="SLSQP",
        constraints=[
            {"type": "eq", "fun": lambda z: (outputs(z) - X)[own]},
            {"type": "ineq", "fun": lambda z: -outputs(z)[~own]},
        ],
        options={"maxiter": 500, "ftol": 1e-14},
    )
    assert found.success
    return found.fun


@pytest.mark.parametrize("T", [3, 4, 6])
def test_shared_features_save_norm_as_an_independent_solver_finds(T):
    X = shared_pair(T)
    W, b = storing_any(tgon_hidden(T) * 1.1, X)
    found = polish((W, b), X)
    assert found.settled
    assert found.shared == 1
    assert found.after.worst_point_error < ROUNDING
    assert T == 3 or found.energy < tgon_energy(T) * (1 - 1e-4)  # a simplex gains nothing
    assert found.energy == pytest.approx(general_least_norm(X, W, b), rel=1e-6)  # what SLSQP's ftol resolves


@pytest.mark.parametrize("shared", [0.3, 1e-3])
def test_shared_features_need_neighbours(shared):
    """Datapoints 2 and 3, which share one as well, are neighbours; 0 and 1 are not."""
    X = np.vstack([shared * (np.arange(6) // 2 == 1), shared_pair(6, shared, shared)])
    X /= np.linalg.norm(X, axis=0)
    W, b = storing_any(tgon_hidden(6)[:, [0, 3, 1, 2, 4, 5]] * 1.1, X)
    with pytest.raises(ValueError, match=r"datapoints \[0, 1\] share a feature, and zero loss needs"):
        polish((W, b), X)


# Refusals


def test_what_cannot_be_polished_is_refused_in_one_line():
    data = disjoint_data(np.random.default_rng(0), 6)
    random = np.random.default_rng(1)
    with pytest.raises(ValueError, match=r"squared error of .*train the model longer"):
        polish((random.normal(size=(2, data.n)), np.zeros(data.n)), data)
    with pytest.raises(ValueError, match=r"squared error of 0\.8"):  # everything is dropped
        polish((np.zeros((2, 5)), np.full(5, 0.2)), np.eye(5))
    with pytest.raises(ValueError, match="datapoint 2 has a squared error of 1;"):  # far from the origin
        polish((tgon_hidden(5), 1 - tgon_radius_squared(5) - np.eye(5)[2]), np.eye(5))
    T = math.isqrt(MOST_CONSTRAINTS) + 1
    large = disjoint_data(random, T)
    with pytest.raises(ValueError, match=rf"T = {T} .*allowed are {MOST_CONSTRAINTS}; try"):
        polish(storing(tgon_hidden(T), large), large)
    X = shared_pair(5)
    hidden = np.concatenate([np.zeros((2, 1)), tgon_hidden(4) * 1.2], axis=1)
    W = np.concatenate([np.zeros((2, 1)), hidden], axis=1)
    b = np.concatenate([[0.0, 0.0], 1 - np.sum(hidden[:, 1:] ** 2, axis=0)])
    with pytest.raises(ValueError, match="datapoint 0 is dropped but shares"):
        polish((W, b), X)


# Trained models


@pytest.mark.parametrize(("T", "seeds"), [(5, 1), pytest.param(8, 6, marks=pytest.mark.slow)])
def test_trained_models_land_on_the_regular_polygon(T, seeds, monkeypatch):
    """The paper's own setting: whatever of these a run is named, its kept points end on their regular polygon."""
    monkeypatch.undo()
    names = set()
    for run in train(Setting(T=T), seeds, out=None, progress=False):
        name = diagnose_run(run).name
        if not run.data.has_disjoint_supports or name == "not converged":
            continue
        found = polish(run, run.data)
        kept = int(np.sum(~found.dropped))
        assert (kept < T) == (name == "dropped point")
        assert found.before.energy > tgon_energy(kept) * (1 + 1e-6)
        assert found.energy == pytest.approx(tgon_energy(kept), rel=1e-6)
        assert found.settled
        assert found.keeps_order
        names.add(name)
    assert "regular T-gon" in names
