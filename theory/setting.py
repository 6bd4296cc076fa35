"""The setting of a training or a prediction; defaults are those of Henighan et al. 2023, section "Experiment Setup".

Normalisation used everywhere: unit datapoints; the loss is the *sum* over features and the *mean* over datapoints of
the squared error. A mean over both divides it by n; with Adam that only changes what eps = 1e-8 does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import math
import numbers
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

#: A model memorizes when every datapoint's squared error is at most this (loss units: a forgotten point
#: costs 1).
MEMORIZED_ERROR = 1e-4

#: Adam's constants, as in the paper's optimizer (the defaults of AdamW).
ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8

Start = Literal["xavier", "xavier-uniform", "memorizing", "pentagon", "hexagon", "heptagon"]
#: Constructed starts that place features on a ring, and how many.
RINGS = {"pentagon": 5, "hexagon": 6, "heptagon": 7}

Seed = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_Checked = TypeVar("_Checked")


def _refusing_in_one_line(cls: type[_Checked]) -> type[_Checked]:
    """The class with what pydantic finds wrong as a ValueError of one line."""
    check: Any = cls.__init__

    @functools.wraps(check)
    def init(self: _Checked, *args: Any, **values: Any) -> None:
        try:
            check(self, *args, **values)
        except ValidationError as error:
            raise ValueError("; ".join(map(_explain, error.errors()))) from None

    cls.__init__ = init  # type: ignore[assignment]
    return cls


def _explain(problem: Any) -> str:
    """What was given, what is allowed, what to try."""
    message: str = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    place = problem["loc"][-1]
    if isinstance(place, int) and place > 0:
        return f"{problem['input']!r} stands without a name, as only T may; try n={problem['input']!r}"
    name = place or "T"
    default = 8 if name == "T" else Setting.__dataclass_fields__[name].default
    if problem["type"].startswith("missing"):
        return f"{name} is missing; try {name}={default}"
    given = problem["input"]
    shown = "NaN" if isinstance(given, float) and math.isnan(given) else repr(given)
    return f"{name} = {shown}: {message.replace('Input should be', 'must be')}; try {name}={default!r}"


@_refusing_in_one_line
@dataclass(frozen=True, repr=False, config=ConfigDict(extra="forbid", hide_input_in_errors=True))
class Setting:
    """One training setting of the ReLU-output model; frozen, checked on construction.

    Parameters
    ----------
    T : number of datapoints, >= 1 (repeats counted).
    n : number of features, >= 1.
    sparsity : S, probability that a feature is absent from a datapoint, strictly between 0 and 1.
    m : hidden dimensions, >= 1.
    repeats : R, how often each repeated datapoint occurs among the T, >= 1.
    repeated_points : how many distinct datapoints, the first ones, occur ``repeats`` times.
    steps : full-batch AdamW steps, >= 1.
    lr : peak learning rate.
    warmup : steps of linear warm-up, at most ``steps``; 5 % of ``steps`` unless given.
    weight_decay : decoupled weight decay on W and b, >= 0.
    seed : seed of the initial weights, and of the data unless ``data_seed`` is given.
    data_seed : seed of the dataset; the same as ``seed`` unless given.
    dtype : arithmetic of the training run.
    start : initial weights: "xavier" (normal, standard deviation √(2/(n+m))), "xavier-uniform" (the same deviation),
        or constructed: "memorizing" (the minimum-norm code of the dataset), "pentagon", "hexagon", "heptagon" (the best
        ring of the amplitude law on the most frequent features, the other columns as in "xavier"; m >= 2).
    start_bias : initial value of every bias that ``start`` does not construct.
    loss : "sum" over features, as in the paper, or "mean" over them too; what is recorded is always the sum.
    adam_epsilon : Adam's ε.
    schedule : "cosine" to zero after the warm-up, or "constant".

    Raises ValueError: A value outside its domain or an unknown name, in one line: what was given, what is allowed,
    what to try.

    >>> round(Setting(8).decay_budget, 4)
    0.25
    >>> Setting(8, weight_decay=0.5).replace(T=5)
    Setting(T=5, weight_decay=0.5)
    >>> Setting(0)
    Traceback (most recent call last):
    ValueError: T = 0: must be greater than or equal to 1; try T=8

    """

    T: Annotated[int, Field(ge=1)]
    _: dataclasses.KW_ONLY
    n: Annotated[int, Field(ge=1, lt=2**31)] = 10_000
    sparsity: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.999
    m: Annotated[int, Field(ge=1)] = 2
    repeats: Annotated[int, Field(ge=1)] = 1
    repeated_points: Annotated[int, Field(ge=1)] = 1
    steps: Annotated[int, Field(ge=1)] = 50_000
    lr: Positive = 1e-3
    warmup: Annotated[int, Field(ge=0)] = 2_500
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-2
    seed: Seed = 0
    data_seed: Seed = 0
    dtype: Literal["float32", "float64"] = "float32"
    start: Start = "xavier"
    start_bias: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    loss: Literal["sum", "mean"] = "sum"
    adam_epsilon: Positive = ADAM_EPSILON
    schedule: Literal["cosine", "constant"] = "cosine"

    @model_validator(mode="before")
    @classmethod
    def _derive_defaults(cls, given: ArgsKwargs) -> ArgsKwargs:
        values = dict(given.kwargs or {})
        known = [field.name for field in dataclasses.fields(cls)]
        for name in set(values).difference(known):
            small = {one.lower(): one for one in known}
            (near,) = difflib.get_close_matches(name.lower(), small, 1) or [""]
            meant = f"did you mean {small[near]}?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"{name}: no such setting; {meant}")
        for name, value in [*zip(["T"], given.args, strict=False), *values.items()]:
            if isinstance(value, bool):  # to Python, True is the integer 1
                raise ValueError(f"{name} = {value}: must be a number or a word; try {name}={int(value)}")
        with contextlib.suppress(
            KeyError, TypeError, ValueError, OverflowError
        ):  # refused below, by its own check
            values.setdefault("warmup", max(0, int(values["steps"])) // 20)
        if "seed" in values:
            values.setdefault("data_seed", values["seed"])
        return ArgsKwargs(given.args, values)

    @model_validator(mode="after")
    def _check_together(self) -> Setting:
        if self.warmup > self.steps:
            raise ValueError(
                f"warmup {self.warmup} is longer than steps {self.steps}; try warmup={self.steps // 20}"
            )
        if self.repeats * self.repeated_points > self.T:
            points = "" if self.repeated_points == 1 else f" times repeated_points {self.repeated_points}"
            raise ValueError(
                f"repeats {self.repeats}{points} is more than T {self.T}; "
                f"try repeats={self.T // self.repeated_points or 1}"
            )
        if self.start in RINGS and (self.m < 2 or self.n < RINGS[self.start]):
            raise ValueError(
                f"start {self.start!r} needs m >= 2 and n >= {RINGS[self.start]}, not m = {self.m}, n = {self.n}; "
                "try start='xavier'"
            )
        if self.lr * self.weight_decay >= 1:
            raise ValueError(
                f"lr*weight_decay is {self.lr * self.weight_decay:g}; it must be below 1 for AdamW to decay; "
                "try lr=0.001 or weight_decay=0.01"
            )
        return self

    @property
    def density(self) -> float:
        """The density p = 1 - S, the probability that a feature is present."""
        return 1.0 - self.sparsity

    @property
    def distinct(self) -> int:
        """Number of distinct datapoints, copies counted once."""
        return self.T - self.repeated_points * (self.repeats - 1)

    @property
    def learning_rate_sum(self) -> float:
        """Λ, the sum of all learning rates of the schedule (25.0 in the paper); `optimization.decay-budget`.
        Closed form of the warm-up's arithmetic series and the sum of the cosine or constant, exact up to rounding.
        """
        rest = self.steps - self.warmup
        rising = (self.warmup + 1) / 2 * (self.warmup > 0)
        return self.lr * (rising + (rest if self.schedule == "constant" else (rest + 1) / 2 * (rest > 0)))

    @property
    def decay_budget(self) -> float:
        """τ = weight_decay · Λ, what weight decay can do within the schedule (0.25 in the paper)."""
        return self.weight_decay * self.learning_rate_sum

    def __repr__(self) -> str:
        """T and what is not the paper's."""
        usual = {each.name: each.default for each in dataclasses.fields(self)}
        usual |= {"warmup": self.steps // 20, "data_seed": self.seed}
        told = {name: value for name, value in self.as_dict().items() if value != usual[name]}
        return f"Setting({', '.join(f'{name}={value!r}' for name, value in told.items())})"

    def replace(self, **changes: Any) -> Setting:
        """The same setting with values changed; derived defaults (warmup, data_seed) follow unless given."""
        values = self.as_dict()
        if "steps" in changes and self.warmup == self.steps // 20:
            del values["warmup"]
        if "seed" in changes and self.data_seed == self.seed:
            del values["data_seed"]
        return Setting(**(values | changes))

    def as_dict(self) -> dict[str, int | float | str]:
        """Every value under its own name, defaults filled in; JSON-ready, and the input of a run's name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def as_setting(given: Any, values: Mapping[str, Any], function: str) -> Setting:
    """A setting as it is, or T with the other ``values``; TypeError, with what to try of ``function``, for the rest."""
    if type(given) is not bool and isinstance(given, numbers.Integral):
        return Setting(int(given), **values)
    if not isinstance(given, Setting):
        several = hasattr(given, "__iter__") and not isinstance(given, str)
        call = f"[{function}(T) for T in {given!r}]" if several else f"{function}(8)"
        raise TypeError(f"setting = {given!r}: it must be T or a Setting; try {call}")
    if values:
        changes = ", ".join(f"{name}={value!r}" for name, value in values.items())
        raise TypeError(f"{', '.join(values)}: a setting has its own values; try setting.replace({changes})")
    return given
