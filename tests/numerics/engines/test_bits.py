"""Dense, culled and listed runs: equal to the reference; their bits depend on neither cores, calls nor checkpoints."""

from __future__ import annotations

import numpy as np
import pytest

from numerics import draw_dataset
from numerics.engines.cpu import candidates, interaction, kernels
from numerics.engines.cpu import trajectory as cpu
from tests.numerics.cases import EPS32, EPS64, begin, one_core, start_of, walk, with_allowed_drift
from theory import Setting

slow = pytest.mark.slow

#: Several blocks of features, more parts than cores, a last block that is not full; some features fall asleep.
LARGE = Setting(T=21, n=1_100, sparsity=0.999, steps=600, lr=1e-2, warmup=50, weight_decay=0.1)

#: What is summed over, in how many dimensions, and whether on all cores.
KINDS = [
    pytest.param("dense", 2, True, id="dense"),
    pytest.param("culled", 2, False, id="culled"),
    pytest.param("listed", 3, False, id="listed"),
    pytest.param("dense", 3, True, marks=slow, id="dense, m = 3"),
    pytest.param("culled", 2, True, marks=slow, id="culled on all cores"),
    pytest.param("listed", 3, True, marks=slow, id="listed on all cores"),
    pytest.param("listed", 4, True, marks=slow, id="listed, m = 4"),
    pytest.param("listed", 10, True, marks=slow, id="listed, m = 10"),
]


@pytest.fixture
def run_of(monkeypatch: pytest.MonkeyPatch, kind: str, m: int, all_cores: bool) -> Setting:
    """A run of this kind, whatever it costs."""
    monkeypatch.setattr(cpu, "ALL_CORES_FROM", 0 if all_cores else 10**12)
    monkeypatch.setattr(cpu, "ARRANGE_EVERY", 50)
    monkeypatch.setattr(cpu, "LEAST_POINTS", 10**6 if kind == "dense" else 1)
    for rule in ("prefers_culling", "prefers_listing"):
        monkeypatch.setattr(cpu, rule, lambda *work: True)
    return LARGE.replace(m=m)


def test_the_rule_counts_work_alone() -> None:
    large = cpu.ALL_CORES_FROM // (10_000 * 3) + 1
    assert [cpu.uses_all_cores(10_000, T, 2) for T in (1, large - 1, large)] == [False, False, True]
    assert not cpu.uses_all_cores(cpu.BLOCK, 10**9, 2)  # one block is one part


@pytest.mark.parametrize(("kind", "m", "all_cores"), KINDS)
def test_bits_do_not_depend_on_calls_checkpoints_or_cores(run_of: Setting, kind: str) -> None:
    whole = begin("cpu", run_of)
    whole.advance(run_of.steps)
    assert whole._held.arrangement.culled == (kind != "dense")
    assert whole._held.arrangement.awake < run_of.n or run_of.m > 2
    pieces = begin("cpu", run_of)
    for stop in (1, 49, 50, 51, 237, 421, 450, 599, 600):
        pieces.advance(stop)
        resumed = begin("cpu", run_of)
        resumed.restore(stop, pieces.parameters(), *pieces.moments())
        resumed.restore_auxiliary(pieces.auxiliary())
        assert resumed.parameters().tobytes() == pieces.parameters().tobytes()
        assert resumed.auxiliary().tobytes() == pieces.auxiliary().tobytes()
        pieces = resumed
    with one_core():
        single = begin("cpu", run_of)
        single.advance(run_of.steps)
    for other in (pieces, single):
        assert other.parameters().tobytes() == whole.parameters().tobytes()
        assert other.moments()[1].tobytes() == whole.moments()[1].tobytes()


