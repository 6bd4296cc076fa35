"""Time left: exact on a machine of constant speed, and deaf to work that was not done in this session."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.sweeps.display import progress_line, sweep_display
from numerics.sweeps.meter import Meter, about, work_of
from theory import Setting

SPEED = 1e9  # work per second of the imagined machine


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def metered(cells: list[Setting]) -> tuple[Meter, Clock]:
    clock = Clock()
    return Meter(cells, [f"T = {cell.T}" for cell in cells], clock), clock


def train(meter: Meter, clock: Clock, cells: list[Setting], place: int, share: float = 1.0) -> None:
    """The imagined machine trains a share of a cell, reporting every hundredth of it."""
    step = cells[place].steps // 100
    for _ in range(round(100 * share)):
        clock.now += work_of(cells[place]) / 100 / SPEED
        meter.advance(place, step)
    if share == 1.0:
        meter.settle(place, failed=False)


CELLS = st.lists(
    st.builds(
        lambda T, n, steps: Setting(T=T, n=n, steps=100 * steps),
        st.integers(3, 300),
        st.integers(10_000, 100_000),
        st.integers(100, 900),
    ),
    min_size=2,
    max_size=8,
)


@given(CELLS, st.data())
def test_on_a_machine_of_constant_speed_the_time_left_is_right(
    cells: list[Setting], data: st.DataObject
) -> None:
    """Cells are trained in order; each group ends with its last cell."""
    meter, clock = metered(cells)
    settled = data.draw(st.integers(1, len(cells)))
    for place in range(settled):
        train(meter, clock, cells, place)
    ends = [work / SPEED for work in itertools.accumulate(map(work_of, cells))]
    now = ends[settled - 1]
    if now < 2:
        assert meter.seconds_left(meter.total) is None
        return
    assert meter.seconds_left(meter.total) == pytest.approx(ends[-1] - now, rel=1e-9, abs=1e-6)
    for name, part in meter.parts.items():
        last = max(place for place, cell in enumerate(cells) if f"T = {cell.T}" == name)
        assert meter.seconds_left(part) == pytest.approx(max(0.0, ends[last] - now), rel=1e-9, abs=1e-6)


@given(CELLS, st.integers(2, 99))
def test_steps_from_a_checkpoint_do_not_count_in_the_rate(cells: list[Setting], percent: int) -> None:
    meter, clock = metered(cells)
    meter.advance(0, cells[0].steps * percent // 100)  # at once
    assert meter.rate() is None
    clock.now += 5.0
    assert meter.rate() is None
    train(meter, clock, cells, 1)
    overall = work_of(cells[1]) / (clock.now - Clock.now)
    rate = meter.rate()
    assert rate is not None
    assert overall * (1 - 1e-9) <= rate <= SPEED * (1 + 1e-9)


def test_work_counts_pairs_not_cells() -> None:
    """One long cell behind nine short ones: after the nine, nearly everything is left."""
    cells = [Setting(T=3, n=1_000, steps=100_000, seed=seed) for seed in range(9)] + [Setting(T=3_000)]
    meter, clock = metered(cells)
    for place in range(9):
        train(meter, clock, cells, place)
    assert meter.total.settled == 9
    assert meter.total.share < 0.01
    left = meter.seconds_left(meter.total)
    assert left == pytest.approx(work_of(cells[9]) / SPEED, rel=1e-9)
    by_cells = (clock.now - Clock.now) / 9
    assert left is not None
    assert left > 100 * by_cells


def test_the_rate_forgets() -> None:
    """A machine that becomes ten times slower: after as long again, the rate is the new one."""
    cells = [Setting(T=100, steps=100_000, seed=seed) for seed in range(60)]
    meter, clock = metered(cells)
    for place in range(30):
        train(meter, clock, cells, place)
    fast, elapsed = meter.rate(), clock.now - Clock.now
    assert fast == pytest.approx(SPEED)
    until = clock.now + 2 * elapsed
    for place in range(30, 60):
        for _ in range(100):
            if clock.now < until:
                clock.now += 10 * work_of(cells[place]) / 100 / SPEED
                meter.advance(place, 1_000)
    assert meter.rate() == pytest.approx(SPEED / 10, rel=0.05)


def test_what_a_worker_trained_counts_when_it_comes_back() -> None:
    cells = [Setting(T=100, seed=seed) for seed in range(4)]
    meter, clock = metered(cells)
    clock.now += 10
    meter.settle(0, failed=False, trained_elsewhere=True)
    assert meter.rate() == pytest.approx(work_of(cells[0]) / 10)
    meter.settle(1, failed=True)  # and what failed does not
    assert meter.rate() == pytest.approx(work_of(cells[0]) / 10)
    assert meter.seconds_left(meter.total) == pytest.approx(20)
    assert (meter.total.settled, meter.total.failed) == (2, 1)


def test_the_line_names_counts_share_failures_and_groups() -> None:
    cells = [Setting(T=100, n=10_000, seed=seed) for seed in range(4)]
    meter, clock = metered(cells)
    assert progress_line(meter) == "sweep: 0 of 4 cells, 0 % of the work; time left unknown"
    train(meter, clock, cells, 0)
    meter.settle(1, failed=True)
    each = work_of(cells[0]) / SPEED
    expected = about(2 * each)
    assert progress_line(meter) == (
        f"sweep: 2 of 4 cells, 50 % of the work; 1 failed; time left {expected}; "
        f"T = 100: 2 of 4, time left {expected}"
    )
    for place in (2, 3):
        train(meter, clock, cells, place)
    assert progress_line(meter) == "sweep: 4 of 4 cells, 100 % of the work; 1 failed"
    assert meter.total.left == 0


def test_the_display_draws_only_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    meter, clock = metered([Setting(T=3), Setting(T=5)])
    train(meter, clock, [Setting(T=3)], 0, share=0.5)
    for terminal in (True, False):
        monkeypatch.setenv("FORCE_COLOR", "1") if terminal else monkeypatch.delenv("FORCE_COLOR")
        with sweep_display(meter) as refresh:
            refresh()
        out, err = capsys.readouterr()
        assert out == ""
        assert "T = 3" in err
        assert "time left" in err
    with sweep_display(meter, shown=False) as refresh:
        refresh()
    assert capsys.readouterr() == ("", "")


@given(st.floats(0, 1e7))
def test_a_duration_in_words_is_off_by_half_its_last_digit(seconds: float) -> None:
    units, half = (
        {"s": 1.0, "min": 60.0, "h": 3600.0, "days": 86400.0},
        {"s": 0.5, "min": 30.0, "days": 4320.0},
    )
    words = about(seconds).split()
    read = sum(float(words[k]) * units[words[k + 1]] for k in range(0, len(words), 2))
    rounding = 30.0 if words[-1] == "days" else 0.0  # to minutes first
    assert abs(read - seconds) <= half[words[-1]] + rounding + 1e-6
    assert words[-1] != "s" or seconds < 90
