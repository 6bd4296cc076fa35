"""The claims: what theory says of trained models, in a form that can lose."""

from collections.abc import Sequence
from typing import Any

from numerics import Dataset, measure
from numerics.measurement.distinct import distinct_points
from theory import Record, Setting
from verify.claims.judging import Case, Claim, Judgement, judge_claim
from verify.claims.model_claims import MODEL_CLAIMS
from verify.claims.population_claims import POPULATION_CLAIMS

#: Every claim, those about single models first.
CLAIMS: tuple[Claim, ...] = MODEL_CLAIMS + POPULATION_CLAIMS


def judge_claims(cases: Sequence[Case]) -> tuple[Judgement, ...]:
    """Every claim judged on the cases."""
    return tuple(judge_claim(claim, cases) for claim in CLAIMS)


def judge_on(model: Any, data: Dataset, record: Record | None = None) -> tuple[Judgement, ...]:
    """The claims that make sense for a single model, judged on the distinct datapoints: copies count once.

    ``record`` is what was measured on ``data``, if it was: without copies nothing is measured again.
    """
    distinct = distinct_points(data).data
    if record is None or distinct is not data:
        record = measure(model, distinct)
    return judge_model(record, data.n)


def judge_model(record: Record, n: int) -> tuple[Judgement, ...]:
    """The claims that make sense for a single model of ``n`` features, judged on its measured record."""
    case = Case(Setting(T=record.T, m=record.m, n=n), record)
    return tuple(judge_claim(claim, [case]) for claim in MODEL_CLAIMS)