def test_a_checkpoint_without_the_sleepers_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that are handed out are rounded; going on from them alone gives other bits."""
    monkeypatch.setattr(cpu, "ALL_CORES_FROM", 0)
    monkeypatch.setattr(cpu, "ARRANGE_EVERY", 50)
    whole, cut, resumed = (begin("cpu", LARGE) for _ in range(3))
    whole.advance(LARGE.steps)
    cut.advance(577)
    resumed.restore(577, cut.parameters(), *cut.moments())
    resumed.advance(LARGE.steps)
    assert resumed.parameters().tobytes() != whole.parameters().tobytes()


@pytest.mark.parametrize(("kind", "m", "all_cores"), [("listed", 3, False)])
def test_what_a_list_knew_of_a_place_is_forgotten_when_a_feature_wakes_there(run_of: Setting) -> None:
    """It is wrong here, and never found anew."""
    whole, spoilt = (begin("cpu", run_of.replace(T=40)) for _ in range(2))
    whole.advance(run_of.steps)
    for step in range(1, run_of.steps + 1):
        spoilt.advance(step)
        spoilt._work.culling.tally[candidates.SPENT] = 10**12
        spoilt._work.culling.tops[spoilt._held.arrangement.awake :] = -1e30
    assert spoilt.parameters().tobytes() == whole.parameters().tobytes()


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=slow)])
@pytest.mark.parametrize(("kind", "m", "all_cores"), KINDS)
def test_runs_equal_the_reference(
    run_of: Setting, kind: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those with bounds that are too narrow, or another weight decay, do not."""
    monkeypatch.setattr(cpu, "ARRANGE_EVERY", 7)
    setting = run_of.replace(T=37, n=530, sparsity=0.98, steps=60, warmup=3, dtype=dtype)
    data, (W, b) = draw_dataset(setting), start_of(setting)
    eps = EPS32 if dtype == "float32" else EPS64
    reference, allowed = with_allowed_drift(setting, data, W, b, eps)
    assert np.abs(walk("cpu", setting, data, W, b) - reference).max() <= allowed
    if kind == "dense":
        setting = setting.replace(weight_decay=0.11)
    monkeypatch.setattr(interaction, "MARGIN", -0.1 / eps)
    monkeypatch.setattr(candidates, "margin", lambda m: -0.9 / eps)
    assert np.abs(walk("cpu", setting, data, W, b) - reference).max() > allowed


@pytest.mark.parametrize("bad", [0, np.nan])
def test_vectors_take_the_steps_of_single_entries(bad: float) -> None:
    """To the bit: a silent vector, of which one gradient may be bad, a busy one with a mean below the least, a rest."""
    scalars = np.array([0.1, 0.999, 1e-3, 2, 1e-8, 0.9, 0.999, 0.1, 0.001, 1e-30], np.float32)
    together = np.random.default_rng(0).random((4, 35)).astype(np.float32)  # parameter, moments, gradient
    together[1::2, :16], together[1::2, 20], together[3, 5] = 0, (1e-31, 0), bad
    single = together.copy()
    assert kernels.adamw(*together, scalars, 0, 35) == (bad == 0)
    assert [kernels.adamw(*single, scalars, i, i + 1) for i in range(35)].count(False) == (bad != 0)
    assert np.array_equal(together, single, equal_nan=True)
    assert together[1, 20] == 0


def test_a_mean_without_gradients_ends_at_zero_before_it_is_subnormal():
    """Subnormal numbers are slow. What still moves a parameter stays, and NaN is carried on."""
    least = kernels.least_mean(1e-8, np.float32)
    assert least > 1e3 * float(np.finfo(np.float32).tiny)
    scalars = np.array([1, 1, 1e-3, 1, 1e-8, 0.9, 0.999, 0.1, 0.001, least], np.float32)
    parameter, (second, gradient) = np.full(3, 1e-20, np.float32), np.zeros((2, 3), np.float32)
    first = np.array([2 * least, 1.05 * least, np.nan], np.float32)
    before = parameter.copy()
    kernels.adamw(parameter, first, second, gradient, scalars, 0, 3)
    assert first[0] == pytest.approx(1.8 * least)
    assert np.array_equal(first[1:], [0, np.nan], equal_nan=True)
    assert np.array_equal(parameter[:2], before[:2])  # the step that is left out would not have moved it
    scalars[9] = kernels.least_mean(0.0, np.float32)  # without ε every mean moves its parameter by the rate
    first = np.full(3, 1e-40, np.float32)
    kernels.adamw(parameter, first, second, gradient, scalars, 0, 3)
    assert (first > 0).all()
