"""The generalization scale of a curve, how it moves, and the map over T and m: laws, and outcomes both ways."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import heat_map, scale_decay, scale_sparsity
from experiments.commentary import outcomes
from experiments.crossing import crossing, slope_interval
from experiments.scale_decay import STAYS
from experiments.scale_sparsity import COLLAPSE
from theory import Setting

SIZES = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def _curve(scale, plateau=0.4, sizes=SIZES):
    """A rise that is linear in log T from 0 to the plateau over a factor of 100, half of it at ``scale``."""
    return np.clip(0.5 + np.log(np.array(sizes) / scale) / np.log(100), 0, 1) * plateau


@given(st.floats(200, 400), st.floats(0.2, 1), st.floats(1e-3, 1e3))
def test_a_line_in_log_t_is_crossed_where_it_is_and_scales_with_t(scale, plateau, factor):
    """Half the plateau lies between two T of 0.09 plateaus and more apart; ln T ≤ 15 has a few eps, times 1/0.09."""
    sizes = np.array([scale / 10, 55.0, 100.0, 160.0, 460.0, 5000.0])
    curve = _curve(scale, plateau, sizes)
    rounding = 64 * 2.0**-52 * 15 / 0.09
    found = crossing(sizes.tolist(), curve.tolist())
    assert abs(np.log(found / scale)) <= rounding
    assert abs(np.log(crossing((sizes * factor).tolist(), curve.tolist()) / scale / factor)) <= rounding


@pytest.mark.parametrize(
    ("sizes", "curve", "scale"),
    [
        # no feature takes over, though it rises
        (SIZES, [0.01] * 4 + [0.02, 0.05, 0.1, 0.15, 0.19, 0.19], np.nan),
        (SIZES, [0.3] + [0.4] * 9, np.nan),  # crossed below the smallest T
        ([0.1, 1, 10, 100], [0.3, 0.0, 0.4, 0.4], 10**0.5),
        ([1, 10, 100, 1000], [0.0, 0.4, 0.0, 0.4], 10**0.5),  # the first of two crossings counts
    ],
)
def test_there_is_no_scale_without_a_rise_and_the_first_counts(sizes, curve, scale):
    assert crossing(sizes, curve) == pytest.approx(scale, nan_ok=True)


@given(st.floats(-2, 2), st.lists(st.floats(0.1, 10), min_size=2, max_size=5))
def test_the_slope_of_a_power_is_its_exponent(exponent, heights):
    rows = [(k, x, height * x**exponent) for k, height in enumerate(heights) for x in (0.001, 0.03, 1.0)]
    slope = slope_interval(pd.DataFrame(rows, columns=["seed", "x", "scale"]), "x")
    assert abs(slope.value - exponent) < 1e-11  # slopes are rounded to 12 digits
    assert slope.high - slope.low < 1e-10


def _runs(key, scales, spread=0.0):
    """Runs of three seeds: for each value of ``key`` a curve that rises at its scale, ``spread`` apart in ln T."""
    fixed = {
        "m": 2,
        "sparsity": 0.98,
        "weight_decay": 0.01,
        "status": "",
        "train_loss": 0.9,
        "test_loss": 0.99,
    }
    curves = [
        pd.DataFrame({"T": SIZES, "largest_feature_dimensionality": _curve(scale * np.exp(spread * apart))})
        .assign(**fixed | {key: setting, "seed": seed})
        for place, (setting, scale) in enumerate(scales.items())
        for seed in range(3)
        for apart in [(seed + place) % 3 - 1]
    ]  # fmt: skip
    return pd.concat(curves)


def _decay(scales, spread=0.0):
    runs = [SimpleNamespace(setting=Setting(T=5, weight_decay=decay)) for decay in scales]
    return scale_decay.collect(runs, _runs("weight_decay", scales, spread))


def _sparsity(scales, spread=0.02):
    return scale_sparsity.collect([], _runs("sparsity", scales, spread))


@pytest.mark.parametrize(
    ("statement", "scales", "spread", "outcome"),
    [
        (STAYS, {0.001: 195, 0.01: 200, 0.1: 205}, 0.0, "agrees"),  # it surely moves, and hardly
        (STAYS, {0.001: 300, 0.01: 200, 0.1: 130}, 0.02, "differs"),
        (STAYS, {0.001: 200, 0.01: 200, 0.1: 200}, 0.8, "not decided"),
        (STAYS, {0.01: 200}, 0.02, "not tested"),
        (STAYS, {0.001: 1e9, 0.01: 1e9}, 0.0, "not tested"),
        (COLLAPSE, {0.98: 500, 0.96: 250, 0.92: 125}, 0.02, "agrees"),
        (COLLAPSE, {0.98: 400 * 2**0.1, 0.96: 200, 0.92: 100}, 0.0, "agrees"),  # surely not flat, and near it
        (COLLAPSE, {0.98: 200, 0.96: 200, 0.92: 200}, 0.02, "differs"),  # T alone decides
        (COLLAPSE, {0.98: 320, 0.96: 240, 0.92: 170}, 1.5, "not decided"),
        (COLLAPSE, {0.98: 1000, 0.96: 900, 0.92: 200}, 0.6, "not decided"),  # neither 0 nor far from it
        (COLLAPSE, {0.98: 200}, 0.02, "not tested"),
    ],
)
def test_a_scale_stays_where_all_of_its_interval_does_and_curves_collapse_likewise(
    statement, scales, spread, outcome
):
    module, made = (scale_decay, _decay) if statement == STAYS else (scale_sparsity, _sparsity)
    assert outcomes(module.findings(made(scales, spread)))[statement] == outcome


def _map(loss):
    """Three seeds a little apart on a map of m and T."""
    fixed = {"sparsity": 0.98, "status": "", "train_loss": 0.0, "largest_feature_dimensionality": 0.1}
    rows = [
        {"m": m, "T": T, "seed": seed, "test_loss": loss(m, T) * (1 + 0.001 * ((seed + m + T) % 3)), **fixed}
        for m in (1, 2, 4)
        for T in (5, 50, 500, 5000)
        for seed in range(3)
    ]
    return {"runs": pd.DataFrame(rows)}


HURTS = ("More data hurts in some regions", "More hidden dimensions hurt in some regions")


def test_regions_where_more_hurts_are_found():
    tables = _map(lambda m, T: 3.0 * m if T == 500 else 1.0)
    judged = outcomes(heat_map.findings(tables))
    assert [judged[statement] for statement in HURTS] == ["agrees", "agrees"]
    more_data, more_dimensions = (heat_map.rises(tables["runs"], way) for way in ("T", "m"))
    assert (more_data["sure"].sum(), len(more_data)) == (3, 9)
    surely = more_dimensions.query("sure")[["here", "there"]].to_numpy().tolist()
    assert surely == [[(1, 500), (2, 500)], [(2, 500), (4, 500)]]
    assert more_data["value"].max() == pytest.approx(12, rel=0.01)
    noisy = tables["runs"].copy()
    noisy["test_loss"] *= np.exp(0.8 * (noisy["seed"] - 1) * (noisy["T"] == 500))
    assert outcomes(heat_map.findings({"runs": noisy}))[HURTS[0]] == "not decided"
    assert len(heat_map.rises(noisy, "T").query("apart and not sure")) == 3


@pytest.mark.parametrize("loss", [lambda m, T: 1.0, lambda m, T: 1.1 - 0.05 * np.log(T) / m - 0.1 * m])
def test_more_data_that_helps_or_does_nothing_does_not_hurt(loss):
    tables = _map(loss)
    assert outcomes(heat_map.findings(tables))[HURTS[0]] == "not decided"
    assert heat_map.rises(tables["runs"], "T").query("sure or apart").empty


def test_noise_on_the_map_seldom_hurts():
    """Of 60 maps of pure noise at most 5 %, and five standard errors, have an arrow in a direction."""
    rng = np.random.default_rng(0)
    flat = _map(lambda m, T: 1.0)["runs"]
    maps = [flat.assign(test_loss=np.exp(rng.normal(size=len(flat)))) for _ in range(60)]
    found = [heat_map.rises(each, way)["sure"].any() for way in ("T", "m") for each in maps]
    assert np.mean(found) <= 0.05 + 5 * np.sqrt(0.05 * 0.95 / 120)
