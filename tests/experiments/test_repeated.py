"""Repeated datapoints and forgotten features: what is counted, and pages that say only what the tables show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import forgetting, repeated_history, repeated_many
from experiments.following import at_least_twice, outcomes, standing, stored_features
from experiments.making import gather, page_of, picture, write_experiment
from experiments.registry import EXPERIMENTS, find_experiment
from experiments.repeated_map import collecting as repeated_map_collecting
from experiments.repeated_map.hysteresis import sweep_both_ways, with_copies
from experiments.tables import form_folders, form_of, read_tables
from numerics import Dataset, Run, train
from numerics.data import draw_dataset
from numerics.repetition import Transition
from numerics.sweeps.file import read_sweep
from numerics.training.seeds import train_one
from theory import Setting
from theory.dimensionality import dimensionality

ROOT = Path(__file__).parents[2]

#: Every committed form of an experiment with an animation: its folder.
ANIMATED = [
    folder.relative_to(ROOT).as_posix()
    for each in EXPERIMENTS
    if each.animated
    for folder in form_folders(ROOT / "experiments" / each.folder)
]

_SMALL = "[setting]\nn=40\nsparsity=0.9\nsteps=60\n"
TINY = {
    "repeated-history": f"{_SMALL}T=60\n[grid]\nrepeats=[2, 5]\nseed='0:1'\n",
    "repeated-many": f"{_SMALL}T=60\nrepeats=4\n[grid]\nrepeated_points=[1, 2, 6]\nseed='0:1'\n",
    "repeated-map": f"{_SMALL}[[zip]]\nT=[40, 40, 120]\nrepeats=[2, 6, 3]\n[grid]\nseed='0:1'\n",
    "forgetting": f"{_SMALL}[grid]\nT=[30, 60]\nseed='0:1'\n",
}


def _transition(T, n, sparsity, seed=0, features=120):
    return Transition(
        threshold=1 + 0.1 * seed,
        between=(1 + 0.1 * seed,) * 2,
        metastable_until=2.0,
        embedded_from=0.5,
        zero_bias=1.0,
        repeats=(1 + 0.1 * seed) * T / n,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The tables of each experiment, from a tiny sweep, by name."""
    folder = tmp_path_factory.mktemp("made")
    patch = pytest.MonkeyPatch()
    # in place of minutes: a threshold that is not searched for, short sweeps, few frames
    for module in (repeated_history, repeated_map_collecting):
        patch.setattr(module, "find_transition", _transition)
    patch.setattr(forgetting, "FRAMES", 5)
    patch.setattr(
        repeated_map_collecting,
        "sweep_both_ways",
        lambda run, repeats: sweep_both_ways(run, repeats, steps=20),
    )
    tables = {}
    for name, text in TINY.items():
        file = folder / f"{name}.toml"
        file.write_text(text)
        sweep = read_sweep(file)
        train(sweep.cells, out=folder / "runs", progress=False)
        tables[name] = gather(find_experiment(name), sweep, folder / "runs", source=name)
    patch.undo()
    return tables


@pytest.mark.parametrize("name", TINY)
def test_tables_are_whole_and_make_figure_and_page(name, made):
    experiment, tables = find_experiment(name), made[name]
    assert form_of(tables)["missing"] == "0"
    assert all(len(table.to_csv(index=False)) < 200_000 for table in tables.values())
    assert len(picture(experiment, tables).axes) >= 2
    page = page_of(experiment, {".": tables})
    assert experiment.module.describe(tables) in page
    assert ("(./animation.gif)" in page) is (name == "forgetting")


def test_the_animation_is_written_with_the_figure(made, tmp_path):
    from PIL import Image

    tables = made["forgetting"]
    write_experiment(find_experiment("forgetting"), tables, tmp_path)
    path = tmp_path / "animation.gif"
    assert path.read_bytes() == forgetting.animate(read_tables(tmp_path))
    with Image.open(path) as image:
        assert image.n_frames == tables["frames"]["step"].nunique() > 3


@pytest.mark.parametrize("name", ANIMATED)
def test_a_committed_animation_is_small_and_that_of_its_tables(name):
    from PIL import Image

    folder = ROOT / name
    path = folder / "animation.gif"
    assert path.stat().st_size < 1_500_000
    with Image.open(path) as image:
        assert image.n_frames == read_tables(folder)["frames"]["step"].nunique()


