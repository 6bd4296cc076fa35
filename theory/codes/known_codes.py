"""Memorization codes that have names: coordinates and exact energies, of least Σ‖h_j‖².

A spherical code of T points with maximal cosine μ becomes a solution of `codes.programme` at the common radius²
1/(1−μ), with energy T/(1−μ) (`codes.equal-norm`). The plane's is the regular T-gon (`codes.tgon`).
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from theory.arrays import Floats
from theory.memorization.tgon import simplex_hidden


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemorizationCode:
    """Hidden vectors that memorize T datapoints in R^m."""

    name: str  #: the configuration in words ("simplex", "5-gon", "icosahedron", ...), or "numerical"
    hidden: Floats  #: (m, T), feasible up to rounding; unique at best up to rotations, reflections and relabelling
    exact: str | None = None  #: energy as a string that SymPy parses, None where no closed form is known
    optimal: bool = False  #: whether the energy is proven to be the least, not only among equal norms

    @property
    def status(self) -> Literal["theorem", "numerical"]:
        """How it is known that no code has less energy; "numerical" where searches found none."""
        return "theorem" if self.optimal else "numerical"

    @property
    def energy(self) -> float:
        """Σ_t ‖h_t‖², the squared weight norm of the model, to rounding."""
        return float(np.sum(self.hidden**2))

    @property
    def radius_squared(self) -> Floats:
        """(T,) the squared lengths ‖h_t‖²."""
        return np.asarray(np.sum(self.hidden**2, axis=0), dtype=np.float64)

    @property
    def equal_norms(self) -> bool:
        """Whether all squared lengths agree to a relative 1e-9."""
        squared = self.radius_squared
        return bool(np.ptp(squared) <= 1e-9 * squared.max())


def known_codes(T: int, m: int) -> tuple[MemorizationCode, ...]:
    """Every named configuration of T points in R^m, those proven optimal first; may be empty.

    Optimal: the simplex (T <= m+1, `codes.simplex-bound`), the T-gon (m = 2, `codes.cap-bound`), the cross-polytope
    (T = 2m, m >= 2, `codes.orthoplex-bound`), and `codes.shifted-cross-polytope` for m+2 <= T <= m+4
    (`codes.shifted-bound`); up to 2m−1 that one, of unequal norms, comes first.

    >>> [code.name for code in known_codes(12, 3)]
    ['icosahedron']
    """
    if T == 1:
        return (MemorizationCode(name="origin", hidden=np.zeros((m, 1)), exact="0", optimal=True),)
    if m == 2:
        angle = 2 * np.pi * np.arange(T) / T
        vertices = np.stack([np.cos(angle), np.sin(angle)])
        return (_spherical(f"{T}-gon", vertices, f"{T}/(1 - cos(2*pi/{T}))", optimal=True),)
    if m + 1 >= T:
        return (_spherical("simplex", simplex_hidden(T, m), str(T - 1), optimal=True),)
    if m == 1:
        return ()
    if 2 * m >= T:
        vertices = np.hstack([np.eye(m), -np.eye(m)])[:, :T]
        if 2 * m == T:
            return (_spherical("orthoplex", vertices, str(T), optimal=True),)
        name = f"{T} vertices of the orthoplex"  # the best equal-norm code (Rankin 1955)
        return (shifted_cross_polytope(T, m), MemorizationCode(name=name, hidden=vertices, exact=str(T)))
    if (T, m) not in _CATALOGUE:
        return ()
    name, directions, exact = _CATALOGUE[T, m]
    return (_spherical(name, directions(), exact),)


def equal_norm_hidden(directions: Floats) -> Floats:
    """(m, T) the directions at the radius 1/√(1−μ), their least common feasible one (`codes.equal-norm`); T >= 2."""
    units = directions / np.linalg.norm(directions, axis=0)
    cosines = units.T @ units
    largest = float(cosines[~np.eye(len(cosines), dtype=bool)].max())
    return np.asarray(units / math.sqrt(1.0 - largest), dtype=np.float64)


def shifted_cross_polytope(T: int, m: int) -> MemorizationCode:
    """The unequal-norm configuration for m+2 <= T <= 2m−1 (`codes.shifted-cross-polytope`).

    k = 2m−T points h_i = e_i − c·1 in R^k with Gram matrix I − tJ, and the B = 2(T−m) points P ± e_d of a
    cross-polytope in the other m−k dimensions, all shifted by P = −s Σ h_i so that h_i·P = −t. Then ‖h_i‖² =
    1−t, ‖P‖² = kt²/(1−kt), and the energy is least at kt = 1 − √(B/T), where it is T−1+2√B/(√T+√B) < T.
    """
    k, cross = 2 * m - T, 2 * (T - m)
    if not 1 <= k <= m - 2:
        raise ValueError(f"T = {T}, m = {m}: this configuration needs m+2 <= T <= 2m-1; try T = 8, m = 5")
    t = (1.0 - math.sqrt(cross / T)) / k
    root = math.sqrt(1.0 - k * t)
    simplex = np.eye(k) - (1.0 - root) / k
    shift = np.full((k, cross), -t / root)
    axes = np.hstack([np.eye(m - k), -np.eye(m - k)])
    hidden = np.block([[simplex, shift], [np.zeros((m - k, k)), axes]])
    name = f"simplex in R^{k} + cross-polytope"
    exact = f"{T - 1} + 2*sqrt({cross})/(sqrt({T}) + sqrt({cross}))"
    return MemorizationCode(name=name, hidden=hidden, exact=exact, optimal=m + 4 >= T)


def _spherical(name: str, directions: Floats, exact: str, *, optimal: bool = False) -> MemorizationCode:
    return MemorizationCode(name=name, hidden=equal_norm_hidden(directions), exact=exact, optimal=optimal)


def _signs(length: int) -> Floats:
    return np.array(list(itertools.product((1.0, -1.0), repeat=length)))


def _root_system_d(m: int) -> Floats:
    """(m, 2m(m−1)) the vectors ±e_i ± e_j."""
    rows = [
        a * np.eye(m)[i] + b * np.eye(m)[j]
        for i, j in itertools.combinations(range(m), 2)
        for a in (1, -1)
        for b in (1, -1)
    ]
    return np.array(rows).T


def _root_system_e8() -> Floats:
    half = _signs(8) / 2
    return np.hstack([_root_system_d(8), half[np.prod(half, axis=1) > 0].T])


#: Two roots of E8 at 120°: the first spans A1, both span A2; what they leave is E7 and E6.
_FIRST = np.array([1.0, -1, 0, 0, 0, 0, 0, 0])
_SECOND = np.array([0.0, 1, -1, 0, 0, 0, 0, 0])


def _e8_slice(products: tuple[int, ...]) -> Floats:
    """Roots of E8 with these inner products with the roots above, in coordinates of their complement."""
    fixed = np.stack([_FIRST, _SECOND])[: len(products)]
    roots = _root_system_e8()
    chosen = roots[:, np.all(fixed @ roots == np.array(products)[:, None], axis=0)]
    complement = np.linalg.svd(fixed)[2][len(products) :]
    return np.asarray(complement @ chosen, dtype=np.float64)


def _icosahedron() -> Floats:
    golden = (1 + math.sqrt(5)) / 2
    corners = np.array([[0.0, a, b * golden] for a in (1, -1) for b in (1, -1)])
    return np.vstack([np.roll(corners, shift, axis=1) for shift in range(3)]).T


def _square_antiprism() -> Floats:
    """Height and radius are such that the edges of the squares and those between them are equal."""
    height = 8.0**-0.25
    angle = np.pi / 4 * np.arange(8)
    return np.stack([np.cos(angle), np.sin(angle), height * (-1.0) ** np.arange(8)])


def _tricapped_prism() -> Floats:
    """A triangular prism with a point over each side face: cosines 1/3 along every edge."""
    angle = 2 * np.pi * np.arange(3) / 3
    cap = np.stack([np.cos(angle), np.sin(angle), np.zeros(3)])
    layer = np.stack([-2 / 3 * np.cos(angle), -2 / 3 * np.sin(angle), np.full(3, math.sqrt(5) / 3)])
    return np.hstack([cap, layer, layer * np.array([[1.0], [1.0], [-1.0]])])


def _snub_cube() -> Floats:
    """Even permutations of (±1, ±1/t, ±t) with an even number of minus signs, odd ones with an odd number."""
    real_roots = np.roots([1.0, -1.0, -1.0, -1.0])
    t = float(real_roots[np.isreal(real_roots)][0].real)
    corner = np.array([1.0, 1 / t, t])
    return np.array(
        [
            (corner * signs)[list(order)]
            for order in itertools.permutations(range(3))
            for signs in _signs(3)
            if np.prod(signs) == np.linalg.det(np.eye(3)[list(order)])
        ]
    ).T


def _edge_midpoints_of_simplex() -> Floats:
    """(4, 10) midpoints of the edges of a regular simplex: cosines 1/6 and −2/3 (the Petersen code)."""
    simplex = simplex_hidden(5, 4)
    return np.stack([simplex[:, i] + simplex[:, j] for i, j in itertools.combinations(range(5), 2)], axis=1)


def _six_hundred_cell() -> Floats:
    golden = (1 + math.sqrt(5)) / 2
    even = [p for p in itertools.permutations(range(4)) if np.linalg.det(np.eye(4)[list(p)]) > 0]
    base = np.array([golden, 1.0, 1 / golden, 0.0]) / 2
    mixed = np.array([(base * np.append(signs, 1.0))[list(p)] for signs in _signs(3) for p in even])
    return np.hstack([np.eye(4), -np.eye(4), _signs(4).T / 2, mixed.T])


#: t³ = t² + t + 1, of which the vertices of the snub cube are made.
_TRIBONACCI = "(1 + cbrt(19 + 3*sqrt(33)) + cbrt(19 - 3*sqrt(33)))/3"

#: Spherical codes that are the best known of their size (most are proven so: sharp codes, Levenshtein 1979,
#: or by Fejes Tóth, Schütte and van der Waerden, Danzer, Musin), keyed by (T, m).
_CATALOGUE: dict[tuple[int, int], tuple[str, Callable[[], Floats], str]] = {
    (8, 3): ("square antiprism", _square_antiprism, "8/(1 - (2*sqrt(2) - 1)/7)"),
    (9, 3): ("tricapped trigonal prism", _tricapped_prism, "27/2"),
    (11, 3): ("icosahedron less a vertex", lambda: _icosahedron()[:, :11], "11/(1 - 1/sqrt(5))"),
    (12, 3): ("icosahedron", _icosahedron, "12/(1 - 1/sqrt(5))"),
    (24, 3): (
        "snub cube",
        _snub_cube,
        f"24*(1 + ({_TRIBONACCI})**2 + ({_TRIBONACCI})**(-2))/(1 + 2*({_TRIBONACCI}) - ({_TRIBONACCI})**2)",
    ),
    (10, 4): ("edge midpoints of the simplex", _edge_midpoints_of_simplex, "12"),
    (24, 4): ("24-cell", lambda: _root_system_d(4), "48"),
    (120, 4): ("600-cell", _six_hundred_cell, "120/(1 - (1 + sqrt(5))/4)"),
    (16, 5): ("5-demicube", lambda: _signs(5)[np.prod(_signs(5), axis=1) > 0].T, "20"),
    (40, 5): ("D5 roots", lambda: _root_system_d(5), "80"),
    (27, 6): ("27 lines (2_21 polytope)", lambda: _e8_slice((1, 0)), "36"),
    (72, 6): ("E6 roots", lambda: _e8_slice((0, 0)), "144"),
    (56, 7): ("28 bitangents (3_21 polytope)", lambda: _e8_slice((1,)), "84"),
    (126, 7): ("E7 roots", lambda: _e8_slice((0,)), "252"),
    (240, 8): ("E8 roots", _root_system_e8, "480"),
}
