"""Claims that every single model is held to: identities, the energy bound, the shape of memorized points."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from theory import simplex_energy
from verify.claims import tolerance
from verify.claims.judging import Case, Claim, Finding, Judge, counted, described, not_judged, varied
from verify.claims.tolerance import at_unit_norm, constraint_level, error_floor, rounding, shape_deviation
from verify.claims.wrong_theories import Theory, next_index, scaled, truth, wrong_sign

#: What the robust form of the bound assumes of a model and its data.
_ROBUST = ("disjoint supports", "active outputs")


def _worst(cases: Sequence[Case]) -> str:
    """The worst datapoint of the only case, if it has an error that matters."""
    if len(cases) != 1 or cases[0].record.memorized:
        return ""
    error = cases[0].record.point_error
    return f"; datapoint {np.argmax(error)} has a squared error of {error.max():.3g}"


def judge_norm_split(cases: Sequence[Case], without: str = "") -> Finding:
    """The largest relative difference of ‖W‖² to the sum of its parts, of which a wrong theory leaves one out."""
    usable = [case for case in cases if case.record.assumes("disjoint supports")]
    if not usable:
        return not_judged("no model on data with disjoint supports", cases, "disjoint supports")
    found = []
    for case in usable:
        record, squared = case.record, case.record.weight_norm**2
        energy = float(np.sum(record.radius_squared / np.square(record.norms)))
        parts = energy + (without != "seen") * record.weight_norm_seen**2
        parts += (without != "unseen") * record.weight_norm_unseen**2
        found.append((abs(parts - squared) / (squared or 1.0), rounding(case.setting.n * case.setting.m)))
    value, bound = max(found, key=lambda pair: pair[0] / pair[1])
    return Finding(len(usable), value <= bound, value, bound, counted(usable, cases, "bound is rounding"))


def judge_own_output(cases: Sequence[Case], sign: float) -> Finding:
    """|c_t - sign·(s² - ‖h_t‖²)| for datapoints of norm s, in units of s √(squared error of t), at most 1 in theory."""
    usable = [case for case in cases if case.record.assumes("active outputs")]
    if not usable:
        return not_judged("no model whose own outputs are all positive", cases, "active outputs")
    value = 0.0
    for case in usable:
        record = case.record
        squared, floor = np.square(record.norms), error_floor(record, case.setting.n)
        miss = np.abs(record.bias_coefficient - sign * (squared - record.radius_squared))
        allowed = record.norms * np.sqrt(record.point_error + floor)
        value = max(value, float(np.max(np.maximum(miss - floor, 0) / allowed)))
    bound = 1 + max(rounding(case.setting.n) for case in usable)
    reason = counted(usable, cases, "Cauchy-Schwarz on the own outputs, often nearly an equality")
    return Finding(len(usable), value <= bound, value, bound, reason)


def judge_energy_bound(cases: Sequence[Case], theory: Theory) -> Finding:
    """Σ‖h‖² over `constraint_level` times the predicted least energy; ``value`` is the smallest ratio, ``bound`` 1."""
    apt = [case for case in cases if case.record.T >= 2 and case.record.assumes(*_ROBUST)]
    usable = [case for case in apt if constraint_level(case.record, case.setting.n) > 0]
    if not usable:
        reason = "no model on orthogonal data, own outputs positive, errors below half of each norm"
        return not_judged(reason + _worst(cases), cases, *_ROBUST)
    ratios = []
    for case in usable:
        predicted = theory(case.setting)
        least = predicted.energy if predicted.status == "theorem" else float(simplex_energy(case.record.T))
        ratios.append(case.record.energy / (least * constraint_level(case.record, case.setting.n)))
    value, bound = min(ratios), 1.0 - max(rounding(case.setting.n) for case in usable)
    return Finding(len(usable), value >= bound, value, bound, counted(usable, cases, "ε is each model's own"))


def judge_shape(cases: Sequence[Case], theory: Theory) -> Finding:
    """Largest ratio of the deviation from the predicted polygon to its tolerance, judged where that is below half the
    distance to the polygon with one vertex more: a wider band could not tell the two apart.
    """
    loose = outside = 0
    ratios = []
    for case in cases:
        record = at_unit_norm(case.record)
        if record.m != 2 or record.T < 3 or not record.memorized or not record.assumes(*_ROBUST):
            outside += 1
            continue
        band = tolerance.shape_tolerance(record)
        rival = shape_deviation(truth(case.setting.replace(T=record.T + 1)), truth(case.setting))
        if band is None or np.any(np.array(band) > np.array(rival) / 2):
            loose += 1
            continue
        allowed = np.array(band) + math.sqrt(rounding(case.setting.n))
        ratios.append(float(np.max(shape_deviation(record, theory(case.setting)) / allowed)))
    several = len(cases) > 1
    far = "too far above the minimum to tell T from T+1 (try polish, more decay or more steps)"
    known = {far: loose, "outside the regime (needs m = 2, T ≥ 3, all memorized, no shared feature)": outside}
    skipped = ", ".join(f"{count} {what}" if several else what for what, count in known.items() if count)
    if not ratios:
        return not_judged(skipped + _worst(cases), cases, *_ROBUST)
    return Finding(len(ratios), max(ratios) <= 1, max(ratios), 1.0, counted(ratios, cases, skipped))


_Judge = Callable[[Sequence[Case], Theory], Finding]


def _theory_controls(judge: _Judge, *factors: float) -> dict[str, Judge]:
    wrong = [(f"predicted norm × {factor:g}", scaled(factor), False) for factor in factors]
    wrong += [("T + 1 in place of T", next_index, True), ("1 + cos in place of 1 - cos", wrong_sign, True)]
    return {
        name: partial(_where_defined, judge=judge, theory=theory, planar=planar)
        for name, theory, planar in wrong
    }


def _where_defined(cases: Sequence[Case], judge: _Judge, theory: Theory, planar: bool) -> Finding:
    """Judge with a wrong theory where it says something: T ≥ 3 without repeats, and m = 2 if it is one of polygons."""
    defined = [
        case
        for case in cases
        if case.setting.repeats == 1 and case.setting.T >= 3 and (case.setting.m == 2 or not planar)
    ]
    if not defined:
        return not_judged("this wrong theory says nothing about these models")
    return judge(defined, theory)


_PARTS = {"without the unseen part": "unseen", "without the part outside the data span": "seen"}
_SIGNS = {"c_t = -(1 - ‖h_t‖²)": -1.0}
_BOUND, _SHAPE = partial(judge_energy_bound, theory=truth), partial(judge_shape, theory=truth)

MODEL_CLAIMS: tuple[Claim, ...] = (
    described("memorization.norm-split", *varied(judge_norm_split, "without", "", _PARTS)),
    described("memorization.own-output", *varied(judge_own_output, "sign", 1.0, _SIGNS)),
    described("memorization.robust", _BOUND, _theory_controls(judge_energy_bound, 1.02, 1.1)),
    described("tolerance.tgon-stability", _SHAPE, _theory_controls(judge_shape, 1.1)),
)
