"""The sections about trained models: what they say follows from the numbers in the table, and turns with them."""

import csv
import math
from pathlib import Path

import pytest

from experiments.decay_budget.section import decay_section, read_trained
from experiments.polish.section import polish_section
from experiments.sea.features import embedded, repeated_section, ring_of, sea_section, setting_law
from numerics.measurement.observables import OBSERVABLES
from tgon.cli.polish import COLUMNS
from theory import Setting
from theory.memorization.tgon import tgon_energy

ROOT = Path(__file__).parent.parent.parent


def written(folder, name, runs):
    """A sweep's table as `tgon sweep --table` writes it: (setting, status, observables) for each row."""
    path = folder / name / "runs.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        names = [*Setting(T=1).as_dict(), "engine", "status", "reason", *OBSERVABLES]
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for setting, status, observed in runs:
            writer.writerow(setting.as_dict() | {"engine": "cpu", "status": status, "reason": ""} | observed)


# Excess and success


def polygons(falls, seeds=6, T=5, jump=1.01, status="memorized"):
    """Runs whose excess at the k-th budget is e^{-falls[k]} of 10 %, a little different in each seed."""
    for wd, fall in falls.items():
        for seed in range(seeds):
            setting = Setting(T=T, weight_decay=wd, seed=seed)
            excess = 0.1 * (1 + 0.02 * seed) * math.exp(-fall)
            energy = tgon_energy(T) * (1 + excess) ** 2
            yield setting, status, {"energy": energy, "shared_features": 0.0, "length_jump": jump}


def budget(weight_decay):
    return Setting(T=5, weight_decay=weight_decay).decay_budget


def test_a_fall_like_the_hypothesis_agrees_and_others_do_not(tmp_path):
    """Rates in units of τ: 1 from the first budget to the second, then a half, then growth."""
    falls = {0.01: 0.0, 0.02: budget(0.01)}
    falls[0.04] = falls[0.02] + 0.5 * budget(0.02)
    falls[0.08] = falls[0.04] - 0.1 * budget(0.04)
    written(tmp_path, "decay-budget", polygons(falls))
    section = decay_section(tmp_path)
    assert [row[-1] for row in section.tables[1].rows] == ["agrees", "slower", "it grows"]
    assert (
        "within 1 of the 3 intervals below; the excess falls faster in 0, slower in 1, and grows in 1"
        in section.text
    )
    written(tmp_path, "decay-budget", polygons({0.01: 0.0, 0.02: 2 * budget(0.01)}))
    assert [row[-1] for row in decay_section(tmp_path).tables[1].rows] == ["faster"]


def test_two_circles_and_shared_features_are_no_excess(tmp_path):
    written(tmp_path, "decay-budget", polygons({0.01: 0.0, 0.02: 0.25}, jump=1.2))
    section = decay_section(tmp_path)
    assert len(section.tables) == 1
    assert [row[4:] for row in section.tables[0].rows] == [("6", "–", "–", "–", "0")] * 2
    shared = ((one, status, seen | {"shared_features": 1.0}) for one, status, seen in polygons({0.01: 0.0}))
    written(tmp_path, "decay-budget", shared)
    assert [row[-1] for row in decay_section(tmp_path).tables[0].rows] == ["0"]


def test_the_share_that_memorizes_is_compared_by_intervals(tmp_path):
    some = [*polygons({0.01: 0.0}, seeds=20), *polygons({0.5: 0.0}, seeds=20, status="not memorized")]
    written(tmp_path, "decay-budget", some)
    assert "fewer seeds memorize under the strongest decay" in decay_section(tmp_path).text
    written(tmp_path, "decay-budget", polygons({0.01: 0.0, 0.5: 0.0}, seeds=20))
    assert "decay makes no difference to the share" in decay_section(tmp_path).text


# The sea


def rings(gains, n=300, T=3000, loss=0.95):
    """Runs by start: {start: (ring, gain over the first, seeds)}."""
    for start, (k, gain, seeds) in gains.items():
        for seed in range(seeds):
            setting = Setting(T=T, n=n, sparsity=0.97, start=start, seed=seed)
            seen = {
                "train_loss": loss - gain / n,
                "test_loss": 0.97,
                "ring_columns": k,
                "ring_jump": 3.0 if k else 1.1,
                "ring_radius_squared": 1.0,
                "ring_bias": -0.1,
                "sea_energy": 0.9,
                "sea_anisotropy": 0.1,
                "sea_passing": 0.5,
            }
            yield setting, "not memorized", seen


