"""Claims on rings of stored features: true of rings, false of their controls, silent outside their regime."""

import dataclasses
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import Dataset, draw_dataset, measure
from numerics.measurement.observables import fresh_dataset
from theory import Setting
from theory.features.amplitudes import uniform
from theory.features.polygon import polygon
from theory.features.sea import ring_with_sea
from theory.polygon_geometry import polygon_vertices
from verify import check
from verify.claims import feature_claims
from verify.claims.feature_claims import find_ring
from verify.claims.judging import Case
from verify.claims.registry import judge_on
from verify.end_states import Model, sparse_data


def _ring(k, law="uniform", seed=0, noise=0.0):
    """A k-gon of all features, best under a law, disturbed by a share of its length; its data is uniform."""
    numbers, best = np.random.default_rng(seed), polygon(k, law, n=k)
    W = polygon_vertices(k, best.radius_squared)
    W = W + noise * np.sqrt(best.radius_squared / 2) * numbers.normal(size=W.shape)
    b = best.bias + noise * numbers.normal(size=k)
    return Model(W, b), sparse_data(numbers, k, 120 * k, alone=True, law="uniform")


def _judged(model, data):
    found = {one.label: one for one in judge_on(model, data)}
    return found["generalization.ring-gain"], found["generalization.ring-law"]


@pytest.mark.parametrize("k", [5, 6, 7])
def test_the_ring_of_the_law_holds_and_convicts_every_control(k):
    for judgement in _judged(*_ring(k)):
        assert judgement.holds
        assert {control.outcome for control in judgement.controls} == {"fails as it must"}


