"""How a claim is judged: cases in, finding out, *negative controls* beside it: the same judge fed a theory wrong in
structure. Where the claim is tight enough to tell the two apart, a control must fail; elsewhere it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset
from theory import Record, Setting
from theory.derivations.texts import read_table
from theory.number_format import shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Case:
    """One trained model that can be judged: its setting and its measured record.

    ``diverged`` counts the runs of the same group that have no record. Claims about columns of W need its W (m, n), b
    (n,) and ``data``, copies included; those about test loss need ``fresh`` datapoints.
    """

    setting: Setting
    record: Record
    diverged: int = 0
    parameters: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    data: Dataset | None = None
    fresh: Dataset | None = None


Found = TypeVar("Found")


def once_per_case(look: Callable[[Case], Found]) -> Callable[[Case], Found]:
    """What ``look`` finds of a case, found once and kept as long as the case: a judge and each control ask for it."""
    known: WeakKeyDictionary[Case, Found] = WeakKeyDictionary()

    @wraps(look)
    def remembered(case: Case) -> Found:
        if case not in known:
            known[case] = look(case)
        return known[case]

    return remembered


@once_per_case
def test_errors(case: Case) -> NDArray[np.float64]:
    """The squared errors of the fresh datapoints of a case that has parameters and them."""
    from numerics.engines.cpu.trajectory import point_errors

    assert case.parameters is not None
    assert case.fresh is not None
    return point_errors(*case.parameters, case.fresh)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judge found: on how many cases (or pairs, or groups) the claim could be judged, and the worst of them.

    ``holds`` is None when nothing could be decided.
    """

    judged: int
    holds: bool | None
    value: float | None
    bound: float | None
    reason: str


def not_judged(reason: str, cases: Sequence[Case] = (), *names: str) -> Finding:
    """The finding of a judge who could decide nothing, with what the first case lacks of the assumptions ``names``."""
    assumptions = cases[0].record.assumptions if len(cases) == 1 else ()
    unmet = [one.evidence for one in assumptions if one.name in names and one.holds is False]
    return Finding(0, None, None, None, "; ".join([reason, *unmet]))


def counted(judged: Sequence[object], cases: Sequence[Case], reason: str = "") -> str:
    """How many of several models were judged, before what else is said."""
    count = f"{len(judged)} of {len(cases)} models judged" if len(cases) > 1 else ""
    return "; ".join(filter(None, (count, reason)))


Judge = Callable[[Sequence[Case]], Finding]


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about trained models, the judge that decides it, and wrong theories in its place, which must fail."""

    label: str
    statement: str
    status: Literal["theorem", "numerical", "hypothesis"]
    regime: str
    judge: Judge
    controls: Mapping[str, Judge]
    formula: Sequence[str] = ()  #: of each relation the inside of a MathML element


def described(label: str, judge: Judge, controls: Mapping[str, Judge]) -> Claim:
    """The claim that `claims.toml` describes under this label."""
    return Claim(label, judge=judge, controls=controls, **read_table("verify.claims", "claims.toml")[label])


def varied(
    judge: Callable[..., Finding], argument: str, truth: Any, wrong: Mapping[str, Any]
) -> tuple[Judge, dict[str, Judge]]:
    """A judge with the truth for one of its arguments, and its controls, with wrong theories there."""
    controls: dict[str, Judge] = {name: partial(judge, **{argument: one}) for name, one in wrong.items()}
    return partial(judge, **{argument: truth}), controls


@dataclass(frozen=True, slots=True)
class ControlResult:
    """What a negative control did."""

    name: str
    outcome: Literal["fails as it must", "not tight enough"]
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A claim judged on a set of cases, its controls beside it."""

    label: str
    statement: str
    status: str
    applies: bool
    holds: bool | None
    value: float | None
    bound: float | None
    reason: str
    controls: tuple[ControlResult, ...]

    @property
    def verdict(self) -> str:
        """One word or two: holds, VIOLATED, undecided, not judged."""
        if not self.applies:
            return "not judged"
        return {True: "holds", False: "VIOLATED", None: "undecided"}[self.holds]

    @property
    def relation(self) -> str:
        """How the value lies to its bound, in one formula: the sign is that of the numbers themselves."""
        if self.value is None or self.bound is None:
            return "" if self.value is None else shown(self.value, 7)
        signs = ("<", "=", ">") if self.holds is False else ("≤", "=", "≥")
        sign = signs[(self.value > self.bound) - (self.value < self.bound) + 1]
        return f"{shown(self.value, 7)} {sign} {shown(self.bound, 7)}"

    @property
    def rejected(self) -> int:
        """How many of its negative controls fail; a control counts where it fails, and only there."""
        return sum(control.outcome == "fails as it must" for control in self.controls)

    @property
    def rejects(self) -> str:
        """The same in words, of how many."""
        return f"rejects {self.rejected} of {len(self.controls)} wrong theories" if self.controls else ""

    def __str__(self) -> str:
        """One line: label, verdict, numbers, reason."""
        return f"{self.label}: {'; '.join(filter(None, (self.verdict, self.relation, self.reason)))}"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready view."""
        return asdict(self)

    def as_row(self) -> dict[str, Any]:
        """A row of a table of claims."""
        about = {"claim": self.label, "status": self.status, "verdict": self.verdict}
        numbers = {"value": self.value, "bound": self.bound}
        controls = {"rejected": self.rejected, "wrong_theories": len(self.controls)}
        return about | numbers | controls | {"why": self.reason}


class Judgements(tuple[Judgement, ...]):
    """Judgements in order, a tuple that is shown as a line each."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(map(str, self))

    def table(self) -> pd.DataFrame:
        """One row per claim, as pandas: verdict, value and bound, how many wrong theories it rejects, and why."""
        import pandas as pd

        return pd.DataFrame([claim.as_row() for claim in self]).set_index("claim")


def judge_claim(claim: Claim, cases: Sequence[Case]) -> Judgement:
    """Judge one claim and run its negative controls on the same cases."""
    found = claim.judge(cases)
    controls = []
    for name, judge in claim.controls.items() if found.judged else ():
        wrong = judge(cases)
        failed = wrong.holds is False
        controls.append(
            ControlResult(name, "fails as it must" if failed else "not tight enough", wrong.reason)
        )
    about = claim.label, claim.statement, claim.status, found.judged > 0
    return Judgement(*about, found.holds, found.value, found.bound, found.reason, tuple(controls))


def exit_code(judgements: Sequence[Judgement]) -> int:
    """0 no claim violated, 1 a claim is violated, 3 nothing could be judged."""
    held = [judgement.holds for judgement in judgements]
    return 1 if False in held else 0 if True in held else 3
