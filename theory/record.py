"""The one record that prediction and measurement share, so a comparison is a join of two records field by field.

‖W‖² = Σ_t ‖h_t‖² + ‖W_seen (I − P)‖² + ‖W_unseen‖² (`memorization.norm-split`), P the projector on the span of the
data, is exact for orthonormal data. "Seen" features occur in at least one datapoint.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from theory.exact import Exact
from theory.number_format import shown
from theory.setting import MEMORIZED_ERROR

if TYPE_CHECKING:
    from sympy import Expr

#: How far a number may be trusted; "measured" is read off a model, "none" means that no prediction exists.
Status = Literal["theorem", "closed form", "numerical", "hypothesis", "measured", "none"]


@dataclass(frozen=True, slots=True)
class Assumption:
    """One condition a number rests on.
    ``holds`` is None where only a run or a dataset can tell; ``evidence`` is the number that decided it.
    """

    name: str
    statement: str
    holds: bool | None
    evidence: str

    def __str__(self) -> str:
        verdict = {True: "holds", False: "DOES NOT HOLD", None: "open"}[self.holds]
        return f"{self.statement}: {verdict} ({self.evidence})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """What a model that memorizes T datapoints in m dimensions is, or should be.

    Attributes
    ----------
    T, m : datapoints and hidden dimensions.
    configuration : the shape of the hidden vectors in words ("5-gon", "simplex", "measured", ...).
    status : how the numbers are known.
    energy : Σ_t ‖h_t‖² over all T columns, copies counted; ‖W‖² at best where there are none.
    weight_norm : Frobenius norm of W.
    weight_norm_seen : norm of the seen weight outside the data span.
    weight_norm_unseen : norm of the columns of W whose features occur in no datapoint.
    bias_norm : Euclidean norm of b.
    bias_norm_unseen : norm of the biases of unseen features.
    radius_squared : (T,) the squared lengths ‖h_t‖².
    bias_coefficient : (T,) c_t = X_t · b; b = Σ_t c_t X_t for orthonormal data.
    dimensionality : (T,) D_X of each datapoint (`dimensionality.definition`).
    hidden : (m, T) hidden vectors, for a prediction up to an orthogonal transformation and relabelling.
    point_error : (T,) squared error of each datapoint.
    norms : (T,) ‖X_t‖; 1 for a prediction.
    test_loss : mean loss on fresh datapoints; None where it was not measured or no prediction holds.
    rounding_error : the largest squared error of a datapoint that storing the parameters in half precision can make.
    exact : SymPy strings of the fields that have a closed form; `symbolic` gives the expressions.
    assumptions : what the numbers rest on.

    """

    T: int
    m: int
    configuration: str
    status: Status
    energy: float
    weight_norm: float
    weight_norm_seen: float
    weight_norm_unseen: float
    bias_norm: float
    bias_norm_unseen: float
    radius_squared: NDArray[np.float64]
    bias_coefficient: NDArray[np.float64]
    dimensionality: NDArray[np.float64]
    point_error: NDArray[np.float64]
    hidden: NDArray[np.float64]
    norms: NDArray[np.float64] | float = 1.0
    test_loss: float | None = None
    rounding_error: float = 0.0
    exact: Exact = field(default_factory=Exact)
    assumptions: tuple[Assumption, ...] = ()

    @property
    def train_loss(self) -> float:
        """Mean over datapoints of the squared error summed over features."""
        return float(self.point_error.mean())

    @property
    def worst_point_error(self) -> float:
        """The largest squared error of a datapoint."""
        return float(self.point_error.max())

    @property
    def memorized(self) -> bool:
        """Whether every datapoint's squared error is at most `theory.setting.MEMORIZED_ERROR`, rounding apart."""
        return bool(self.worst_point_error**0.5 <= MEMORIZED_ERROR**0.5 + self.rounding_error**0.5)

    @property
    def norm_error(self) -> float:
        """The largest |‖X_t‖² - 1|: 0 for a prediction, about 1e-7 for data stored in float32."""
        return float(np.max(np.abs(np.square(self.norms) - 1)))

    def symbolic(self, name: str) -> Expr:
        """The closed form of a field as a SymPy expression. Raises ValueError: none is known.

        >>> from theory import Setting, predict
        >>> predict(Setting(T=5)).symbolic("weight_norm")
        sqrt(sqrt(5) + 5)
        """
        return self.exact.symbolic(name)

    def assumes(self, *names: str) -> bool:
        """Whether every named assumption is known to hold."""
        held = {assumption.name: assumption.holds for assumption in self.assumptions}
        return all(held.get(name) is True for name in names)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready view: per-point arrays that are constant collapse to one number, others become lists."""
        return {**self._numbers(), "exact": dict(self.exact)}

    def _numbers(self) -> dict[str, object]:
        scalars = {name: getattr(self, name) for name in _SCALARS}
        lists = {name: getattr(self, name).tolist() for name in _ARRAYS}
        arrays = {name: each[0] if len(set(each)) == 1 else each for name, each in lists.items()}
        return {"T": self.T, "m": self.m, **scalars, **arrays}

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{name}</th><td>{shown(value, 6)}</td></tr>"
            for name, value in self._numbers().items()
            if value
        )
        exact = f"<p>{self.exact._repr_latex_()}</p>" if self.exact else ""
        notes = "".join(f"<li><b>{a.name}</b>: {a}</li>" for a in self.assumptions)
        return f"<table>{rows}</table>{exact}<ul>{notes}</ul>"

    def __repr__(self) -> str:
        known = ((name, value) for name, value in self._numbers().items() if value is not None)
        lines = [f"{name:22} {shown(value, 6)}" for name, value in known]
        lines += [f"  assumes {a.name}: {a}" for a in self.assumptions]
        return "\n".join(lines)


_SCALARS = (
    *("configuration", "status", "energy", "weight_norm", "weight_norm_seen", "weight_norm_unseen"),
    *("bias_norm", "bias_norm_unseen", "train_loss", "worst_point_error", "test_loss"),
)
_ARRAYS = ("radius_squared", "bias_coefficient", "dimensionality")
