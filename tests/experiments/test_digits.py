"""Experiment ``digits``: the tables are what networks have, and findings are only what the tables show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments import digits
from experiments.commentary import outcomes
from experiments.digits.collecting import MNIST_FOLDER, _toy, collect_networks
from numerics import train
from numerics.other_models.dense_network import TrainingPlan, train_classifier
from numerics.other_models.digits import Digits, load_mnist
from tests.numerics.other_models.test_digits import mnist  # noqa: F401
from theory import Setting


def _blobs(T=40, side=3):
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, size=T + 20)
    images = random.random((T + 20, side * side)).astype(np.float32)
    images[np.arange(len(labels)), labels % 9] = 1
    return Digits("blobs", side, images[:T], labels[:T], images[T:], labels[T:])


def _plans():
    plan = TrainingPlan(width=12, epochs=(0, 5), batch=10)
    series = [("training", plan), ("size", replace(plan, T=30, epochs=(5,))), ("width", replace(plan, width=6)),
              ("flipped", replace(plan, flipped=0.2))]  # fmt: skip
    return [(name, replace(each, seed=seed)) for name, each in series for seed in (0, 1)]


@pytest.fixture(scope="module")
def tables():
    toy = train([Setting(T=T, n=40, sparsity=0.9, steps=60) for T in (3, 20)], 2, out=None, progress=False)
    losses = pd.DataFrame({"test_loss": [1.2, 1.0, 1.1, 1.0]})
    return collect_networks(_blobs(), _plans()) | {"toy": _toy(toy, losses)}


def test_dimensionalities_add_up_to_the_rank_and_stay_between_their_bounds(tables):
    networks = tables["networks"]
    assert (networks["rank"] <= np.minimum(networks["width"], networks["T"])).all()
    order = networks[["least", "one_percent", "median", "ninety_nine_percent", "largest"]].to_numpy()
    assert (np.diff(order, axis=1) >= 0).all()
    assert order.min() >= 0
    assert order.max() <= 1 + 1e-12
    mean = networks["rank"] / networks["T"]
    assert (networks["least"] <= mean).all()
    assert (networks["largest"] >= mean * (1 - 1e-9)).all()
    counted = tables["distribution"].groupby(["trained", "seed"])["images"].sum()
    assert (counted == 40).all()
    assert (tables["toy"]["least"] <= 1).all()
    assert (tables["toy"]["largest"] <= tables["toy"]["T"] / 2 + 1e-9).all()


def test_an_untrained_network_agrees_with_itself_only(tables):
    networks = tables["networks"].query("series == 'training'")
    assert ((networks["agreement_with_start"] == 1) == (networks["epoch"] == 0)).all()


def test_pictures_are_the_images_they_name(tables):
    shown, source = tables["images"], _blobs()
    assert shown.groupby("group").size().to_dict() == {"highest": 8, "middle": 8, "lowest": 8}
    for _, image in shown.iterrows():
        pixels = np.frombuffer(bytes.fromhex(image["pixels"]), dtype=np.uint8)
        assert (pixels == np.round(source.train_images[image["place"]] * 255)).all()
        assert image["label"] == source.train_labels[image["place"]]
    highest, lowest = (shown[shown["group"] == group]["trained"] for group in ("highest", "lowest"))
    assert highest.min() >= lowest.max()
    assert digits.draw(tables).axes


def test_the_distance_of_a_shown_image_is_ranked_among_all(tables):
    """Against distances found one by one: the share of images that are nearer to another one."""
    images = _blobs().train_images.astype(np.float64)
    apart = np.linalg.norm(images[:, None] - images, axis=2) + np.diag(np.full(len(images), np.inf))
    nearest = apart.min(axis=1)
    for _, image in tables["images"].iterrows():
        below, same = (np.mean(part) for part in (nearest < nearest[image["place"]] - 1e-6,
                                                  np.abs(nearest - nearest[image["place"]]) <= 1e-6))  # fmt: skip
        assert image["distance_percentile"] == pytest.approx(100 * (below + same / 2))


@pytest.mark.parametrize(
    ("highest", "outcome"), [(90, "agrees"), (10, "not decided"), (np.nan, "not tested")]
)
def test_the_tail_is_odd_only_where_its_images_are_far_from_others(tables, highest, outcome):
    percentile = tables["images"]["group"].map({"highest": highest, "middle": 50, "lowest": 50})
    spread = np.resize(np.arange(8), len(percentile))
    found = digits.findings(
        tables | {"images": tables["images"].assign(distance_percentile=percentile + spread)}
    )
    assert outcomes(found)[digits.ODD] == outcome
    tail = next(each for each in found if each.at == "highest D*")
    assert [tail.value, tail.low, tail.high] == pytest.approx(
        [highest + 3.5, highest, highest + 7], nan_ok=True
    )


@pytest.mark.parametrize(
    ("T", "largest", "outcome"), [(40, 0.9, "not tested"), (4000, 0.9, "agrees"), (4000, 0.1, "differs")]
)
def test_outliers_are_judged_only_where_they_could_stand_out_that_far(tables, T, largest, outcome):
    networks = tables["networks"].assign(T=T, rank=12, median=0.01, largest=largest)
    assert outcomes(digits.findings(tables | {"networks": networks}))[digits.FAR] == outcome


@pytest.mark.parametrize(
    ("largest", "outcome"),
    [
        ([1.0, 1.2, 1.5, 30.0], "agrees"),
        ([1.0, 1.2, 1.5, 2.9], "differs"),
        ([40.0, 30.0, 20.0, 9.0], "differs"),
    ],
)
def test_a_transition_of_the_toy_model_is_found_only_where_it_is(tables, largest, outcome):
    toy = [
        {"T": T, "data_seed": seed, "largest": value, "test_loss": loss}
        for T, value, loss in zip((3, 10, 100, 1000), largest, (1.0, 1.1, 50.0, 0.99), strict=True)
        for seed in range(3)
    ]
    found = digits.findings(tables | {"toy": pd.DataFrame(toy)})
    (judged,) = (each for each in found if each.statement == digits.TRANSITION)
    assert judged.outcome == outcome
    assert judged.value == 1000 if outcome == "agrees" else np.isnan(judged.value)
    assert found[-1].at == "T = 100"


def test_the_folder_of_mnist_is_used_where_it_is_given(mnist, monkeypatch):  # noqa: F811
    """Through the environment variable, up to the first snapshot."""
    monkeypatch.setenv(MNIST_FOLDER, str(mnist))
    seen = []
    monkeypatch.setattr("experiments.digits.collecting.collect_networks",
                        lambda found, plans: seen.append(found) or {})  # fmt: skip
    monkeypatch.setattr("experiments.digits.collecting.training_plans", lambda found: [])
    monkeypatch.setattr("experiments.digits.collecting._toy", lambda runs, table: table)
    digits.collect([], pd.DataFrame())
    assert seen[0].name == "MNIST"
    assert (seen[0].train_images == load_mnist(mnist).train_images).all()
    snapshot = next(iter(train_classifier(seen[0], TrainingPlan(width=5, epochs=(0,)))))
    assert snapshot.hidden.shape == (5, 12)
