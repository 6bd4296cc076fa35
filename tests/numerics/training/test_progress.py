"""What long training says on stderr."""

import importlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress

from numerics.training.progress import Meter, compilation_announced, progress_bar, work_of
from theory import Setting

LINE = "tgon: compiling kernels for this machine, about 10 s, once for each m, dtype and range of sizes"


MODULE = """
from numba import njit

@njit(cache=True)
def first(x):
    return x + 1

@njit(cache=True)
def second(x):
    return x + 2

@njit
def not_kept(x):
    return x + 3
"""


def test_compilation_is_announced_once_and_only_when_it_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process, here a second import, finds the cache on disk; what has no cache is passed over."""
    (tmp_path / "kernels_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)

    def imported() -> Any:
        sys.modules.pop("kernels_of_a_test", None)
        return importlib.import_module("kernels_of_a_test")

    kernels = imported()
    with compilation_announced():
        assert kernels.not_kept(1) == 4
        assert capsys.readouterr().err == ""
        assert (kernels.first(1), kernels.second(1)) == (2, 3)
    assert capsys.readouterr().err == f"{LINE}\n"
    again = imported()
    with compilation_announced():
        assert again.first(1) == 2
        assert again.first.stats.cache_hits
    again.second(1.5)  # compiled, for another type, when nobody listens
    assert capsys.readouterr().err == ""


def metered(settings: Sequence[Setting], clock: list[float]) -> Meter:
    bars = Progress(disable=True, get_time=lambda: clock[0], speed_estimate_period=1e9)
    return Meter(bars, settings, [f"T = {one.T}" for one in settings], "sweep", lines=False)


def train(meter: Meter, clock: list[float], setting: Setting, place: int) -> None:
    """An imagined machine of constant speed trains a run, reporting every hundredth of it."""
    for _ in range(100):
        clock[0] += work_of(setting) / 100 / SPEED
        meter.advance(place, setting.steps // 100)
    meter.settle(place, failed=False)


SPEED = 1e9  # work per second of the imagined machine

SETTINGS = st.lists(
    st.builds(
        lambda T, n, steps: Setting(T=T, n=n, steps=100 * steps),
        st.integers(3, 300),
        st.integers(10_000, 100_000),
        st.integers(100, 900),
    ),
    min_size=2,
    max_size=8,
)


@given(SETTINGS, st.data())
def test_on_a_machine_of_constant_speed_the_time_left_is_right(
    settings: list[Setting], data: st.DataObject
) -> None:
    """Whatever was read, or trained before: it leaves the total and does not count in the rate."""
    clock = [100.0]
    meter = metered(settings, clock)
    read = data.draw(st.sets(st.integers(0, len(settings) - 1), max_size=len(settings) - 1))
    for place in read:
        meter.advance(place, settings[place].steps)
        meter.settle(place, failed=False)
    trained = [place for place in range(len(settings)) if place not in read]
    for place in trained[: data.draw(st.integers(1, len(trained)))]:
        train(meter, clock, settings[place], place)
    whole = meter._bars.tasks[0]
    left = sum(work_of(settings[place]) for place in trained) - whole.completed
    assert whole.time_remaining == pytest.approx(left / SPEED, rel=0.02, abs=1)


def test_what_a_worker_trained_counts_when_it_comes_back_and_what_failed_does_not() -> None:
    settings, clock = [Setting(T=100, seed=seed) for seed in range(4)], [100.0]
    meter = metered(settings, clock)
    meter.settle(0, failed=False, trained_elsewhere=True)
    clock[0] += 10
    meter.settle(1, failed=False, trained_elsewhere=True)
    meter.settle(2, failed=True)
    whole = meter._bars.tasks[0]
    assert (whole.completed, whole.remaining) == (2 * work_of(settings[0]), work_of(settings[0]))
    assert meter.line() == "sweep: 3 of 4 runs, 1 failed, 67 % of the work, time left unknown"
    meter.settle(3, failed=False, trained_elsewhere=True)
    assert meter.line() == "sweep: 4 of 4 runs, 1 failed, 100 % of the work"


def test_only_groups_in_progress_are_shown() -> None:
    settings, clock = [Setting(T=T, seed=seed) for T in (3, 5) for seed in range(2)], [100.0]
    meter = metered(settings, clock)
    seen = []
    for place in range(4):
        train(meter, clock, settings[place], place)
        seen.append([task.description for task in meter._bars.tasks if task.visible])
    assert seen == [["sweep", "T = 3"], ["sweep"], ["sweep", "T = 5"], ["sweep"]]


def test_progress_is_on_stderr_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bars in a terminal, lines elsewhere, nothing where nothing is wanted."""
    settings = [Setting(T=3, steps=200), Setting(T=5, steps=200)]
    monkeypatch.setattr("numerics.training.progress.LINE_SECONDS", 0.0)
    for terminal, said in ((True, r"T = 3 .*elapsed.* left"), (False, r"training: 0 of 2 runs, 0 % .*\n")):
        monkeypatch.setenv("FORCE_COLOR", "1") if terminal else monkeypatch.delenv("FORCE_COLOR")
        with progress_bar(settings, ["T = 3", "T = 5"]) as meter:
            meter.advance(0, 1)
        out, err = capsys.readouterr()
        assert out == ""
        assert re.search(said, err)
    with progress_bar(settings, shown=False) as meter:
        meter.advance(0, 1)
    assert capsys.readouterr() == ("", "")
