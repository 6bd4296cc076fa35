"""Claims that models which store features are held to: what a ring of them is worth, and which law it fits.

A ring is three or more stored features in the plane (`verify.stored_features`) that occur one at a time. It is laid
beside the regular k-gon of its own mean squared length r and mean bias b.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from numerics.data import distinct_points
from theory.arrays import Floats
from theory.dimensionality import dimensionality
from theory.features.amplitude_law import route
from theory.features.amplitudes import Amplitude, samples
from theory.features.free_bias import ring_gain
from theory.features.polygon import polygon
from theory.features.sea import best_sea
from theory.number_format import shown
from verify.claims.judging import (
    Case,
    Claim,
    Finding,
    counted,
    described,
    not_judged,
    once_per_case,
    test_errors,
    varied,
)
from verify.claims.tolerance import rounding
from verify.stored_features import arrangement, find_stored, settled_share
from verify.thresholds import CONVERGED, SEEN_OFTEN, SETTLED

#: What a model lacks that is too small to have a ring.
_SMALL = f"needs m = 2 and {3 * SEEN_OFTEN} datapoints or more"

#: The share of its energy that a feature of a k-gon keeps: k, r, b and the law of amplitudes.
Worth = Callable[[int, float, float, Amplitude], float]


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """Stored features on a ring, and how far they are from the regular k-gon of their means."""

    k: int
    radius_squared: float
    bias: float
    law: Amplitude  #: the amplitudes with which its features occur
    worth: float  #: 1 − loss/E a², measured on its own outputs where one of its features is active
    stray: float  #: the largest norm of a column of WᵀW − r cos(2π(i − j)/k)
    bias_stray: float  #: the norm of the biases less their mean
    regular: bool  #: whether it is named a regular polygon
    settled: float  #: as in `verify.stored_features.settled_share`

    @property
    def allowed(self) -> float:
        """How much the strays can change `worth`: outputs move by e = √(E a²) stray + bias stray in the mean square.

        A loss ℓ then moves by 2e√ℓ + e² at most (Cauchy-Schwarz; ReLU is a contraction).
        """
        energy = self.law.moment(2)
        moved = math.sqrt(energy) * self.stray + self.bias_stray
        loss = energy * (1 - polygon_worth(self.k, self.radius_squared, self.bias, self.law))
        return (2 * moved * math.sqrt(max(loss, 0.0)) + moved**2) / energy


def polygon_worth(k: int, radius_squared: float, bias: float, law: Amplitude) -> float:
    """1 − loss/E a² of a feature on the regular k-gon (`generalization.free-bias-loss`)."""
    return ring_gain(k, radius_squared, bias, law)[0] / k


_WRONG_WORTHS: dict[str, Worth] = {
    "k + 1 in place of k": lambda k, r, bias, law: polygon_worth(k + 1, r, bias, law),
    "bias of the other sign": lambda k, r, bias, law: polygon_worth(k, r, -bias, law),
    "without the neighbours": lambda k, r, bias, law: polygon_worth(1, r, bias, law),
}


@once_per_case
def find_stored_features(case: Case) -> NDArray[np.intp] | str:
    """The three or more features that a model in the plane stores, or why it has none such."""
    if case.parameters is None or case.data is None:
        return "needs W, b and the data"
    (W, b), data = case.parameters, case.data
    if len(W) != 2 or data.T < 3 * SEEN_OFTEN:
        return _SMALL
    stored = find_stored(W, b, distinct_points(data), case.record.memorized)
    return stored if len(stored) >= 3 else f"{len(stored)} features are stored, a ring has three or more"


@once_per_case
def find_ring(case: Case) -> Ring | str:
    """The ring of a model, or why it has none."""
    stored = find_stored_features(case)
    if isinstance(stored, str) or case.parameters is None or case.data is None:
        return str(stored)
    (W, b), data = case.parameters, case.data
    places = np.flatnonzero(np.isin(data.indices, stored))
    active = np.unique(data.columns[places])
    crowded = int(np.sum(np.diff(data.indptr)[active] > 1))
    if crowded:
        return f"{crowded} of {len(active)} datapoints have another feature beside a stored one"
    own, amplitudes = np.searchsorted(stored, data.indices[places]), data.values[places]
    settled = settled_share(W, b, distinct_points(data), stored)
    return _measured(W[:, stored], b[stored], own, amplitudes, settled)


def _measured(columns: Floats, biases: Floats, own: NDArray[np.intp], a: Floats, settled: float) -> Ring:
    """The ring of (2, k) columns on datapoints of one feature ``own`` and amplitude ``a`` each."""
    k, gram = columns.shape[1], columns.T @ columns
    r, bias, law = float(np.trace(gram)) / k, float(biases.mean()), samples(a)
    place = np.argsort(np.argsort(np.arctan2(columns[1], columns[0])))
    regular = r * np.cos(2 * np.pi * np.subtract.outer(place, place) / k)
    outputs = np.maximum(gram[:, own] * a + biases[:, None], 0)
    outputs[own, np.arange(len(a))] -= a
    return Ring(
        k=k,
        radius_squared=r,
        bias=bias,
        law=law,
        worth=1 - float(np.sum(outputs**2) / np.sum(a**2)),
        stray=float(np.max(np.linalg.norm(gram - regular, axis=0))),
        bias_stray=float(np.linalg.norm(biases - bias)),
        regular=arrangement(columns).startswith("regular"),
        settled=settled,
    )


def _lacking(lacks: Sequence[str], cases: Sequence[Case]) -> str:
    """What the models lack, each once and three at most; of those too small how large they are."""
    here = ""
    if set(lacks) == {_SMALL}:
        m, T = (shown([getattr(case.setting, name) for case in cases]) for name in "mT")
        here = f", here m = {m} and T = {T}"
    return "; ".join(list(dict.fromkeys(lacks))[:3] or ["no model"]) + here


def _worst(ratios: Sequence[float], reason: str, lacks: Sequence[str], cases: Sequence[Case]) -> Finding:
    """The finding of the largest ratio to what is allowed, 1 at most; without any why none could be judged."""
    if not ratios:
        return not_judged(_lacking(lacks, cases))
    return Finding(len(ratios), bool(max(ratios) <= 1), float(max(ratios)), 1.0, reason)


def judge_ring_gain(cases: Sequence[Case], worth: Worth) -> Finding:
    """What a feature of the ring keeps of its energy, against the regular k-gon's; ``value`` is the worst ratio to
    what the strays allow, ``bound`` 1. Judged where that is below half of what the (k + 1)-gon's angles change.
    """
    ratios, lacks = [], list[str]()
    for ring in map(find_ring, cases):
        if isinstance(ring, str):
            lacks.append(ring)
            continue
        about = ring.k, ring.radius_squared, ring.bias, ring.law
        room = abs(polygon_worth(*about) - _WRONG_WORTHS["k + 1 in place of k"](*about)) / 2
        if ring.allowed > room:
            told = f"{room:.2g} would tell {ring.k} from {ring.k + 1}"
            lacks.append(f"strays allow {ring.allowed:.2g}, of which {told}")
            continue
        allowed = ring.allowed + rounding(ring.k * len(ring.law.atoms))
        ratios.append(abs(ring.worth - worth(*about)) / allowed)
    return _worst(ratios, counted(ratios, cases), lacks, cases)


#: Rival laws of a ring: those that `verify.stored_features.nearest_law` tells apart.
_LAWS = ("free", "constant", "uniform")


def judge_ring_law(cases: Sequence[Case], own: str | None = None) -> Finding:
    """The distance of (length, mean bias) from the best k-gon of the data's own law, in halves of the distance from
    there to the nearest k-gon of another law; ``value`` is the largest, ``bound`` 1. ``own`` puts another law there.
    """
    ratios, parts, lacks = [], list[str](), list[str]()
    for case in cases:
        ring = find_ring(case)
        if isinstance(ring, str) or case.data is None:
            lacks.append(str(ring))
            continue
        law = route(case.data).law
        if law.kind == "constant" or not ring.regular:
            lacks.append("amplitudes are constant" if ring.regular else "the ring is no regular polygon")
            continue
        if ring.settled < CONVERGED:
            lacks.append(f"not at the end of training: descent gains {1 / ring.settled - 1:.2g} more")
            continue
        name = own or law.kind
        found = {rival: polygon(ring.k, rival, n=case.data.n) for rival in _LAWS}  # type: ignore[arg-type]
        found[law.kind] = polygon(ring.k, law, n=case.data.n)
        ends = {rival: np.array([math.sqrt(one.radius_squared), one.bias]) for rival, one in found.items()}
        nearest = min(
            float(np.linalg.norm(ends[law.kind] - end)) for rival, end in ends.items() if rival != law.kind
        )
        if nearest < 2 * math.sqrt(rounding(ring.k)):
            lacks.append(f"the laws have one {ring.k}-gon")
            continue
        measured = np.array([math.sqrt(ring.radius_squared), ring.bias])
        ratios.append(float(np.linalg.norm(measured - ends[name])) / (nearest / 2))
        ours, theirs = (", ".join(f"{x:.4g}" for x in end) for end in (measured, ends[name]))
        parts.append(f"{ring.k}-gon of length and bias {ours}; {name} {theirs}")
    return _worst(ratios, "; ".join(parts[:3]), lacks, cases)


def _sea_of(radius_squared: float) -> float:
    return best_sea(5, radius_squared, "isotropic")


#: The energy of a sea beside a pentagon of squared radius r, and wrong ones.
Energy = Callable[[float], float]
_WRONG_SEAS: dict[str, Energy] = {
    "the pentagon alone": lambda r: 0.0,
    "a sea that the pentagon does not hear": lambda r: _sea_of(0.0),
}
#: A sea has this many columns of a hundredth of a stored feature's length or more: it is described by what columns in
#: all directions have together.
_SEA_COLUMNS = 50


@once_per_case
def find_pentagon(case: Case) -> dict[str, float] | str:
    """The r of a regular pentagon near a minimum, with a sea beside it, ‖W‖² with that, and the mean D_f of its five
    features; or why a model has none.
    """
    stored = find_stored_features(case)
    if isinstance(stored, str) or case.parameters is None or case.data is None:
        return str(stored)
    (W, b), points = case.parameters, distinct_points(case.data)
    seen = W * points.data.seen
    squares = np.sum(seen**2, axis=0)
    ring = float(np.sum(squares[stored]))
    room = _sea_of(ring / 5)
    small = np.count_nonzero(squares > 1e-4 * ring / 5) - len(stored)
    if arrangement(W[:, stored]) != "regular pentagon":
        return "the stored features are no regular pentagon"
    if small < _SEA_COLUMNS:
        return f"{small} columns beside the pentagon are not 0, a sea has {_SEA_COLUMNS} or more"
    if case.data.n > case.data.T or np.any(points.copies[np.diff(points.data.indptr) > 1] > 1):
        return "needs as many datapoints as features, and none of several features twice"
    if room < ring / 4:
        return f"a pentagon of energy {ring:.4g} leaves a sea no more than {room:.3g}"
    if (settled := settled_share(W, b, points, stored)) < SETTLED:
        return f"not at the end of training: descent gains {1 / settled - 1:.2g} more"
    share = float(dimensionality(seen)[stored].mean())
    return {"r": ring / 5, "‖W‖²": float(np.sum(squares)), "D_f": share}


def judge_sea(
    cases: Sequence[Case], of: str, theory: Callable[[float, float], float], energy: Energy
) -> Finding:
    """The distance of ‖W‖², or of the mean D_f of the pentagon's features, from what theory says of their r and of the
    best energy of a sea in all directions, 4 - 5r/2, in halves of the way from there to no sea: beyond, the pentagon
    alone is nearer. ``value`` is the largest, ``bound`` 1.
    """
    ratios, parts, lacks = [], list[str](), list[str]()
    for found in map(find_pentagon, cases):
        if isinstance(found, str):
            lacks.append(found)
            continue
        r, value = found["r"], found[of]
        alone, best, expected = (theory(r, q) for q in (0.0, _sea_of(r), energy(r)))
        ratios.append(2 * abs(value - expected) / abs(best - alone))
        parts.append(f"{of} = {value:.4g}: pentagon {alone:.4g}, with its sea predicted {expected:.4g}")
    return _worst(ratios, "; ".join(parts[:3]), lacks, cases)


@once_per_case
def _saved(case: Case) -> tuple[float, float, float, float] | str:
    """What a model with a pentagon saves over biases alone, the best constant output, on fresh datapoints, in features,
    three standard errors of it, what the best pentagon gains, and what a bias saves; or why that is not told.
    """
    if isinstance(found := find_pentagon(case), str) or case.fresh is None:
        return found if isinstance(found, str) else "needs fresh datapoints"
    x, n, size = case.fresh.values, case.fresh.n, case.fresh.n * case.fresh.T
    constant, energy, density = x.sum() / size, x @ x / size, len(x) / size
    change = np.bincount(case.fresh.columns, x**2 - 2 * constant * x, case.fresh.T) + n * constant**2
    saved, gain = (change - test_errors(case)) / energy, polygon(5, route(case.fresh).law).gain
    mean, error = float(saved.mean()), 3 * float(saved.std()) / case.fresh.T**0.5
    if error > gain / 4 or density > 1 / 16:
        return f"{mean:.4g} ± {error:.2g} features of {gain:.3g} saved; density {density:.2g}, needs 1/16 or less"
    return mean, error, gain, constant**2 / energy


#: What is saved over biases alone, in features, of a gain and of what a bias saves of each of n features.
Budget = Callable[[float, float, int], float]
_BUDGET: Budget = lambda gain, bias, n: gain - 5 * bias  # noqa: E731
_WRONG_BUDGETS: dict[str, Budget] = {
    "biases alone": lambda gain, bias, n: 0.0,
    "the pentagon without biases": lambda gain, bias, n: gain - n * bias,
}


def judge_loss_budget(cases: Sequence[Case], budget: Budget) -> Finding:
    """The distance of the loss on fresh datapoints from that of the best constant output less what the best pentagon
    gains, in halves of that gain and three standard errors: beyond, biases alone are nearer. Losses are less those of
    the constant on the same datapoints, in features. The sea gains nothing: its features give up their biases for it.
    ``value`` is the largest distance, ``bound`` 1.
    """
    ratios, parts, lacks = [], list[str](), list[str]()
    for case in cases:
        if isinstance(found := _saved(case), str):
            lacks.append(found)
            continue
        saved, error, gain, bias = found
        expected = budget(gain, bias, case.setting.n)
        ratios.append(abs(saved - expected) / (gain / 2 + error))
        parts.append(f"{saved:.4g} ± {error:.2g} features saved over biases alone, predicted {expected:.4g}")
    return _worst(ratios, "; ".join(parts[:3]), lacks, cases)


_LAWS_OF_RINGS = {"the best k-gon at zero bias": "free", "the k-gon of constant amplitudes": "constant"}
#: ‖W‖² and the mean D_f of a pentagon in a sea, whose energy q two directions share.
_NORM = partial(judge_sea, of="‖W‖²", theory=lambda r, q: 5 * r + q)
_SHARE = partial(judge_sea, of="D_f", theory=lambda r, q: r / (5 * r / 2 + q / 2))
_ALIGNED: dict[str, Energy] = {"all of the sea in one direction": lambda r: 2 * _sea_of(r)}

FEATURE_CLAIMS: tuple[Claim, ...] = (
    described("generalization.ring-gain", *varied(judge_ring_gain, "worth", polygon_worth, _WRONG_WORTHS)),
    described("generalization.ring-law", *varied(judge_ring_law, "own", None, _LAWS_OF_RINGS)),
    described("generalization.sea-energy", *varied(_NORM, "energy", _sea_of, _WRONG_SEAS)),
    described("generalization.sea-dimension", *varied(_SHARE, "energy", _sea_of, _WRONG_SEAS | _ALIGNED)),
    described("generalization.loss-budget", *varied(judge_loss_budget, "budget", _BUDGET, _WRONG_BUDGETS)),
)
