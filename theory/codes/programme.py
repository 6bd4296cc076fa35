"""Minimum-norm memorization codes for any hidden dimension, norms not assumed equal.

Zero loss on T orthonormal datapoints has ‖W‖² = Σ‖h_j‖², and is possible exactly when ‖h_j‖² − h_i·h_j >= 1 for all
i ≠ j (`codes.programme`). With multipliers λ_ji >= 0 a minimum has H Q = 0, Q = I − diag(Σ_i λ_ji) + (λ + λᵀ)/2
(`codes.stationarity`) and Σ λ = Σ‖h_j‖² (`codes.dual-energy`). These conditions are necessary; being the *global*
minimum is a theorem only where a lower bound of `theory.codes.bounds` is met.
"""

import operator

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Floats
from theory.codes.known_codes import MemorizationCode, equal_norm_hidden, known_codes
from theory.codes.search import (
    LOOSE_PENALTIES,
    TIGHT_PENALTIES,
    augmented_lagrangian,
    shaken,
    slacks,
    spread_directions,
    start_batches,
    stationarity_matrix,
)
from theory.integer_arguments import checked_integer
from theory.least_norm import (
    ACTIVE_SLACK,
    Certificate,
    LeastNormProgramme,
    certificate_of,
    descended,
    finished,
    fitting_multipliers,
)

#: (energy once scaled to be feasible, hidden, multipliers)
_Candidate = tuple[float, Floats, Floats]

#: How many starts must agree on the best energy for the search to end after a batch, and up to how many points: more
#: points have codes that one start in a hundred reaches while many agree on the next best.
_HITS, _FEW_POINTS = 12, 16
#: Most rounds of the refinement of one candidate, most projection steps after it, and how many candidates of many
#: points take these: from nearly equal energies they lead to minima that differ by a millionth.
_REFINEMENTS, _PROJECTIONS, _PROJECTED = 30, 100, 2
#: The most points of a code in closed form, of up to T × T entries, and of a search, which holds hundreds of them.
_MOST_POINTS, MOST_SEARCHED = 10_000, 500
#: Relative energy difference below which two codes are the same one.
_SAME = 1e-9