def _run(W, repeats=3, repeated_points=1, T=9, seed=0):
    n = np.shape(W)[1]
    setting = Setting(
        T=T, n=n, sparsity=0.8, repeats=repeats, repeated_points=repeated_points, seed=seed, steps=1
    )
    nothing = np.zeros(0)
    return Run(
        setting, "cpu", "not memorized", np.asarray(W, np.float32), np.zeros(n), nothing.astype(int), nothing
    )


def _pentagon(n=30):
    """Five features on a pentagon that are none of the first datapoint, and that datapoint."""
    W = np.zeros((2, n))
    data = _run(W).data
    own = data.indices[: data.indptr[1]]
    free = np.setdiff1d(np.arange(n), own)[:5]
    angle = 2 * np.pi * np.arange(5) / 5
    W[:, free] = [np.cos(angle), np.sin(angle)]
    return W, own, data.values[: len(own)], free


def test_own_columns_of_an_embedded_point_are_no_stored_features():
    W, own, values, free = _pentagon()
    assert stored_features(W, _run(W)) == 5
    W[:, free[0]] = 0.0
    W[:, own] = np.outer([1.0, 0.0], values)  # the point takes the vertex, by w_k = X_k h
    assert standing(W, _run(W))["length"] == pytest.approx(1.0)
    assert stored_features(W, _run(W)) == 4
    # without repeats the same columns are features like any others
    plain = stored_features(W, _run(W, repeats=1))
    assert plain == 4 + np.sum(np.linalg.norm(W[:, own], axis=0) ** 2 >= 0.5)


def test_an_own_feature_elsewhere_stays_a_feature():
    W, own, values, free = _pentagon()
    weakest = own[np.argmin(values)]
    there, elsewhere = W[:, free[0]].copy(), W[:, free[1]].copy()
    W[:, own] = np.outer(there, values)
    W[:, free[:2]], W[:, weakest] = 0.0, elsewhere
    assert standing(W, _run(W))["length"] > 0.4
    assert stored_features(W, _run(W)) == 3 + 1


def test_standing_counts_copies_once():
    W, own, values, _ = _pentagon()
    W[:, own] = np.outer([1.0, 0.0], values)
    run = _run(W)
    hidden = run.data.project(W)
    expected, with_copies_counted = dimensionality(hidden[:, 2:]), dimensionality(hidden)
    stands = standing(W, run)
    assert stands["dimensionality"] == expected[0] > with_copies_counted[0]
    assert stands["rank"] == np.mean(expected > expected[0])
    assert stands["largest_other"] == expected[1:].max()


def test_twice_means_neighbours():
    assert not at_least_twice([True, False, True])
    assert not at_least_twice([True])
    assert at_least_twice(np.array([False, True, True]))


def test_copies_are_taken_away_and_nothing_else():
    data = draw_dataset(Setting(T=12, n=30, sparsity=0.9, repeats=5, seed=2))
    for wanted in (1, 3, 5):
        fewer = with_copies(data, 5, wanted)
        assert fewer.T - wanted == 7
        assert np.array_equal(fewer.dense(), data.dense()[:, 5 - wanted :])
    assert with_copies(data, 5, 5).digest() == data.digest()
    with pytest.raises(ValueError, match=r"1\.\.5"):
        with_copies(data, 5, 6)
    with pytest.raises(ValueError, match="not equal"):
        with_copies(Dataset.from_dense([[1.0, 0.5], [0.0, 0.5]]), 2, 1)


def test_a_sweep_goes_down_and_up_and_every_step_starts_from_the_one_before():
    run = train_one(Setting(T=30, n=40, sparsity=0.9, repeats=4, steps=50))
    swept = sweep_both_ways(run, [1, 2, 4], steps=30)
    assert list(swept["direction"]) == ["down"] * 3 + ["up"] * 3
    assert list(swept["repeats"]) == [4, 2, 1, 1, 2, 4]
    cold = train_one(run.setting.replace(steps=30))
    assert swept["train_loss"].iloc[0] < cold.history_loss[-1]


def _history(lengths, repeats=5, seed=0, stored=4.0, rank=0.0):
    steps = np.arange(len(lengths)) * 10
    return pd.DataFrame(
        {
            "step": steps,
            "dimensionality": 0.1,
            "rank": rank,
            "length": lengths,
            "largest_other": 0.05,
            "stored": np.where(steps > 0, stored, 0.0),
            "repeats": repeats,
            "seed": seed,
        }
    )


