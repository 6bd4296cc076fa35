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
from theory.features.amplitude_law import route
from theory.features.amplitudes import Amplitude, samples
from theory.features.free_bias import ring_gain
from theory.features.polygon import polygon
from theory.features.sea import best_sea
from theory.number_format import shown
from verify.claims.judging import Case, Claim, Finding, counted, described, not_judged, once_per_case
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
    return Finding(len(ratios), max(ratios) <= 1, max(ratios), 1.0, reason)


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


def _sea_of(k: int, radius_squared: float) -> float:
    return best_sea(k, radius_squared, "isotropic")


#: Wrong energies of the sea beside a k-gon of squared radius r.
_WRONG_SEAS: dict[str, Callable[[int, float], float]] = {
    "the pentagon alone": lambda k, r: 0.0,
    "a sea that the pentagon does not hear": lambda k, r: _sea_of(k, 0.0),
}
#: A sea has this many columns of a hundredth of a stored feature's length or more: it is described by what columns in
#: all directions have together.
_SEA_COLUMNS = 50


def judge_sea(cases: Sequence[Case], energy: Callable[[int, float], float] = _sea_of) -> Finding:
    """The distance of ‖W‖² from 5r plus the best energy of a sea in all directions, 4 - 5r/2, in halves of that energy:
    from there on the pentagon alone, 5r, is nearer. ``value`` is the largest, ``bound`` 1.
    """
    ratios, parts, lacks = [], list[str](), list[str]()
    for case in cases:
        stored = find_stored_features(case)
        if isinstance(stored, str) or case.parameters is None or case.data is None:
            lacks.append(str(stored))
            continue
        (W, b), points = case.parameters, distinct_points(case.data)
        squares = np.sum(W**2, axis=0) * points.data.seen
        whole, ring = float(np.sum(squares)), float(np.sum(squares[stored]))
        room = _sea_of(5, ring / 5)
        small = np.count_nonzero(squares > 1e-4 * ring / 5) - len(stored)
        if arrangement(W[:, stored]) != "regular pentagon":
            lacks.append("the stored features are no regular pentagon")
        elif small < _SEA_COLUMNS:
            lacks.append(f"{small} columns beside the pentagon are not 0, a sea has {_SEA_COLUMNS} or more")
        elif case.data.n > case.data.T or np.any(points.copies[np.diff(points.data.indptr) > 1] > 1):
            lacks.append("needs as many datapoints as features, and none of several features twice")
        elif room < ring / 4:
            lacks.append(f"a pentagon of energy {ring:.4g} leaves a sea no more than {room:.3g}")
        elif (settled := settled_share(W, b, points, stored)) < SETTLED:
            lacks.append(f"not at the end of training: descent gains {1 / settled - 1:.2g} more")
        else:
            expected = ring + energy(5, ring / 5)
            ratios.append(abs(whole - expected) / (room / 2))
            parts.append(f"‖W‖² = {whole:.4g}: pentagon {ring:.4g}, with its sea predicted {expected:.4g}")
    return _worst(ratios, "; ".join(parts[:3]), lacks, cases)


FEATURE_CLAIMS: tuple[Claim, ...] = (
    described(
        "generalization.ring-gain",
        partial(judge_ring_gain, worth=polygon_worth),
        {name: partial(judge_ring_gain, worth=wrong) for name, wrong in _WRONG_WORTHS.items()},
    ),
    described(
        "generalization.ring-law",
        judge_ring_law,
        {
            "the best k-gon at zero bias": partial(judge_ring_law, own="free"),
            "the k-gon of constant amplitudes": partial(judge_ring_law, own="constant"),
        },
    ),
    described(
        "generalization.sea-energy",
        judge_sea,
        {name: partial(judge_sea, energy=wrong) for name, wrong in _WRONG_SEAS.items()},
    ),
)