def memorization_code(T: int, m: int, *, starts: int | None = None) -> MemorizationCode:
    """Minimum-norm hidden vectors that memorize T orthonormal datapoints in m dimensions (`codes.programme`).

    T, m >= 1, T <= 2 when m = 1. Proven optima (T <= m+1, m = 2, T = 2m, m+2 <= T <= m+4: `codes.shifted-bound`) are
    closed forms, as are the best known spherical codes. Else every configuration of `theory.codes.known_codes` and up
    to `starts` (by default 16 to 384, fewer for larger problems) are optimized, as they are and spread like a spherical
    code, until many agree; the best certified one wins. The same bits on one machine. Residuals are below 1e-9 where
    `certify(code.hidden).holds()`. Raises ValueError: T or m outside the domain, starts < 1, T above 500, or 10 000
    where a closed form is known.

    >>> code = memorization_code(5, 3)
    >>> code.name, round(code.energy, 6), code.equal_norms
    ('simplex in R^1 + cross-polytope', 4.944272, False)
    """
    T, m = checked_integer("T", T, 8), checked_integer("m", m, 2)
    if m == 1 and T > 2:
        raise ValueError(
            f"T = {T} with m = 1: one dimension memorizes at most 2 datapoints; try m = 2 or T = 2"
        )
    most = 192 if T <= _FEW_POINTS else 384
    starts = (
        max(16, min(most, 800_000 // (T * T * m)))
        if starts is None
        else checked_integer("starts", starts, 64)
    )
    most = _MOST_POINTS if m == 2 or m + 1 >= T or 2 * m == T else MOST_SEARCHED
    if most < T:
        raise ValueError(f"T = {T} with m = {m}: its T × T arrays need T <= {most}; try T = {most}")
    known = known_codes(T, m)
    if known and (known[0].optimal or 2 * m < T):  # of the catalogue's codes, searches have found none better
        return known[0]
    return _best_of_search(T, m, known, starts)


def programme_of(T: int) -> LeastNormProgramme:
    """The programme of T orthonormal datapoints; constraint c is that of datapoint `first[c]` against `other[c]`."""
    first, other = np.nonzero(~np.eye(T, dtype=bool))
    return LeastNormProgramme(
        np.eye(T), first, first, other, np.ones(len(first)), np.zeros(len(first), dtype=bool)
    )


def certify(hidden: Floats, multipliers: Floats | None = None) -> Certificate:
    """Residuals of the optimality conditions at (m, T) hidden vectors; rotation and order do not matter.
    Without multipliers (T, T), entry [j, i] for the constraint of j against i, the non-negative ones on the active
    constraints that fit best are taken; a feasible point that is not stationary then shows a large `stationarity`.
    """
    held = optimal_multipliers(hidden) if multipliers is None else multipliers
    programme = programme_of(hidden.shape[1])
    return certificate_of(programme, hidden, held[programme.first, programme.other])


def optimal_multipliers(hidden: Floats) -> Floats:
    """(T, T) multipliers >= 0, zero where the slack exceeds 1e-8, that make `hidden` most stationary.
    Multipliers that depend on (‖h_j‖², ‖h_i‖², h_i·h_j) alone are tried first: by symmetry they suffice for most named
    codes, and the general non-negative least-squares problem has T(T−1) unknowns.
    """
    rows, columns = np.nonzero(slacks(hidden) < ACTIVE_SLACK)
    multipliers = np.zeros((hidden.shape[1], hidden.shape[1]))
    if not len(rows):
        return multipliers
    symmetric = _symmetric_multipliers(hidden, rows, columns)
    if certify(hidden, symmetric).worst < 1e-12 * hidden.shape[1]:
        return symmetric
    programme = programme_of(hidden.shape[1])
    multipliers[programme.first, programme.other] = fitting_multipliers(programme, hidden)
    return multipliers


def _symmetric_multipliers(hidden: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    from scipy.optimize import nnls

    gram = hidden.T @ hidden
    squared = np.diagonal(gram)
    kinds = np.round(np.stack([squared[rows], squared[columns], gram[rows, columns]], axis=1), 6)
    kind = np.unique(kinds, axis=0, return_inverse=True)[1].ravel()
    points = len(gram)
    unit = np.zeros((kind.max() + 1, points, points))
    unit[kind, rows, columns] = 1.0
    design = np.stack(
        [(hidden @ (stationarity_matrix(one) - np.eye(points))).ravel() for one in unit], axis=1
    )
    weights = nnls(design, -hidden.ravel())[0]
    return np.asarray(np.tensordot(weights, unit, axes=1), dtype=np.float64)


def _best_of_search(T: int, m: int, known: tuple[MemorizationCode, ...], starts: int) -> MemorizationCode:
    """Lower energy wins among certified points; a certified one wins over one that is not."""
    programme, named = programme_of(T), min(known, key=lambda code: code.energy, default=None)
    best: tuple[float, Floats, bool] | None = None
    if named is not None and certify(named.hidden).holds():
        best = named.energy, named.hidden, True
    tried = 0 if known or T <= _FEW_POINTS else _PROJECTED
    for number, (energy, point, multipliers) in enumerate(_refined(_search(T, m, known, starts))):
        lower = best is None or energy <= best[0] * (1 - 1e-7) or not best[2]
        if number >= tried and not lower:
            continue
        held = multipliers[programme.first, programme.other]
        hidden, certificate = finished(programme, *descended(programme, point, _PROJECTIONS, held)[:2])
        settled, energy = certificate.holds(), _feasible_energy(hidden)
        if best is None or (energy < best[0] * (1 - _SAME) if settled == best[2] else settled):
            best = energy, hidden, settled
    assert best is not None, "the search returns at least one candidate"
    if named is not None and best[0] >= named.energy * (1 - _SAME):
        return named
    return MemorizationCode(name="numerical", hidden=best[1])


def _search(T: int, m: int, known: tuple[MemorizationCode, ...], starts: int) -> list[_Candidate]:
    """The most promising candidates, best first; it ends after a batch once `_HITS` starts agree on the best energy."""
    found: list[_Candidate] = []
    if known:
        found += _ranked(*augmented_lagrangian(np.concatenate([shaken(code.hidden) for code in known])))
    for batch in start_batches(T, m, starts):
        spread = spread_directions(batch)
        for directions, penalties in ((batch, LOOSE_PENALTIES), (spread, TIGHT_PENALTIES)):
            codes = np.concatenate([shaken(equal_norm_hidden(one), 0.003) for one in directions])
            found += _ranked(*augmented_lagrangian(codes, penalties=penalties))
        energies = np.array([energy for energy, *_ in found])
        if T <= _FEW_POINTS and np.sum(energies < energies.min() * (1 + 2e-5)) >= _HITS:
            break
    if T > _FEW_POINTS:  # large codes have neighbours of nearly the same energy
        best = min(found, key=operator.itemgetter(0))[1]
        for size in (0.01, 0.03, 0.06, 0.1):
            found += _ranked(*augmented_lagrangian(shaken(best, size, 32), penalties=TIGHT_PENALTIES))
    return _distinct(found)


def _distinct(found: list[_Candidate]) -> list[_Candidate]:
    """The lowest candidates, up to eight, whose energies differ by more than a relative 1e-6."""
    chosen: list[_Candidate] = []
    for candidate in sorted(found, key=operator.itemgetter(0)):
        if len(chosen) < 8 and (not chosen or candidate[0] > chosen[-1][0] * (1 + 1e-6)):
            chosen.append(candidate)
    return chosen


def _feasible_energy(hidden: Floats) -> float:
    """Energy after scaling up until every constraint holds; inf when no scale does."""
    least = 1.0 + float(np.min(slacks(hidden)))
    return float(np.sum(hidden**2)) / min(1.0, least) if least > 0 else np.inf


def _refined(candidates: list[_Candidate]) -> list[_Candidate]:
    """The candidates continued with a high penalty until their slacks settle, best first."""
    hidden = np.stack([point for _, point, _ in candidates])
    multipliers = np.stack([held for _, _, held in candidates])
    for _ in range(_REFINEMENTS):
        hidden, multipliers = augmented_lagrangian(
            hidden, multipliers, penalties=TIGHT_PENALTIES[-1:], steps=300
        )
        if np.max(np.abs(np.minimum(slacks(hidden), multipliers))) < 1e-6:
            break
    return _ranked(hidden, multipliers)


def _ranked(hidden: Floats, multipliers: Floats) -> list[_Candidate]:
    ranked = [(_feasible_energy(h), h, held) for h, held in zip(hidden, multipliers, strict=True)]
    return sorted(ranked, key=operator.itemgetter(0))
