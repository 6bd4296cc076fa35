"""Claims about many runs at once. Each is decided by exact tests, `SIGNIFICANCE` shared among the groups of runs that
are tested; where they decide neither way the claim is undecided, not true.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from numerics.schedule import learning_rates
from theory import Record, Setting
from theory.memorization.memorized_loss import loss_of_overlaps
from theory.optimization.epsilon import halving_number
from theory.optimization.reach import reach
from theory.setting import ADAM_EPSILON
from verify.claims.judging import (
    Case,
    Claim,
    Finding,
    described,
    not_judged,
    once_per_case,
    test_errors,
    varied,
)
from verify.claims.tolerance import rounding
from verify.claims.wrong_theories import Theory, next_index, truth, wrong_sign

#: The probability that chance alone violates a claim, at most.
SIGNIFICANCE = 0.01

#: Half the distance between the exponent 3/2 of ‖W‖, or 5/2 of ‖b‖, and the next half-integer.
EXPONENT_ERROR = 0.25


def group_of(setting: Setting) -> Setting:
    """What runs of one group share: the setting with its seeds set to 0."""
    return setting.replace(seed=0, data_seed=0)


def _by_sign_tests(agreed: Mapping[str, Sequence[bool]], otherwise: str) -> Finding:
    """What exact sign tests, one for each named group, find of who agrees; ``value`` is the worst share that decides.
    False if any group was decided against, so each tail of each has its share of `SIGNIFICANCE` (Bonferroni).
    """
    rate = 2 * SIGNIFICANCE / max(1, len(agreed))
    reason = "; ".join(f"{name} in {sum(signs)}/{len(signs)}" for name, signs in agreed.items())
    counts = [(sum(signs), len(signs)) for signs in agreed.values()]
    decided = [(yes, n) for yes, n in counts if scipy.stats.binomtest(yes, n).pvalue < rate]
    if not decided:
        return not_judged(f"{reason}: too few to decide" if reason else otherwise)
    value = min(yes / n for yes, n in decided)
    return Finding(sum(n for _, n in decided), value > 0.5, value, 0.5, reason)


def judge_norm_crossing(cases: Sequence[Case], theory: Theory) -> Finding:
    """Share of memorizing runs whose ‖b‖ - ‖W‖ has the predicted sign."""
    agreed: dict[str, list[bool]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: (case.setting.T, case.setting.weight_decay)):
        setting, record = case.setting, case.record
        if setting.m == 2 and setting.T >= 3 and setting.repeats == 1 and record.memorized:
            predicted = theory(setting)
            above = predicted.bias_norm > predicted.weight_norm
            name = f"T={setting.T}: ‖b‖ {'>' if above else '<'} ‖W‖, decay {setting.weight_decay:g},"
            agreed[name].append((record.bias_norm > record.weight_norm) == above)
    return _by_sign_tests(agreed, "no memorizing run at m = 2 and T ≥ 3")


def _exchanged(setting: Setting) -> Record:
    """The predicted ‖b‖ and ‖W‖ with their names exchanged."""
    true = truth(setting)
    return dataclasses.replace(true, bias_norm=true.weight_norm, weight_norm=true.bias_norm)


def _simplex_growth(setting: Setting) -> Record:
    """Norms that grow like √T, as ‖W‖ does where T ≤ m + 1."""
    return dataclasses.replace(truth(setting), weight_norm=setting.T**0.5, bias_norm=setting.T**0.5)


def _ends(
    cases: Sequence[Case], alike: Callable[[Setting], Setting], number: Callable[[Setting], float]
) -> Iterator[tuple[Case, Case]]:
    """Of runs equal once they are ``alike``, by T: that of the least and that of the largest ``number``."""
    partners: dict[Setting, list[Case]] = defaultdict(list)
    for case in cases:
        partners[alike(case.setting)].append(case)
    for _, group in sorted(partners.items(), key=lambda item: item[0].T):
        ordered = sorted(group, key=lambda case: number(case.setting))
        if number(ordered[0].setting) < number(ordered[-1].setting):
            yield ordered[0], ordered[-1]


def judge_decay_budget(cases: Sequence[Case], *, more_is_less: bool) -> Finding:
    """Share of pairs, equal but for weight decay and both memorizing, whose ‖W‖ is less at the larger decay budget."""
    agreed: dict[str, list[bool]] = defaultdict(list)
    memorizing = [case for case in cases if case.record.memorized]
    alike = partial(Setting.replace, weight_decay=0.0)
    for least, most in _ends(memorizing, alike, lambda one: one.decay_budget):
        fell = most.record.weight_norm < least.record.weight_norm
        agreed[f"T={least.setting.T}: ‖W‖ {'less' if more_is_less else 'more'}"].append(fell == more_is_less)
    return _by_sign_tests(agreed, "no seed memorizes at two decay budgets")


def _epsilon_number(setting: Setting) -> float:
    """εT, or nεT with the loss averaged over n features, which is the same to Adam (`optimization.epsilon-mean`)."""
    return setting.adam_epsilon * setting.T * (setting.n if setting.loss == "mean" else 1)


def halving_of(setting: Setting) -> float:
    """The εT at which biases on typical entries, 1/√(n(1 − S)), are halved (`optimization.epsilon-length`)."""
    entry = max(1.0, setting.n * setting.density) ** -0.5
    reached = reach(learning_rates(setting), setting.weight_decay)
    return halving_number(setting.learning_rate_sum, entry, reached)


def judge_epsilon(cases: Sequence[Case], *, more_is_less: bool) -> Finding:
    """Share of pairs, equal but for Adam's ε, whose ‖b‖ is less at the larger εT (nεT with the averaged loss). Judged
    where `optimization.epsilon-length` has biases halved between the two, and ‖b‖ > ‖W‖ at either: were it asked of
    one end alone, ‖b‖ would be less at the other by the choice of pairs.
    """
    agreed, lacks = defaultdict[str, list[bool]](list), list[str]()
    planar = [case for case in cases if case.setting.m == 2 and case.setting.repeats == 1]
    alike = partial(Setting.replace, adam_epsilon=ADAM_EPSILON, loss="sum")
    for pair in _ends(planar, alike, _epsilon_number):
        T, halved = pair[0].setting.T, halving_of(pair[0].setting)
        low, high = (_epsilon_number(case.setting) for case in pair)
        least, most = (case.record.bias_norm for case in pair)
        longest = max(case.record.bias_norm / (case.record.weight_norm or 1.0) for case in pair)
        if not low < halved < high:
            lacks.append(f"εT = {low:.2g} and {high:.2g} are not on both sides of {halved:.2g}, the halving")
        elif longest <= 1:
            lacks.append(f"biases are short at T = {T}: ‖b‖ = {longest:.2g} ‖W‖ at most")
        else:
            agreed[f"T={T}: ‖b‖ {'less' if more_is_less else 'more'}"].append((most < least) == more_is_less)
    said = "; ".join([*dict.fromkeys(lacks)][:3])
    return _by_sign_tests(agreed, said or "no two runs equal but for ε, m = 2, without repeats")


def _memorizes(case: Case) -> bool | None:
    """Whether a run in the plane memorized all of its datapoints; None where some are repeated."""
    return case.record.memorized if case.setting.m == 2 and case.setting.repeats == 1 else None


def _embeds(case: Case) -> bool | None:
    """Whether each repeated datapoint has a hidden vector longer than `EMBEDDED`; None where that is not known."""
    from numerics.repetition import EMBEDDED

    R, copies = case.setting.repeats, case.setting.repeats * case.setting.repeated_points
    if case.parameters is None or case.data is None or R == 1 or case.data.T != case.setting.T:
        return None
    hidden = case.data.project(case.parameters[0])[:, :copies:R]  # one point's copies after another's
    return bool(np.all(np.linalg.norm(hidden, axis=0) > EMBEDDED))


def judge_share(
    cases: Sequence[Case], number: str, succeeds: Callable[[Case], bool | None], *, falls: bool
) -> Finding:
    """Share of all seeds, diverged ones included, that succeed: at the largest T or R minus that at the smallest, all
    else equal, decided by Fisher's exact test. ``number`` is the setting's field that grows.
    """
    symbol = {"T": "T", "repeats": "R"}[number]
    families: dict[Setting, list[tuple[int, int, int]]] = defaultdict(list)
    groups: dict[Setting, list[Case]] = defaultdict(list)
    for case in cases:
        groups[group_of(case.setting)].append(case)
    for group, members in groups.items():
        outcomes = [one for one in map(succeeds, members) if one is not None]
        if outcomes:
            counted = getattr(group, number), sum(outcomes), len(outcomes) + members[0].diverged
            alike = group.replace(repeated_points=1) if group.repeats == 1 else group  # where it says nothing
            families[alike.replace(**{number: 1})].append(counted)
    sides, differences, parts = [], [], []
    pairs = [(min(family), max(family)) for family in families.values() if min(family)[0] < max(family)[0]]
    rate = SIGNIFICANCE / max(1, len(pairs))
    for (N0, yes0, all0), (N1, yes1, all1) in pairs:
        table = np.array([[yes0, all0 - yes0], [yes1, all1 - yes1]])
        fell = scipy.stats.fisher_exact(table, alternative="greater").pvalue < rate
        rose = scipy.stats.fisher_exact(table, alternative="less").pvalue < rate
        if fell or rose:
            sides.append(fell == falls)
            differences.append(yes1 / all1 - yes0 / all0)
        parts.append(f"{symbol}={N0}: {yes0}/{all0}, {symbol}={N1}: {yes1}/{all1}")
    if not sides:
        return not_judged("; ".join(parts) or f"needs runs of its regime at two values of {symbol}")
    worst = max(differences) if falls else min(differences)
    return Finding(len(sides), all(sides), worst, 0.0, "; ".join(parts))


def judge_norm_growth(cases: Sequence[Case], theory: Theory) -> Finding:
    """Share of pairs of memorizing runs, of the least and the largest T ≥ 5 of equal settings, whose ‖W‖ and ‖b‖ grow
    with the predicted exponents of T, each within 0.25 (`EXPONENT_ERROR`).
    """
    families: dict[Setting, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        setting, record = case.setting, case.record
        usable = record.memorized and record.assumes("unit norm", "disjoint supports") and setting.m == 2
        if usable and setting.T >= 5 and setting.repeats == 1 and setting.decay_budget >= 1:
            families[group_of(setting.replace(T=1, repeated_points=1))][setting.T].append(record)
    agreed: dict[str, list[bool]] = defaultdict(list)
    for family, sizes in families.items():
        T0, T1 = min(sizes), max(sizes)
        if T0 < T1:
            expected = _exponents(theory(family.replace(T=T0)), theory(family.replace(T=T1)))
            name = f"T={T0}, {T1}: exponents {expected[0]:.3g}, {expected[1]:.3g}, decay {family.weight_decay:g},"
            for pair in zip(sizes[T0], sizes[T1], strict=False):
                off = np.abs(_exponents(*pair) - expected)
                agreed[name].append(bool(np.all(off <= EXPONENT_ERROR)))
    return _by_sign_tests(agreed, "no memorizing runs at two T ≥ 5 with a decay budget of 1 or more")


def judge_test_loss(cases: Sequence[Case], theory: Theory) -> Finding:
    """Share of memorizing runs whose loss on fresh datapoints is that of the least-norm model of their dataset on the
    same ones (`memorization.test-loss`), to half the distance from there to the loss of zero output, or to that of the
    (T + 1)-gon where it is nearer.
    """
    agreed: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        setting, record = case.setting, case.record
        usable = record.memorized and record.assumes("unit norm", "disjoint supports")
        if not usable or setting.m != 2 or setting.T < 5 or setting.repeats > 1:
            continue
        if (found := _fresh_losses(case)) is not None:
            overlaps, measured, room = found
            wanted = theory(setting)
            expected = loss_of_overlaps(wanted.hidden, wanted.bias_coefficient, overlaps)
            name = f"T={setting.T}: as predicted, decay {setting.weight_decay:g},"
            agreed[name].append(abs(measured - expected) <= room)
    return _by_sign_tests(agreed, "no memorizing run at m = 2, T ≥ 5, whose fresh datapoints tell")


@once_per_case
def _fresh_losses(case: Case) -> tuple[Any, float, float] | None:
    """Overlaps of fresh datapoints with the data, their loss, and its allowed error; None where they do not tell."""
    if case.parameters is None or case.data is None or case.fresh is None:
        return None
    overlaps = case.data.sparse().T @ case.fresh.sparse()
    true, rival = (
        loss_of_overlaps(one.hidden, one.bias_coefficient, overlaps)
        for one in (truth(case.setting), next_index(case.setting))
    )
    room = min(abs(true - 1), abs(true - rival)) / 2
    if room <= rounding(case.fresh.T):
        return None
    return overlaps, float(test_errors(case).mean()), room


def _exponents(small: Record, large: Record) -> NDArray[np.float64]:
    """The exponents of T with which ‖W‖ and ‖b‖ grow from one record to another."""
    ratios = large.weight_norm / small.weight_norm, large.bias_norm / small.bias_norm
    return np.asarray(np.log(ratios) / np.log(large.T / small.T))


_EXCHANGED, _SIGN = {"‖b‖ and ‖W‖ exchanged": _exchanged}, {"1 + cos in place of 1 - cos": wrong_sign}
_CROSSINGS, _GROWTHS = _EXCHANGED | _SIGN, _EXCHANGED | {"both like √T": _simplex_growth}
_LOSSES = {"T + 1 in place of T": next_index} | _SIGN
_MEMORIZE = partial(judge_share, number="T", succeeds=_memorizes)
_EMBED = partial(judge_share, number="repeats", succeeds=_embeds)
_BUDGETS, _EPSILONS = {"order of the budgets reversed": False}, {"order of the ε reversed": False}

POPULATION_CLAIMS: tuple[Claim, ...] = (
    described("memorization.bias-overtakes", *varied(judge_norm_crossing, "theory", truth, _CROSSINGS)),
    described("memorization.norm-growth", *varied(judge_norm_growth, "theory", truth, _GROWTHS)),
    described("memorization.least-norm-test-loss", *varied(judge_test_loss, "theory", truth, _LOSSES)),
    described("optimization.decay-budget", *varied(judge_decay_budget, "more_is_less", True, _BUDGETS)),
    described("optimization.epsilon-length", *varied(judge_epsilon, "more_is_less", True, _EPSILONS)),
    described(
        "optimization.memorization-share", *varied(_MEMORIZE, "falls", True, {"shares rise with T": False})
    ),
    described("repetition.embedded-share", *varied(_EMBED, "falls", False, {"shares fall with R": True})),
)