@pytest.mark.parametrize(
    ("hexagon", "words"),
    [
        (-0.5, "the pentagon with its sea beats larger rings: it is ahead in 4 of 4 seeds, by 0.5"),
        (0.5, "larger rings beat the pentagon with its sea: it is ahead in 0 of 4 seeds, by −0.5"),
    ],
)
def test_the_better_ring_is_named_by_the_numbers(tmp_path, hexagon, words):
    written(
        tmp_path, "sea", rings({"pentagon": (5, 0.0, 4), "hexagon": (6, hexagon, 4), "xavier": (0, 1.0, 4)})
    )
    section = sea_section(tmp_path)
    assert words in section.text
    law = setting_law(300, 0.97)
    assert f"{law[5] - law[6]:.3f}" in section.text
    by_start = {row[1]: row for row in section.tables[0].rows}
    assert list(by_start) == ["xavier", "pentagon", "hexagon"]
    assert by_start["xavier"][2] == "no ring: 4"
    assert by_start["hexagon"][2] == "6: 4"


@pytest.mark.parametrize(
    ("measured", "words"),
    [((0.9, 0.9), "puts too large"), ((9.0, 9.0), "puts too small"), ((0.9, 9.0), "straddles")],
)
def test_the_law_of_the_sea_is_judged_by_the_numbers(tmp_path, measured, words):
    """At r = 1 it gives q = 1.70 beside a pentagon."""
    runs = []
    for seed, q in enumerate(measured):
        setting, status, seen = next(iter(rings({"pentagon": (5, 0.0, 1)})))
        runs.append((setting.replace(seed=seed), status, seen | {"sea_energy": q}))
    written(tmp_path, "sea", runs)
    text = sea_section(tmp_path).text
    assert f"The law {words} the sea beside a pentagon" in text
    assert "so the scales are not separated" in text


def test_rings_that_differ_among_seeds_are_not_told_apart(tmp_path):
    runs = [*rings({"pentagon": (5, 0.0, 4)})]
    for seed, gain in enumerate((-0.5, 0.5, -0.4, 0.4)):
        setting, status, seen = next(iter(rings({"hexagon": (6, gain, 1)})))
        runs.append((setting.replace(seed=seed), status, seen))
    written(tmp_path, "sea", runs)
    assert "cannot be told apart: it is ahead in 2 of 4 seeds" in sea_section(tmp_path).text


def test_a_hexagon_that_became_a_pentagon_is_counted(tmp_path):
    written(tmp_path, "sea", rings({"pentagon": (5, 0.0, 3), "hexagon": (5, 0.0, 3)}))
    text = sea_section(tmp_path).text
    assert "no seed has both a pentagon and a larger ring" in text
    assert "3 of the runs that began as hexagons or heptagons became pentagons" in text


# Repeated points


def repeated(outcomes, n=300, T=3000):
    """Runs by R: whether each seed embeds the point."""
    for R, seeds in outcomes.items():
        for seed, stored in enumerate(seeds):
            setting = Setting(T=T, n=n, sparsity=0.97, repeats=R, seed=seed)
            length = {"repeated_hidden_length": 20.0 if stored else 2.0, "median_hidden_length": 0.05}
            yield setting, "not memorized", length | {"repeated_dimensionality_rank": 0.0 if stored else 0.4}


def model(folder, low, high):
    """A threshold table with the interval low … high in units of T/n = 10."""
    head = "T,n,sparsity,equal_energy,boundary,low,high,metastable_until"
    row = f"3000,300,0.97,10,{5 * (low + high)},{10 * low},{10 * high},11"
    (folder / "repeated-threshold" / "threshold.csv").write_text(f"{head}\n{row}\n")


def test_the_boundary_of_repeats_is_fitted_and_laid_beside_the_model(tmp_path):
    outcomes = {2: "0000", 3: "1000", 4: "1100", 6: "1110", 8: "1111"}
    written(
        tmp_path,
        "repeated-threshold",
        repeated({R: [one == "1" for one in row] for R, row in outcomes.items()}),
    )
    text = repeated_section(tmp_path).text
    assert "Up to R n/T = 0.2 no run embeds the point, from R n/T = 0.8 on all do." in text
    assert "which holds the published 0.4" in text
    assert "No threshold of the numerical model is on record" in text
    for ends, words in (
        ((0.3, 0.5), "agrees: the intervals meet"),
        ((0.01, 0.02), "puts it lower than training does"),
        ((3.0, 4.0), "puts it higher than training does"),
    ):
        model(tmp_path, *ends)
        assert words in repeated_section(tmp_path).text
    shares = [row[3] for row in repeated_section(tmp_path).tables[0].rows]
    assert shares == ["0/4", "1/4", "2/4", "3/4", "4/4"]