def _theory(threshold=2.0):
    return pd.DataFrame(
        {
            "draw": [0, 1],
            "threshold": [threshold, 1.1 * threshold],
            "between_low": [threshold, 1.1 * threshold],
            "between_high": [threshold, 1.1 * threshold],
            "metastable_until": [3.0, 3.0],
            "metastable_censored": [threshold > 5, False],
        }
    )


def test_a_replaced_feature_is_described():
    parts = [_history([0, 0.1, 1, 1], 5, seed, 4) for seed in range(4)]
    parts += [_history([0, 0.1, 0.1, 0.1], 2, seed, 5) for seed in range(4)]
    text = repeated_history.describe({"history": pd.concat(parts), "theory": _theory()})
    assert (
        "embedded: 4 in all 4 runs; without: 5 in all 4 runs: **the point replaces about one feature**"
        in text
    )
    assert "embedded in 4 of 4 seeds" in text
    assert (
        "4 had it so before three features were stored" not in text
    )  # they are stored from the first step on
    assert "0 had it so before three features were stored, 4 after, 0 at the same snapshot" in text
    assert "below 5" in text
    assert "until R = 3" in text
    assert "**No near miss**" in text


def test_without_a_lost_feature_none_is_said_to_be_replaced():
    parts = [_history([0, 0.1, 1, 1], 5, seed, 5) for seed in range(4)]
    parts += [_history([0, 0.1, 0.1, 0.1], 2, seed, 5) for seed in range(4)]
    text = repeated_history.describe({"history": pd.concat(parts), "theory": _theory(6.0)})
    assert "does not show that the point replaces one feature" in text
    assert "replaces about one" not in text
    assert "not clearly below 5" in text
    assert "until R ≥ 3" in text


@pytest.mark.parametrize(
    ("low", "high", "bounded", "median"),
    [(0.0, 0.5, "draw 1: R < 0.5", "R = 2 "), (3.0, np.inf, "draw 1: R > 3", "R = 2.2 ")],
)
def test_a_draw_without_a_threshold_counts_by_what_bounds_it(low, high, bounded, median):
    three = pd.concat([_theory(), _theory().tail(1)], ignore_index=True)
    open_one = three.assign(
        threshold=three["threshold"].where(three.index != 1),
        between_low=three["between_low"].where(three.index != 1, low),
        between_high=three["between_high"].where(three.index != 1, high),
    )
    history = _history([0, 0.1, 1, 1])
    text = repeated_history.describe({"history": history, "theory": open_one})
    assert "In 1 of 3 draws the losses of the two states do not cross where both exist" in text
    assert bounded in text
    assert f"the threshold at {median}(median; 2 to 2.2 over draws)" in text
    assert ("not clearly below 5" in text) is bool(np.isinf(high))
    assert "do not cross" not in repeated_history.describe({"history": history, "theory": three})


@pytest.mark.parametrize(
    ("lengths", "rank", "missed", "by_length"),
    [
        ([0, 1, 1, 0.1], 0.0, True, True),
        ([0, 1, 1, 0.3], 0.0, True, False),  # not short enough to be dropped by length alone
        ([0, 1, 0.1, 0.1], 0.0, False, False),  # one snapshot is no stay
        ([0, 0.1, 1, 1], 0.0, False, False),  # it stays
        ([0, 0.3, 0.3, 0.1], 0.0, False, False),  # it was never long
        ([0, 1, 1, 0.1], 0.5, False, True),  # nor among the first
    ],
)
def test_near_misses_are_told_from_the_rest(lengths, rank, missed, by_length):
    history = _history(lengths, rank=rank)
    end = outcomes(history).iloc[0]
    assert bool(end["near_miss"]) is missed
    assert bool(end["near_by_length"]) is by_length
    text = repeated_history.describe({"history": history, "theory": _theory()})
    assert ("**Near misses are there**" in text) is missed
    assert ("**No near miss**" in text) is not missed
    assert ("By length alone there is none" in text) is not by_length
    assert text.count("ends at 0.10") <= 1


