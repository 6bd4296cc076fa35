"""What the notes say about codes and dimensionalities of trained models turns with the numbers in the tables."""

import functools
import math

import numpy as np
import pytest

from experiments.codes.section import codes_section
from experiments.decay_budget.dimensionality import dimensionality_section
from experiments.decay_budget.section import read_trained
from theory import Setting
from theory.codes.programme import memorization_code
from theory.dimensionality import dimensionality

from .test_notes_sweeps import ROOT, written

SIZES = [(3, 5), (3, 6), (4, 5)]


@functools.cache
def the_code(T, m):
    return memorization_code(T, m, starts=2)


def coded(above, sizes=SIZES, seeds=3, error=1e-12, decay=0.3, shared=0.0):
    """Runs whose energy is that of the code, raised by the share `above`, a little more in each seed."""
    for m, T in sizes:
        code = the_code(T, m)
        for seed in range(seeds):
            setting = Setting(T=T, m=m, weight_decay=decay, seed=seed)
            observed = {
                "energy": code.energy * (1 + above * (1 + 0.1 * seed)),
                "worst_point_error": error,
                "shared_features": shared,
                "length_jump": 1.0,
                "largest_data_dimensionality": float(dimensionality(code.hidden).max()) * (1 + above),
            }
            yield setting, "memorized", observed


def codes_text(folder, runs):
    written(folder, "codes", runs)
    return codes_section(folder).text


def test_runs_just_above_the_code_agree_and_refute_the_code_of_one_point_more(tmp_path):
    text = codes_text(tmp_path, coded(0.00123))
    assert "None of 9 runs has less energy than the code" in text
    assert "the best seeds end 0.12 % to 0.12 % above it, the median ones 0.14 % to 0.14 %" in text
    assert "is refuted as a lower bound in 3 of 3 rows." in text
    assert "Training finds unequal lengths where they are shorter (T = 5 with m = 3;" in text
    assert "lie 3 of 3 at τ = 7.5" in text
    (table,) = codes_section(tmp_path).tables
    assert [row[:2] for row in table.rows] == [("3", "5"), ("3", "6"), ("4", "5")]
    assert {row[table.columns.index("ratio")] for row in table.rows} == {"1.0012"}


def test_runs_far_above_refute_nothing_and_it_is_said(tmp_path):
    text = codes_text(tmp_path, coded(1.0))
    assert "is refuted as a lower bound in 0 of 3 rows; in the others runs end too far above" in text
    assert "Training does not find unequal lengths" in text


def test_a_run_below_a_theorem_is_forbidden_and_one_below_a_found_code_is_a_better_one(tmp_path):
    text = codes_text(tmp_path, coded(-0.01))
    assert "9 of 9 runs have less energy than the code, which the theorem forbids: T = 5 with m = 3" in text
    text = codes_text(tmp_path, coded(-0.01, sizes=[(3, 7)]))
    assert "so a shorter code exists than the one found: T = 7 with m = 3." in text


def test_a_run_may_lie_below_by_what_its_error_allows(tmp_path):
    """1 − 2√ε of the least energy: 1 % for ε = 2.5e-5."""
    assert "None of 9 runs" in codes_text(tmp_path, coded(-0.008, error=2.5e-5))
    assert "9 of 9 runs have less energy" in codes_text(tmp_path, coded(-0.011, error=2.5e-5))


def test_runs_on_data_with_shared_features_are_not_judged(tmp_path):
    text = codes_text(tmp_path, coded(-0.5, shared=2.0))
    assert "No seed memorized such data" in text
    (table,) = codes_section(tmp_path).tables
    assert {row[table.columns.index("orthonormal")] for row in table.rows} == {"0"}


def test_the_committed_table_is_that_of_its_sweep_and_no_run_beats_a_code():
    from numerics.sweeps.file import read_sweep

    folder = ROOT / "experiments"
    runs, missing = read_trained(folder / "codes" / "runs.csv")
    assert missing == 0
    assert {run.setting for run in runs} == set(read_sweep(folder / "codes.toml").cells)
    for run in runs:
        if run.status == "memorized" and run.observed["shared_features"] == 0:
            least = the_code(run.setting.T, run.setting.m).energy
            assert run.observed["energy"] >= (1 - 2 * math.sqrt(run.observed["worst_point_error"])) * least


# Dimensionality


def test_the_largest_dimensionality_is_laid_beside_that_of_the_code(tmp_path):
    written(tmp_path, "codes", coded(0.0234))
    section = dimensionality_section(tmp_path)
    assert "within 1 % of that in 0 of 3 rows" in section.text
    assert "farthest off, by 2.3 %" in section.text
    written(tmp_path, "codes", coded(0.002))
    assert "within 1 % of that in 3 of 3 rows" in dimensionality_section(tmp_path).text
    written(tmp_path, "codes", coded(0.0, sizes=[(2, 8)]))
    (table,) = dimensionality_section(tmp_path).tables
    assert table.rows[0][table.columns.index("of the code")] == "0.25"


def test_two_circles_in_the_plane_are_left_out(tmp_path):
    runs = [
        (one, status, seen | {"length_jump": 1.2}) for one, status, seen in coded(0.0, sizes=[(2, 8), (3, 5)])
    ]
    written(tmp_path, "decay-budget", runs)
    (table,) = dimensionality_section(tmp_path).tables
    assert [row[:2] for row in table.rows] == [("3", "5")]


@pytest.mark.parametrize(("stretch", "verdict"), [(1.0, "none is above 2"), (1.2, "none is above 2")])
def test_sums_are_laid_beside_the_rank(tmp_path, stretch, verdict):
    """Σ D_X is 2 on a regular polygon and less on one that is stretched."""
    angle = 2 * np.pi * np.arange(5) / 5
    lines = ["T,m,run,seed,kind,x,y"]
    lines += [f"5,2,memorized,0,hidden,{stretch * math.cos(one):.5f},{math.sin(one):.5f}" for one in angle]
    lines += ["5,2,memorized,0,predicted,9,9"]
    (tmp_path / "compare").mkdir()
    (tmp_path / "compare" / "hidden_vectors.csv").write_text("\n".join(lines) + "\n")
    section = dimensionality_section(tmp_path)
    assert (
        f"of 1 models in the plane whose hidden vectors `tgon compare` wrote down, {verdict}" in section.text
    )
    assert not section.tables
    total = float(section.text.split("sums are ")[1].split(" to ")[0])
    assert (total == 2.0) == (stretch == 1.0)
