"""What no memorization code can beat: lower bounds on Σ‖h_j‖², with their proofs.

Subject: bounds on the minimum of `codes.programme`, ‖h_j‖² − h_i·h_j >= 1 for all i ≠ j, that hold for
*unequal* norms. Notation in the proofs: x_j = ‖h_j‖², E = Σ x_j, c_ij = h_i·h_j <= min(x_i, x_j) − 1. A point
is *light* when x_j < 1; L is the set of light points, l their number, U = Σ_L (1−x_i).

`codes.simplex-bound`. E >= T−1. Sum all constraints: T E − ‖Σh‖² >= T(T−1).

`codes.cap-bound`. The caps about h_j/‖h_j‖ of half angle α_j, sin²α_j = min(1, 1/(2x_j)), do not overlap, so
their areas sum to at most one sphere. For 1/2 <= x_i <= x_j: cos θ_ij <= (x_i−1)/√(x_i x_j) <= cos(α_i+α_j),
because 2x_i−1 <= √((2x_i−1)(2x_j−1)). At most one x_i is below 1/2 (‖h_i−h_j‖² >= 2); then cos θ_ij <=
−(1−x_i)/√(x_i x_j) <= −sin α_j. The area is convex and decreasing in x on [1/2, ∞) (the derivative of α is
−1/(2x√(2x−1))), so Jensen gives E >= T x with all areas equal, or, with one x below 1/2, the same for the
other T−1 points on half a sphere. m = 2: the T-gon, exactly.

`codes.light-points`. For T >= m+2 the light vectors are independent and U < 1. All products with a light
vector are negative. A dependency Σ a_i h_i = 0 among light vectors cannot have two signs (‖Σ_+ a h‖² would be
a sum of negative terms), nor one (multiply by any other h_j); were all points light, T <= m+1 (vectors with
all products negative). And 0 < ‖Σ_L h‖² <= l E_L − l(l−1) = l(1−U) with E_L = Σ_L x.

`codes.rank-bound`. T >= m+2: E >= T−1+2√c/(√T+√c), c = T−m. If L is empty, E >= T. Else G_L, the Gram matrix
of L, has non-positive off-diagonal entries, so G_L⁻¹ >= 0 entrywise, and the projections p_j of the other
points on span(L) have p_i·p_j >= σ = eᵀG_L⁻¹e, e_i = 1−x_i, with σ >= max_ζ 2ζU − ζ²‖Σ_L h‖² >= U²/(l(1−U)).
The residuals have products <= min(x_i, x_j)−1−σ: those with x_j < 1+σ are negative with every other and hence
independent, so with L they number at most m, and at least c points have x_j >= 1+σ. So E >= T − U + cσ >= T −
U + (c/(T−c)) U²/(1−U), least at 1−U = √(c/T). The same with c replaced by B = 2c is the energy of
`codes.shifted-cross-polytope`; it follows at once whenever at most 2m−T points have x_j < 1+σ. A code with more
such points, and fewer, longer others, is what `codes.shifted-bound` is about.

`codes.shifted-bound`. m+2 <= T <= m+4, T <= 2m−1 (at T = 2m it is `codes.orthoplex-bound`): E >= T−1+2√B/(√T+√B), B =
2(T−m), which `codes.shifted-cross-polytope` attains; proof in `theory.derivations.memorization.shifted_codes`. Open
for m+5 <= T <=
2m−1, where the proof would need two of any 2d+1 vectors in R^d, 4 <= d < T−m, to have a cosine of (2−√2)/4 or more.
For nine vectors in R^4 the best packing known has 0.162, enough, but what is proven of them by linear programming is
0.076; from about d = 5 on the packings known are below it, and the gains of all pairs would have to be added up.

`codes.orthoplex-bound`. T >= 2m, m >= 2: E >= T, with equality only at T = 2m and the cross-polytope. For
T = 2m = 4 it is `codes.cap-bound`. Let T = 2m >= 6, r = T−l, and suppose E <= T with U > 0, so
Y = Σ_{x_j>=1}(x_j−1) <= U < 1.
With u_j = h_j/‖h_j‖, γ_ij = u_i·u_j, w = 1+γ, S = Σu: Σ_ij γ² >= T²/m gives ‖S‖² <= Σ_{i≠j} γ_ij w_ij <=
Σ_{i≠j} w_ij (min(x_i,x_j)−1)/√(x_i x_j). Pairs of points that are not light add at most Σ (x_i−1) W_i, W_i =
Σ_j w_ij over such j, at most T−2+‖S‖−l+√l (‖Σ_L u‖² <= l). A light point adds at most −(1−x_i)(W'_i + V_i −
Y), where V_i sums w over the others that are not light and W'_i over all, since 1/√x_j >= 1−(x_j−1)/2 and w
<= 1 there; W'_i >= T−2−‖S‖, V_i >= r−1−‖S‖. Together ‖S‖² <= U(1−T+√l+3‖S‖+U), which needs T−1−√l <= 13U/4 <
13/4; but l <= m and 2m−1−√m > 13/4 for m >= 3. So U = 0, E >= T, and E = T makes all x = 1 and all γ <= 0. T
> 2m follows from `codes.averaging`, strictly, because 2m+1 unit vectors with products <= 0 do not exist.

`codes.averaging`. E(T, m)/T does not decrease with T: the T codes with one point left out have mean energy
(T−1)E/T.
"""

