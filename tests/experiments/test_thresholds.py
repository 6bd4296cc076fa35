"""Thresholds over draws: what the command answers, the table it writes, and what the notes show of it."""

import math
import re

import pytest

from experiments.threshold.draws import summary
from numerics.repetition import Transition
from tests.tgon import command
from tests.tgon.command import refusal, tgon
from tgon.cli.threshold import quoted
from theory.repetition.logistic_boundary import fit_boundary

DRAWS = [3.0, 5.0, 8.0, 8.5, 9.0, 9.5, 10.0]


def answer(between, metastable=None, censored=None):
    """Of draws with these thresholds as R; T/n = 32 is a power of two, so that nothing is rounded."""
    unit, many = 32, len(between)
    unknown = {"threshold": math.nan, "repeats": math.nan, "embedded_from": 0.0, "zero_bias": 1.0}
    states = zip(between, metastable or [30.0] * many, censored or [False] * many, strict=True)
    draws = [
        Transition(
            between=(low / unit, high / unit),
            metastable_until=stays / unit,
            metastable_censored=cut,
            **unknown,
        )
        for (low, high), stays, cut in states
    ]
    return summary(1_000 * unit, 1_000, 0.99, 120, draws)


def test_the_interval_is_the_fit_of_all_draws():
    found = answer([(one, one) for one in DRAWS])["repeats_interval"]
    expected = fit_boundary(DRAWS, DRAWS)
    assert (found["median"], found["low"], found["high"]) == (expected.median, expected.low, expected.high)
    assert found["order_statistics"] == {"low": 3.0, "high": 10.0, "coverage": 1 - 2 / 2**7}


def test_a_draw_that_never_crosses_moves_the_interval_and_is_counted():
    closed, opened = (
        answer([*((one, one) for one in DRAWS), last]) for last in ((10.0, 10.0), (10.0, math.inf))
    )
    assert (closed["undecided"], opened["undecided"]) == (0, 1)
    assert opened["repeats_interval"]["high"] > closed["repeats_interval"]["high"]
    assert opened["repeats"]["greatest"] == 10.0


def test_one_draw_has_no_interval():
    found = answer([(5.0, 5.0)])
    assert math.isnan(found["repeats_interval"]["low"])
    assert found["repeats_interval"]["order_statistics"]["coverage"] == 0
    assert found["repeats"] == {"median": 5.0, "least": 5.0, "greatest": 5.0}
    assert quoted(found) == "  R = 5 = 0.156 T/n (numerical; no interval, try more --draws; 1 draw)"


@pytest.mark.parametrize(
    ("stays", "censored", "flags"),
    [
        ((10.0, 20.0, 30.0), (False, False, True), (False, False, True, 1)),
        ((10.0, 20.0, 30.0), (False, True, False), (True, False, True, 1)),
        ((30.0, 30.0, 30.0), (True, True, True), (True, True, True, 3)),
        ((10.0, 20.0, 30.0, 40.0), (False, False, True, False), (True, False, True, 1)),
    ],
)
def test_what_a_longer_scan_could_raise_is_a_lower_bound(stays, censored, flags):
    """A draw seen to stay out until the last R that was looked at: median, least, greatest, and how many such draws."""
    found = answer([(one, one) for one in DRAWS[: len(stays)]], stays, censored)
    assert tuple(found["metastable_censored"].values()) == flags
    longer = [99.0 if cut else stay for stay, cut in zip(stays, censored, strict=True)]
    moved = answer([(one, one) for one in DRAWS[: len(stays)]], longer)["metastable_until"]
    for name, value in found["metastable_until"].items():
        assert (moved[name] > value) == found["metastable_censored"][name]


def test_the_number_to_quote_comes_first_with_its_interval():
    """The fitted median, also where the range of the draws is another; a table below has the others, marked."""
    found = answer([(one, one) for one in DRAWS], (30.0,) * 7)
    expected = fit_boundary(DRAWS, DRAWS)
    line = quoted(found)
    numbers = [float(text) for text in re.findall(r"[0-9]+\.[0-9]+", line)]
    R, in_units, *ends = numbers
    assert [R, *ends] == pytest.approx([expected.median, expected.low, expected.high], rel=6e-4)
    assert in_units == pytest.approx(expected.median / 32, abs=6e-4)
    assert numbers[0] != pytest.approx(found["repeats"]["median"], rel=6e-4), "not that of the draws"
    assert "(numerical; 95 % interval " in line
    assert line.endswith(" for the median; 7 draws)")
    assert "below 1" not in line
    assert "below 1" in quoted(answer([(one / 30, one / 30) for one in DRAWS]))
    assert "none: the losses do not cross" in quoted(answer([(10.0, math.inf)] * 2, (30.0,) * 2))


def test_what_is_printed_leads_with_it(monkeypatch):
    monkeypatch.setattr("numerics.repetition.find_transition", _never_embedded)
    for draws, words in (("1", "until  "), ("3", "until, median")):
        size = ["--T", "3000", "--n", "300", "--sparsity", "0.97"]
        done = tgon("threshold", *size, "--draws", draws, "--wide")
        assert (done.exit_code, done.stderr) == (0, "")
        head, number, *rest = done.stdout.split("Other numbers")[0].strip().splitlines()
        assert "T = 3000, n = 300, sparsity = 0.97" in head
        assert number.startswith("  R = ")
        assert not rest
        assert words in done.stdout
        assert ("all draws" in done.stdout) == (draws != "1"), "one draw has no range"
        assert done.stdout.count("≥ 20") == 1 + (draws != "1"), "the median, and a range whose ends are equal"
        table = [line.split() for line in done.stdout.splitlines() if line.startswith((" point", " at zero"))]
        assert [row[-1] for row in table] == ["numerical", "form", "theorem"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--T", "1", "--n", "300"), "try a larger --T"),
        (("--T", "5", "--n", "10"), "the fifth-largest energy"),
        (("--T", "600", "--n", "4"), "try --n 1000"),
        (("--T", "600", "--n", "0"), "n = 0"),
        (("--T", "600", "--n", "300", "--csv", "file/table.csv"), "file: not a folder"),
    ],
)
def test_what_has_no_threshold_is_refused_before_a_draw(options, said, tmp_path, monkeypatch):
    """Nothing is computed, so the refusal of a place to write does not cost the draws."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    monkeypatch.setattr("numerics.repetition.find_transition", lambda *_: pytest.fail("a draw was made"))
    assert said in refusal("threshold", *options)


def _never_embedded(T, n, sparsity, seed, features):
    at = 0.5 + 0.1 * seed
    states = {"metastable_until": 2.0, "embedded_from": 0.1, "zero_bias": 0.4, "metastable_censored": True}
    return Transition(threshold=at, between=(at, at), repeats=5.0 + seed, **states)


def test_the_command_answers_for_several_sizes_and_writes_them(tmp_path):
    table = tmp_path / "new" / "table.csv"
    options = ("--n", 300, "--sparsity", 0.97, "--draws", 1, "--features", 12)
    found = command.answer("threshold", "--T", "3000,6000", *options, "--csv", table)
    assert [one["equal_energy"] for one in found] == [10, 20]
    assert [one["repeats_interval"]["level"] for one in found] == [0.95, 0.95]
    lines = table.read_text().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("3000,300,0.97,12,1,")
