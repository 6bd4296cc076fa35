"""What a user's own pytest suite imports: `assert_claims`, and Hypothesis strategies for settings, datasets and models.

    @given(memorizing_models())
    def test_my_model(case):
        model, data = case
        assert_claims(model, data, at_least=["memorization.robust"])

Hypothesis and pytest come with ``pip install -e '.[testing]'``. The first example compiles or loads kernels, so this
module lifts Hypothesis's deadline of 200 ms, unless a profile of your own is loaded.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import settings as hypothesis_settings

from numerics.measurement.record import read_with_data
from verify.claims.registry import CLAIMS, judge_on
from verify.strategies import *  # noqa: F403

if hypothesis_settings.get_current_profile_name() == "default":
    hypothesis_settings.register_profile("tgon", hypothesis_settings(), deadline=None)
    hypothesis_settings.load_profile("tgon")


def assert_claims(
    model: Any,
    data: Any,
    *,
    at_least: str | Sequence[str] = (),
    instance: int | None = None,
    rows: bool | None = None,
) -> None:
    """Fail if ``model`` violates a claim on ``data``, or if one of ``at_least`` does not hold or could not be judged.

    Parameters
    ----------
    model : module or mapping with ``W`` (m, n) and ``b`` (n,), a run, or a pair of arrays or tensors.
    data : a `Dataset`, or X as `tgon.measure` takes it.
    at_least : labels of claims, or one label, as `tgon claims` lists them.
    instance, rows : as `tgon.measure` takes them.

    Raises AssertionError: A line per claim: its label, numbers and reason, and what to try. ValueError: an unknown
    label, or what `measure` refuses.

    >>> import numpy as np
    >>> assert_claims((np.array([[1, -1]]) / 2**0.5, np.full(2, 0.5)), np.eye(2), at_least=["memorization.robust"])

    """
    __tracebackhide__ = True  # in pytest
    wanted, known = {at_least} if isinstance(at_least, str) else set(at_least), [one.label for one in CLAIMS]
    if unknown := sorted(wanted - set(known)):
        raise ValueError(
            f"no claim {', '.join(unknown)}; the claims are {', '.join(known)}; `tgon explain` has derivations"
        )
    judged = {one.label: one for one in judge_on(*read_with_data(model, data, instance, rows=rows))}
    if several := sorted(wanted - set(judged)):
        raise ValueError(f"{', '.join(several)}: a claim about many runs; try tgon.compare(runs).claims()")
    failed = [
        f"{claim}; try tgon explain {claim.label}"
        for claim in judged.values()
        if claim.holds is False or (claim.label in wanted and not claim.holds)
    ]
    if failed:
        raise AssertionError("\n".join(failed))
