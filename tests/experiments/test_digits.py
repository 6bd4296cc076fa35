"""Experiment ``digits``: the tables are what networks have, and the page says only what the tables show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments import digits
from experiments.digits.collecting import FLIPPED, MNIST_FOLDER, _toy, collect_networks, training_plans
from numerics import train
from numerics.other_models.dense_network import TrainingPlan, train_classifier
from numerics.other_models.digits import Digits, load_mnist
from tests.numerics.other_models.test_digits import mnist  # noqa: F401
from theory import Setting
from verify.style import render


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
    return collect_networks(_blobs(), _plans(), lambda epochs: None) | {"toy": _toy(toy, losses)}


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
    start = networks[networks["epoch"] == 0]["agreement_with_start"]
    end = networks[networks["epoch"] == 5]["agreement_with_start"]
    assert (start == 1).all()
    assert (end < 1).all()


def test_pictures_are_the_images_they_name(tables):
    shown, source = tables["images"], _blobs()
    assert shown.groupby("group").size().to_dict() == {"highest": 8, "middle": 8, "lowest": 8}
    for _, image in shown.iterrows():
        pixels = np.frombuffer(bytes.fromhex(image["pixels"]), dtype=np.uint8)
        assert (pixels == np.round(source.train_images[image["place"]] * 255)).all()
        assert image["label"] == source.train_labels[image["place"]]
    highest, lowest = (shown[shown["group"] == group]["trained"] for group in ("highest", "lowest"))
    assert highest.min() >= lowest.max()


def test_figure_and_page_come_from_the_tables(tables):
    first, second = (render(digits.draw(tables), "svg") for _ in range(2))
    assert first == second
    text = _said(tables)
    assert "nan" not in text
    assert "blobs: 40 images, 12 hidden units" in text


def test_the_distance_of_a_shown_image_is_ranked_among_all(tables):
    """Against distances found one by one: the share of images that are nearer to another one."""
    images = _blobs().train_images.astype(np.float64)
    apart = np.linalg.norm(images[:, None] - images, axis=2) + np.diag(np.full(len(images), np.inf))
    nearest = apart.min(axis=1)
    for _, image in tables["images"].iterrows():
        below, same = (np.mean(part) for part in (nearest < nearest[image["place"]] - 1e-6,
                                                  np.abs(nearest - nearest[image["place"]]) <= 1e-6))  # fmt: skip
        assert image["distance_percentile"] == pytest.approx(100 * (below + same / 2))


@pytest.mark.parametrize(("highest", "agrees"), [(90, True), (50, False), (10, False)])
def test_the_tail_is_odd_only_where_its_images_are_far_from_others(tables, highest, agrees):
    percentile = tables["images"]["group"].map({"highest": highest, "middle": 50, "lowest": 50})
    spread = np.resize(np.arange(8), len(percentile))
    text = _said(tables | {"images": tables["images"].assign(distance_percentile=percentile + spread)})
    assert f"has the percentile {highest + 3.5:.0f} ({highest} to {highest + 7}), median and range" in text
    assert ("**the tail agrees**" in text) == agrees
    assert ("whether the tail is odd is not decided" in text) == (not agrees)


def test_the_largest_of_narrow_networks_stands_with_its_range(tables):
    networks = tables["networks"].copy()
    narrow = (networks["series"] == "width") & (networks["epoch"] == 5)
    networks.loc[narrow, "largest"] = [0.2, 0.9]
    text = _said(tables | {"networks": networks})
    assert "the largest D* is, from seed to seed, 0.20 to 0.90 at 6 units." in text


def _said(tables):
    """The page's text, without the backslashes that keep its asterisks from being marks."""
    text = digits.describe(tables)
    assert "D*" not in text
    return text.replace("\\*", "*")


def _flipped(tables, before, after):
    rows = [
        {"series": "flipped", "seed": seed, "width": 12, "T": 40, "epoch": epoch, "train_accuracy": 1.0,
         "flipped_above_others": value + 0.01 * seed}
        for seed in range(5)
        for epoch, value in ((0, before), (9, after))
    ]  # fmt: skip
    others = tables["networks"].query("series != 'flipped'")
    return tables | {"networks": pd.concat([others, pd.DataFrame(rows)], ignore_index=True)}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (0.5, 0.95, "**D* finds the memorized images**"),
        (0.5, 0.58, "**D* rises on memorized images, too little to find them by it**"),
        (0.48, 0.48, "**D* does not find the memorized images**"),
        (
            0.9,
            0.9,
            "**D* does not find the memorized images**",
        ),  # as high before training: no effect of memorizing
        (0.5, 0.2, "**D* falls on memorized images**"),
    ],
)
def test_memorized_images_are_found_only_where_training_raises_their_dimensionality(
    tables, before, after, verdict
):
    text = _said(_flipped(tables, before, after))
    verdicts = [line for line in text.split("**") if line.startswith("D* ") and "images" in line]
    assert verdicts == [verdict.strip("*")]


@pytest.mark.parametrize(
    ("largest", "shows"),
    [([1.0, 1.2, 1.5, 30.0], True), ([1.0, 1.2, 1.5, 2.9], False), ([40.0, 30.0, 20.0, 9.0], False)],
)
def test_a_transition_of_the_toy_model_is_described_only_where_it_is(tables, largest, shows):
    toy = [
        {"T": T, "data_seed": seed, "largest": value, "test_loss": loss}
        for T, value, loss in zip((3, 10, 100, 1000), largest, (1.0, 1.1, 50.0, 0.99), strict=True)
        for seed in range(3)
    ]
    text = _said(tables | {"toy": pd.DataFrame(toy)})
    assert ("**the transition shows in D***" in text) == shows
    assert ("**no transition shows in D***" in text) == (not shows)
    assert ("as Hobbhahn reports" if shows else "against what Hobbhahn reports") in text
    assert ("at T = 100; the first T with an uneven D* is the next one" in text) == shows


def test_a_change_by_training_is_not_claimed_within_the_spread_of_seeds(tables):
    networks = tables["networks"].copy()
    same = networks["series"] == "training"
    networks.loc[same, ["largest", "median"]] = [0.9, 0.3]
    text = _said(tables | {"networks": networks})
    assert "epochs, not more than seeds differ;" in text


def test_plans_cover_training_size_width_and_flipped_labels_for_several_seeds():
    plans = training_plans(_blobs())
    for name in ("training", "size", "width", "flipped"):
        assert len({plan.seed for series, plan in plans if series == name}) >= 5
    assert all(plan.flipped == (FLIPPED if name == "flipped" else 0) for name, plan in plans)
    assert all(
        plan.epochs[0] == 0 for name, plan in plans if name != "size"
    )  # each has its control at epoch 0


def test_the_folder_of_mnist_is_used_where_it_is_given(mnist, monkeypatch):  # noqa: F811
    """Through the environment variable, up to the first snapshot."""
    monkeypatch.setenv(MNIST_FOLDER, str(mnist))
    seen = []
    monkeypatch.setattr("experiments.digits.collecting.collect_networks",
                        lambda found, plans, advance: seen.append(found) or {})  # fmt: skip
    monkeypatch.setattr("experiments.digits.collecting.training_plans", lambda found: [])
    monkeypatch.setattr("experiments.digits.collecting._toy", lambda runs, table: table)
    digits.collect([], pd.DataFrame())
    assert seen[0].name == "MNIST"
    assert (seen[0].train_images == load_mnist(mnist).train_images).all()
    snapshot = next(iter(train_classifier(seen[0], TrainingPlan(width=5, epochs=(0,)))))
    assert snapshot.hidden.shape == (5, 12)