def test_outcomes_that_all_change_at_one_place_have_a_bracket(tmp_path):
    written(tmp_path, "repeated-threshold", repeated({5: [False] * 4, 6: [True] * 4}))
    text = repeated_section(tmp_path).text
    assert "thresholds of all seeds lie between 0.5 and 0.6" in text
    assert "which leaves out the published 0.4" in text
    written(tmp_path, "repeated-threshold", repeated({3: [False] * 2, 4: [False, True], 6: [True] * 2}))
    text = repeated_section(tmp_path).text
    assert "thresholds of all seeds lie between 0.3 and 0.6, which holds the published 0.4" in text


def test_a_long_point_of_small_dimensionality_is_not_embedded(tmp_path):
    (run,) = repeated({6: [True]})
    for change, stored in (
        ({}, True),
        ({"repeated_dimensionality_rank": 0.01}, False),
        ({"repeated_hidden_length": 3.0}, False),
    ):
        written(tmp_path, "repeated-threshold", [(run[0], run[1], run[2] | change)])
        (found,), _ = read_trained(tmp_path / "repeated-threshold" / "runs.csv")
        assert embedded(found) is stored


# Polish


def polished(folder, ratios, refused=0):
    """A table of `tgon polish --table`: one model of T = 8 for each ratio after polishing, then refused ones."""
    path = folder / "polish" / "polished.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        known = {"T": 8, "diagnosis_before": "two circles"}
        for ratio in ratios:
            end = "regular T-gon" if ratio == 1 else "irregular polygon"
            ends = {"ratio_before": 1.5, "ratio_after": ratio, "diagnosis": end, "keeps_order": True}
            writer.writerow(known | ends)
        writer.writerows([known | {"reason": "datapoints 1 and 2 share a feature"}] * refused)


def test_where_polishing_ends_is_told_by_the_numbers(tmp_path):
    polished(tmp_path, [1.0, 1.0, 1.0], refused=1)
    section = polish_section(tmp_path)
    assert "All 3 on data without a shared feature land on the least norm" in section.text
    assert "3 that were two circles" in section.text
    assert section.tables[0].rows == (("8", "two circles", "4", "1.5 to 1.5", "3", "3", "0", "1"),)
    polished(tmp_path, [1.0, 1.00001])
    text = polish_section(tmp_path).text
    assert "Of the 2 on data without a shared feature 1 land" in text
    assert "others: irregular polygon at T = 8" in text
    polished(tmp_path, [], refused=2)
    assert "No model was polished" in polish_section(tmp_path).text


# Tables


def test_rows_without_a_run_are_left_out_and_counted(tmp_path):
    runs = [
        *polygons({0.01: 0.0}),
        (Setting(T=5, seed=99), "left", {}),
        (Setting(T=5, seed=98), "failed", {}),
    ]
    written(tmp_path, "decay-budget", runs)
    found, missing = read_trained(tmp_path / "decay-budget" / "runs.csv")
    assert (len(found), missing) == (6, 2)
    assert "2 of its cells are not trained yet" in decay_section(tmp_path).text


def test_a_preview_is_called_one(tmp_path):
    (tmp_path / "sea.toml").write_text(
        '[setting]\nn = 1000\nT = 3000\nsparsity = 0.97\n[grid]\nseed = "0:3"\nstart = ["pentagon", "hexagon"]\n'
        "[preview.setting]\nn = 300\n"
    )
    written(tmp_path, "sea", rings({"pentagon": (5, 0.0, 4)}))
    assert "sea.toml --preview" in sea_section(tmp_path).text
    written(tmp_path, "sea", rings({"pentagon": (5, 0.0, 4)}, n=1000))
    assert "preview" not in sea_section(tmp_path).text


def test_without_tables_there_are_no_sections(tmp_path):
    sections = (decay_section, sea_section, repeated_section, polish_section)
    assert [section(tmp_path) for section in sections] == [None] * 4


@pytest.mark.parametrize("name", ["decay-budget", "sea", "repeated-threshold"])
def test_committed_tables_are_those_of_their_sweep(name):
    """Every row of a committed table is a cell of the sweep file, full or preview."""
    from numerics.sweeps.file import read_sweep

    path = ROOT / "experiments" / name
    runs, _ = read_trained(path / "runs.csv")
    sweeps = [read_sweep(path.with_suffix(".toml"))]
    sweeps += [read_sweep(path.with_suffix(".toml"), form="preview")] if name != "decay-budget" else []
    forms = [set(sweep.cells) for sweep in sweeps]
    assert runs
    assert any({run.setting for run in runs} <= cells for cells in forms)
    assert name != "sea" or any(ring_of(run) for run in runs)