@settings(max_examples=settings.default.max_examples // 4)
@given(st.integers(5, 7), st.floats(0, 0.01), st.integers(0, 99))
def test_no_stray_is_larger_than_what_it_may_change(k, noise, seed):
    gain, _ = _judged(*_ring(k, noise=noise, seed=seed))
    assert gain.holds is not False, gain
    assert gain.applies or "strays allow" in gain.reason


def test_what_strays_may_change_is_the_bound_derived():
    """Outputs move by e in the mean square, a loss ℓ by 2e√ℓ + e²; in units of E a²."""
    model, data = _ring(6)
    case = Case(Setting(T=data.T, n=6), measure(model, data), 0, (model.W, model.b), data)
    ring = dataclasses.replace(find_ring(case), stray=0.1, bias_stray=0.02)
    energy, loss = np.mean(data.values**2), measure(model, data).train_loss
    moved = 0.1 * np.sqrt(energy) + 0.02
    assert ring.allowed == pytest.approx((2 * moved * np.sqrt(loss) + moved**2) / energy)
    halves = [feature_claims.judge_ring_law([case], rival).value for rival in ("free", "constant")]
    assert min(halves) == pytest.approx(2), "the distance to the nearest law is two halves of itself"


def test_a_ring_is_looked_for_once_in_each_case_and_keeps_none_alive(monkeypatch):
    model, data = _ring(6)
    looked, look = [], feature_claims.find_stored
    monkeypatch.setattr(feature_claims, "find_stored", lambda *given: looked.append(1) or look(*given))
    assert all(judgement.holds for judgement in _judged(model, data))
    assert len(looked) == 1, "two claims and five controls"
    case = Case(Setting(T=data.T, n=6), measure(model, data), 0, (model.W, model.b), data)
    find_ring(case)
    gone = weakref.ref(case)
    del case
    assert gone() is None


def test_a_record_of_another_worth_is_found_out(monkeypatch):
    """A forged measurement, as if the ring kept a hundredth less of its energy."""
    measured = feature_claims._measured
    forge = lambda *given: dataclasses.replace(measured(*given), worth=measured(*given).worth - 0.01)  # noqa: E731
    monkeypatch.setattr(feature_claims, "_measured", forge)
    assert _judged(*_ring(6, noise=1e-4))[0].holds is False


@pytest.mark.parametrize(("law", "rival"), [("free", "zero bias"), ("constant", "constant amplitudes")])
def test_the_ring_of_another_law_is_not_at_the_end_or_violates(law, rival, monkeypatch):
    case = _ring(5, law)
    assert "not at the end of training: descent gains" in _judged(*case)[1].reason
    monkeypatch.setattr(feature_claims, "settled_share", lambda *given: 1.0)
    judgement = _judged(*_ring(5, law))[1]
    assert judgement.holds is False
    outcomes = {control.name: control.outcome for control in judgement.controls}
    assert [rival in name for name, outcome in outcomes.items() if outcome == "not tight enough"] == [True]


_CROWDED = "1 of 600 datapoints have another feature beside a stored one"

#: Changes of W, b and X that leave the regime, and what is said of them.
_OUTSIDE = {
    "one more dimension": (lambda W, b, X: (np.vstack([W, 0 * W[:1]]), b, X), "m = 3"),
    "few datapoints": (lambda W, b, X: (W, b, X[:, :29]), "here m = 2 and T = 29"),
    "nothing stored": (lambda W, b, X: (0.1 * W, 0 * b, X), "0 features are stored"),
    "two at once": (lambda W, b, X: (W, b, np.c_[[0.5, 0.5, 0, 0, 0], X[:, 1:]]), _CROWDED),
    "a crooked ring": (lambda W, b, X: (W * np.linspace(0.9, 1.1, 5), b, X), "strays allow"),
}


@pytest.mark.parametrize("name", _OUTSIDE)
def test_outside_the_regime_nothing_is_judged_and_why_is_said(name):
    change, why = _OUTSIDE[name]
    model, data = _ring(5)
    W, b, X = change(model.W, model.b, data.dense())
    gain, law = _judged(Model(W, b), Dataset.from_dense(X))
    assert not gain.applies
    assert why in gain.reason
    assert not law.applies or name == "a crooked ring"


def test_a_law_is_judged_only_where_laws_differ():
    """Four features stand on one square under every law; constant amplitudes are met by longer rings, too."""
    assert "one 4-gon" in _judged(*_ring(4))[1].reason
    (model, _), X = _ring(6, "constant"), np.eye(6)[:, np.arange(300) % 6]
    short = Model(0.97 * model.W, model.b)
    assert "amplitudes are constant" in _judged(short, Dataset.from_dense(X))[1].reason


def _on(W, b, data, fresh=None):
    """The claims on the sea and on the loss, by the last part of their labels."""
    found = {one.label.partition(".")[2]: one for one in check((W, b), data, test=fresh).claims}
    return [found[name] for name in ("sea-energy", "sea-dimension", "loss-budget")]


@pytest.mark.parametrize(("share", "holds"), [(1.0, True), (0.7, True), (0.3, False)])
def test_the_sea_beside_a_pentagon_is_the_best_one_or_convicts(share, holds):
    """Sixty small columns all around; a sea of all directions has 4 - 5r/2, of which a feature hears half."""
    best = ring_with_sea(5, uniform(), 60)
    r, b = best.radius_squared, np.append(np.full(5, best.bias), np.zeros(60))
    W = np.hstack([polygon_vertices(5, r), polygon_vertices(60, share * (4 - 2.5 * r) / 60)])
    data = sparse_data(np.random.default_rng(0), 65, 2600, alone=True, law="uniform")
    energy, dimension, loss = _on(W, b, data)
    assert (energy.holds, energy.value) == (holds, pytest.approx(2 * (1 - share), abs=1e-9))
    had, best = (1 / (2.5 + part * (2 / r - 1.25)) for part in (share, 1.0))
    assert (dimension.holds, dimension.value) == (holds, pytest.approx(2 * (had - best) / (0.4 - best)))
    outcomes = [[each.outcome == "fails as it must" for each in one.controls] for one in (energy, dimension)]
    assert outcomes == [[share > 0.5, True], [share > 0.5, True, True]]
    assert loss.reason == "needs fresh datapoints"


def test_a_pentagon_and_biases_save_what_the_budget_says():
    """A pentagon with a sea of 55 columns at zero bias, and the mean entry as all other biases, or none of them."""
    data, fresh = draw_dataset(Setting(T=3000, n=300, sparsity=0.97)), fresh_dataset(300, 0.97)
    W = np.hstack([polygon_vertices(5, 1.0), *[polygon_vertices(5, 1.4 / 55)] * 11, np.zeros((2, 240))])
    mean, energy = np.mean(fresh.dense()), np.mean(fresh.dense() ** 2)
    b = np.repeat([-0.1, 0.0, mean], [5, 55, 240])
    loss = _on(W, b, data, fresh)[2]
    saved = (1 - 300 * mean**2 - measure((W, b), data, test=fresh).test_loss) / energy
    assert (loss.holds, loss.rejected, loss.reason.startswith(f"{saved:.4g} ± ")) == (True, 2, True)
    assert _on(W, np.append(b[:5], np.zeros(295)), data, fresh)[2].holds is False
    for few in (Dataset.from_dense(fresh.dense()[:, :100]), fresh_dataset(300, 0.9)):
        assert "needs 1/16 or less" in _on(W, b, data, few)[2].reason


def test_a_pentagon_without_a_sea_of_its_own_or_without_room_is_not_judged():
    """Zeros beside a pentagon are no sea, and the best pentagon of uniform amplitudes alone is too long for one."""
    model, data = _ring(5)
    W, b = model.W, model.b
    X = np.pad(data.dense(), ((0, 60), (0, 0)))
    X = np.hstack([X, np.pad(np.eye(60), ((5, 0), (0, 0)))])
    b, W, bare = np.pad(b, (0, 60)), np.hstack([W, 0.1 * np.eye(2)[:, np.arange(60) % 2]]), np.arange(65) < 5
    assert "0 columns beside the pentagon are not 0" in _on(W * bare, b, X)[0].reason
    assert "leaves a sea no more than 0.575" in _on(W, b, X)[0].reason
    twice = np.eye(65)[:, [5, 5]] * 0.6 + np.eye(65)[:, [6, 6]] * 0.8
    assert "none of several features twice" in _on(W, b, np.hstack([X, twice]))[0].reason
    assert "leaves a sea no more" in _on(W, b, np.hstack([X, twice[:, :1]]))[0].reason