import math
from collections.abc import Mapping

from scipy.special import betaincinv

_ROUNDING = 1e-13  # relative; bounds and energies are sums and square roots of a few exact numbers


def lower_bounds(T: int, m: int) -> Mapping[str, float]:
    """Every proven lower bound on the energy that applies to T points in R^m, by label; all hold for unequal
    norms.

    T >= 1 and m >= 1, T <= 2 if m = 1. Accurate to rounding. The largest is the one to use.

    >>> lower_bounds(8, 4)["codes.orthoplex-bound"]
    8.0
    """
    bounds = {"codes.simplex-bound": float(T - 1)}
    if m + 2 <= T:
        bounds["codes.cap-bound"] = cap_bound(T, m)
        bounds["codes.rank-bound"] = rank_bound(T, m)
    if m + 2 <= T <= min(m + 4, 2 * m - 1):
        bounds["codes.shifted-bound"] = _lifted(T, 2 * (T - m))
    if 2 * m <= T and m >= 2:
        bounds["codes.orthoplex-bound"] = float(T)
    return bounds


def best_lower_bound(T: int, m: int, energy: float = math.inf) -> tuple[str, float]:
    """Label and value of the largest proven lower bound; of equal ones, the first of `lower_bounds`.

    ``energy`` is that of a code that is known to attain it: a bound above it by rounding alone is returned as it. The
    domain is that of `lower_bounds`.

    >>> best_lower_bound(8, 4)
    ('codes.orthoplex-bound', 8.0)
    """
    bounds = lower_bounds(T, m)
    largest = max(bounds.values())
    label = next(one for one, bound in bounds.items() if math.isclose(bound, largest, rel_tol=_ROUNDING))
    if math.isclose(largest, energy, rel_tol=_ROUNDING):
        return label, min(largest, energy)
    return label, largest


def cap_bound(T: int, m: int) -> float:
    """Least Σ‖h_j‖² that lets T disjoint caps fit on the sphere in R^m (`codes.cap-bound`).

    T >= 3, m >= 2; equals T/(1−cos(2π/T)) at m = 2. Relative accuracy that of the inverse incomplete beta
    function (1e-12).
    """
    share = (m - 1) / 2
    everywhere = T / (2 * betaincinv(share, 0.5, 2 / T))
    beside_a_short_one = (T - 1) / (2 * betaincinv(share, 0.5, 1 / (T - 1)))
    return float(min(everywhere, beside_a_short_one))


def rank_bound(T: int, m: int) -> float:
    """T−1+2√c/(√T+√c) with c = T−m, for T >= m+2 (`codes.rank-bound`)."""
    if m + 2 > T:
        raise ValueError(f"T = {T}, m = {m}: the bound needs T >= m+2; try T = {m + 2}, or T-1 as the bound")
    return _lifted(T, T - m)


def _lifted(T: int, others: int) -> float:
    """T−1+2√B/(√T+√B): the least energy where B of T points are lifted by the rest (`codes.rank-least`)."""
    return T - 1 + 2 * math.sqrt(others) / (math.sqrt(T) + math.sqrt(others))
