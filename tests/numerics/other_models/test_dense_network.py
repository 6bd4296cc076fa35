"""The classifier: its snapshots are those of one training run, and its random choices are independent draws."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from numerics.other_models.dense_network import TrainingPlan, flip_labels, train_classifier
from numerics.other_models.digits import Digits


def _stripes(T=60, side=4, seed=0):
    """Ten classes that are easy to tell: each lights its own pixel, over some noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, size=2 * T)
    images = 0.2 * random.random((2 * T, side * side))
    images[np.arange(2 * T), labels] = 1
    images = images.astype(np.float32)
    return Digits("stripes", side, images[:T], labels[:T], images[T:], labels[T:])


PLAN = TrainingPlan(width=30, epochs=(0, 2, 40), batch=10, lr=5e-3)


def test_it_learns_and_hidden_vectors_are_relu_activations():
    start, early, end = train_classifier(_stripes(), PLAN)
    assert start.train_loss > early.train_loss > end.train_loss
    assert end.train_accuracy == 1
    assert end.test_accuracy > 0.9 > start.test_accuracy  # chance is 0.1
    for snapshot in (start, early, end):
        assert snapshot.hidden.shape == (30, 60)
        assert snapshot.hidden.min() == 0 < snapshot.hidden.max()


def test_snapshots_do_not_disturb_the_training():
    """The same bits whatever is looked at on the way, and another seed gives others."""
    digits = _stripes()
    *_, end = train_classifier(digits, PLAN)
    (alone,) = train_classifier(digits, replace(PLAN, epochs=(40,)))
    (other,) = train_classifier(digits, replace(PLAN, epochs=(40,), seed=1))
    assert (end.hidden == alone.hidden).all()
    assert (end.hidden != other.hidden).any()


def test_the_start_does_not_depend_on_the_labels():
    """The control that untrained networks are: replaced labels cannot show in them."""
    digits = _stripes()
    plans = replace(PLAN, flipped=0.0), replace(PLAN, flipped=0.3)
    clean, flipped = (next(iter(train_classifier(digits, plan))) for plan in plans)
    assert (clean.hidden == flipped.hidden).all()
    assert flipped.flipped.sum() == 18


def test_a_subset_keeps_image_and_label_together():
    digits = _stripes()
    (part,) = train_classifier(digits, replace(PLAN, T=25, epochs=(40,)))
    assert part.hidden.shape[1] == 25
    assert part.train_accuracy == 1
    assert part.test_accuracy > 0.5  # with labels of other images it would be the 0.1 of chance


@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    share=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_flipped_labels_are_others_and_the_rest_are_kept(labels, share, seed):
    before = np.array(labels, dtype=np.int64)
    after, flipped = flip_labels(before, share, seed)
    assert flipped.sum() == round(share * len(labels))
    assert ((after != before) == flipped).all()
    assert after.min() >= 0
    assert after.max() <= 9
