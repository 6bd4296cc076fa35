"""Snapshots show the run itself: they do not disturb it, and the last one is its end."""

import itertools

import numpy as np
import pytest

from numerics.starts import draw_start
from numerics.training.loop import growing_steps, take_snapshots
from numerics.training.obtaining import train_one
from theory import Setting

SETTING = Setting(T=12, n=60, sparsity=0.9, repeats=3, steps=120, seed=3)


@pytest.mark.parametrize("engine", ["cpu", "reference"])
def test_the_last_snapshot_has_the_bits_of_the_run(engine):
    run = train_one(SETTING, engine=engine)
    *_, last = take_snapshots(SETTING, [0, 17, 120], engine=engine)
    assert last.W.dtype == run.W.dtype
    assert np.array_equal(last.W, run.W)
    assert np.array_equal(last.b, run.b)


def test_a_snapshot_does_not_depend_on_the_others_and_the_first_is_the_start():
    fine = {one.step: one for one in take_snapshots(SETTING, range(0, 121, 10))}
    for one in take_snapshots(SETTING, [0, 30, 120]):
        assert np.array_equal(one.W, fine[one.step].W)
    assert not np.array_equal(fine[30].W, fine[120].W)
    for part, start in zip((fine[0].W, fine[0].b), draw_start(SETTING), strict=True):
        assert np.array_equal(part, start.astype(np.float32))


def test_a_diverging_run_yields_only_what_is_finite():
    wild = SETTING.replace(lr=1e30, weight_decay=0.0)
    taken = list(take_snapshots(wild, range(121)))
    assert 0 < len(taken) < 121
    assert all(np.isfinite(one.W).all() for one in taken)


def test_growing_steps_grow_by_even_factors():
    for steps, count in ((1, 5), (20, 60), (20_000, 60)):
        taken = growing_steps(steps, count)
        assert taken[0] == 0
        assert taken[-1] == steps
        assert len(taken) <= count + 1
        assert all(later > step for step, later in itertools.pairwise(taken))
    late = np.array([step for step in growing_steps(1_000_000, 60) if step > 0])
    assert np.allclose(late[1:] / late[:-1], 1000 ** (1 / 59), rtol=1e-3)
