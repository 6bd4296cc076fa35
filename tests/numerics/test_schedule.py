"""The learning rates of a run: their shape, and the closed form of their sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.schedule import learning_rates
from tests.numerics import cases
from theory import Setting


@given(
    steps=st.integers(1, 3000),
    share=st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0])),
    lr=st.floats(1e-6, 1.0),
    schedule=st.sampled_from(["cosine", "constant"]),
)
def test_the_schedule(steps: int, share: float, lr: float, schedule: str) -> None:
    warmup = int(share * steps)
    setting = Setting(T=2, steps=steps, warmup=warmup, lr=lr, schedule=schedule)
    rates = learning_rates(setting)
    assert rates.shape == (steps,)
    # a sum of `steps` numbers of which each has a few roundings, of a cosine's argument of size π among them
    allowed = (steps + 12) * cases.EPS64 * lr * steps
    assert abs(rates.sum() - setting.learning_rate_sum) <= allowed
    assert abs(rates.sum() - setting.replace(lr=1.01 * lr).learning_rate_sum) > allowed
    assert rates.min() > 0
    assert rates.max() <= lr
    if warmup:
        assert rates[warmup - 1] == lr
        assert rates[0] == pytest.approx(lr / warmup, rel=2 * cases.EPS64)
    if warmup < steps:
        assert rates[warmup] == lr
        falls = np.diff(rates[warmup:])
        assert (falls < 0).all() if schedule == "cosine" else not falls.any()
    assert (np.diff(rates[:warmup]) > 0).all()
