"""One model checked: what it is, what was measured, what theory predicts for its data, and every claim about it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from numerics import Dataset, measure
from numerics.data import distinct_points
from numerics.measurement.record import fitting_dataset, read_with_data
from numerics.model_layouts import StoredModel
from theory import Record, Setting, predict
from theory.dimensionality import dimensionality
from verify.claims.judging import Judgements
from verify.claims.registry import judge_on
from verify.diagnosis import Diagnosis, diagnose

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What `check_model` found; ``distinct`` is the record on the distinct datapoints, that claims are judged on."""

    stored: StoredModel
    data: Dataset
    record: Record
    distinct: Record
    predicted: Record | None
    diagnosis: Diagnosis
    claims: Judgements

    def __repr__(self) -> str:
        least = "" if self.norm_ratio is None else f", ‖W‖ {self.norm_ratio:.4f} times the least"
        verdicts = ", ".join(f"{one.label} {one.verdict}" for one in self.claims if one.applies)
        return f"<Checked: {self.diagnosis.name}{least}; {verdicts or 'no claim could be judged'}>"

    @property
    def norm_ratio(self) -> float | None:
        """‖W‖ over the least that memorizes the datapoints; None where it does not memorize them, or that is 0."""
        least = self.predicted.weight_norm if self.predicted is not None and self.record.memorized else 0.0
        return self.record.weight_norm / least if least > 0 else None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready view: diagnosis, evidence, measured, predicted, claims."""
        largest = {"largest_feature_dimensionality": float(dimensionality(self.stored.W).max())}
        return {
            "diagnosis": self.diagnosis.name,
            "evidence": self.diagnosis.evidence,
            "measured": self.record.as_dict() | largest,
            "predicted": None if self.predicted is None else self.predicted.as_dict(),
            "claims": [claim.as_dict() for claim in self.claims],
        }

    def figure(self) -> Figure:
        """Hidden vectors, with the predicted polygon where there is one, and the columns of W."""
        from verify.figures.hidden import draw_hidden_vectors, model_points

        role = "memorized" if self.record.memorized else "failed"
        about = {"run": role, "seed": "", "diagnosis": self.diagnosis.name}
        predicted = self.predicted.hidden if self.predicted is not None and self.record.m == 2 else None
        return draw_hidden_vectors(
            model_points(self.distinct, self.stored.W, self.data, self.diagnosis, predicted, about)
        )


def check(
    model: Any, data: Any, *, test: Any = None, instance: int | None = None, rows: bool | None = None
) -> Checked:
    """What a model has become, what was measured and predicted, and every claim about it; see `Checked`.

    The arguments are as `numerics.measure` takes them, which compares a module's own forward with ReLU(WᵀWx + b).
    Raises ValueError as it does.

    >>> import numpy as np
    >>> check((np.array([[1, -1]]) / 2**0.5, np.full(2, 0.5)), np.eye(2)).diagnosis.name
    'minimum-norm code'
    """
    stored, dataset = read_with_data(model, data, instance, rows=rows)
    return check_model(stored, dataset, None if test is None else fitting_dataset(test, dataset.n, rows=rows))


def check_model(stored: StoredModel, data: Dataset, test: Dataset | None = None) -> Checked:
    """Measure, name, predict and judge a model of n features, ReLU(WᵀWx + b), on its data; ``test`` are fresh
    datapoints. Claims are judged, and the prediction is made, on the distinct datapoints: copies count once.
    """
    record = measure(stored, data, test=test)
    alone = distinct_points(data).data
    distinct = record if alone.T == data.T else measure(stored, alone)
    diagnosis, claims = diagnose(distinct, stored, data), judge_on(stored, data, distinct, test)
    return Checked(stored, data, record, distinct, least_norm_model(distinct, alone, test), diagnosis, claims)


def least_norm_model(record: Record, data: Dataset, test: Dataset | None = None) -> Record | None:
    """The predicted model of least norm for the distinct datapoints that ``record`` measured; None where two of them
    share a feature or a norm is not 1, since it holds for orthonormal data, and where no such model exists. Its test
    loss is predicted where ``test`` tells how often a feature is present, else it is None.
    """
    if not record.assumes("unit norm", "disjoint supports"):
        return None
    known: dict[str, Any] = {} if test is None else {"sparsity": 1 - len(test.indices) / (test.n * test.T)}
    with suppress(ValueError):
        found = predict(Setting(T=record.T, m=record.m, n=data.n, **known), data=data)
        return found if known else replace(found, test_loss=None)
    return None