def test_both_criteria_are_given():
    """A long point that is not among the first is embedded, and counted apart."""
    parts = [_history([0, 1, 1], 5, seed, 4, rank=0.002 * (seed == 1)) for seed in range(4)]
    parts += [_history([0, 1, 1], 2, seed, 4, rank=0.002 * (seed > 0)) for seed in range(4)]
    text = repeated_history.describe({"history": pd.concat(parts), "theory": _theory()})
    assert (
        "embedded in 4 of 4 seeds (40% to 100%, Clopper–Pearson), as published, and in 3 among the first"
        in text
    )
    assert "half of the seeds embed it is 2; by D_X, 5." in text
    assert "| 2 | 4/4 | 1/4 |" in text
    assert "have a larger D_X, here none." in text
    assert "here none" not in repeated_history.describe(
        {"history": parts[0].assign(rank=5e-4), "theory": _theory()}
    )
    assert (
        "8 runs that end with the point embedded, 0 had it so before three features were stored, 0 after, 8 at"
        in text
    )


@pytest.mark.parametrize(
    ("lost", "other", "verdict"),
    [
        ([0, 0.1, 0.1, 0.1], [0, 0.1, 1, 1], "about the threshold: not seen."),
        ([0, 0.1, 0.1, 0.1], [0, 0.1, 0.1, 0.1], "about the threshold: not tested."),
        ([0, 1, 1, 0.1], [0, 0.1, 1, 1], "about the threshold: agrees only by length."),
    ],
)
def test_near_misses_are_held_against_the_published_ones(lost, other, verdict):
    history = pd.concat([_history(lost, rank=0.5), _history(other, seed=1, rank=0.5)])
    assert verdict in repeated_history.describe({"history": history, "theory": _theory()})


def _many(stored, embedded=lambda k, seed: min(k, 5)):
    rows = [
        {"repeated_points": k, "seed": seed, "embedded": embedded(k, seed), "vertices": min(k, 5), "stored": stored(k),
         "stored_with_own": stored(k)}
        for k in range(1, 9)
        for seed in range(3)
    ]  # fmt: skip
    return {"runs": pd.DataFrame(rows)}


def test_points_that_replace_features_are_described():
    text = repeated_many.describe(_many(lambda k: max(5 - k, 0)))
    assert "**each point replaces a feature**" in text
    assert (
        "(9 runs; published: 5 are embedded, all features suppressed): **agrees**, both in 9 runs, the former"
        in text
    )
    assert "add up to 5 in all 24 runs" in text
    assert "| 2 | 3 | 2 | 2 | 3 | 3 |" in text
    assert "share vertices" not in text


@pytest.mark.parametrize(
    ("stored", "says"),
    [(lambda k: 5, "**features do not give way**"), (lambda k: max(5 - k // 2, 1), "not one for each point")],
)
def test_features_that_stay_are_not_described_as_replaced(stored, says):
    text = repeated_many.describe(_many(stored))
    assert says in text
    assert "**each point replaces a feature**" not in text
    assert "**agrees in part**, both in 0 runs, the former in 9, the latter in 0" in text
    tables = _many(stored, lambda k, _: k)
    assert "**differs**, both in 0 runs, the former in 0, the latter in 0" in repeated_many.describe(tables)


def test_runs_that_spread_widely_decide_nothing():
    runs = _many(lambda k: 5)["runs"]
    text = repeated_many.describe({"runs": runs.assign(stored=np.where(runs["seed"] == 1, 0, 5))})
    assert "change by 0.00 for each point (t interval -" in text
    assert "these runs do not decide whether each replaces one" in text


@pytest.mark.parametrize(("seeds", "verdict", "both"), [(1, "agrees in part", 6), (2, "agrees in part", 3)])
def test_more_than_five_embedded_points_are_no_agreement(seeds, verdict, both):
    tables = _many(lambda k: max(5 - k, 0), lambda k, seed: min(k, 6 if seed < seeds else 5))
    text = repeated_many.describe(tables)
    assert f"**{verdict}**, both in {both} runs" in text
    assert f"in {9 - both} of the {9 - both} with more points they share vertices" in text
    assert f"| 8 | 3 | {5 + seeds / 3:.2f} (5 to 6) | 5 | 0 | 0 |" in text
    assert repeated_many.draw(tables | {"points": _clouds()}).axes[0].get_ylim()[0] == -0.3


def _clouds():
    return pd.DataFrame({"repeated_points": 1, "kind": ["hidden", "feature", "repeated"], "x": 1.0, "y": 1.0})


def test_vertices_are_directions():
    angle = np.radians([0, 5, 90, 200, 355])
    assert repeated_many.vertices(np.array([np.cos(angle), np.sin(angle)])) == 3
    assert repeated_many.vertices(np.zeros((2, 0))) == 0
    assert repeated_many.vertices(np.ones((2, 4))) == 1
