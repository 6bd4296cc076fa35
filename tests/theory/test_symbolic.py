"""SymPy's own tools on the closed forms: limit, series, lambdify, latex and subs, against floats and other routes."""

import pickle
from importlib.resources import files

import numpy as np
import pytest
from sympy import Rational, Symbol, lambdify, latex, limit, oo, pi, series, sqrt, sympify

from theory import Setting, loss_budget, predict, symbolic
from theory import polygon as float_polygon
from theory.exact import Exact
from theory.features.amplitudes import constant
from theory.memorization import memorized_loss
from theory.memorization import tgon as floats
from theory.repetition import threshold
from theory.symbolic import T, b, k, kappa, m, n, u, z

TGON = ("tgon_radius_squared", "tgon_bias_coefficient", "tgon_energy", "tgon_weight_norm", "tgon_bias_norm")
RECORDS = [
    *(predict(Setting(T=T, m=m)) for T, m in ((1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (30, 2), (31, 2))),
    *(predict(Setting(T=T, m=m)) for T, m in ((1, 1), (2, 1), (4, 3), (6, 9))),
    *(predict(Setting(T=T, m=m)) for T, m in ((5, 3), (7, 4), (6, 3), (9, 3), (12, 3), (10, 4))),
    *(predict(Setting(T=T, repeats=3)) for T in (3, 7, 9)),
    predict(Setting(T=1), "both"),
]
POLYGONS = [float_polygon(k, law) for k in (*range(1, 14), 100, 1001) for law in ("unit", "free", "constant")]
POLYGONS += [float_polygon(k, "constant", n=k) for k in range(1, 5)]
POLYGONS += [
    float_polygon(3, "uniform"),
    float_polygon(4, "normalized"),
    float_polygon(5, constant(0.5), n=5),
]


@pytest.mark.parametrize("found", [*RECORDS, *POLYGONS], ids=lambda found: type(found).__name__)
def test_exact_forms_are_the_numbers(found):
    assert set(found.exact) >= {"weight_norm"}
    for name, text in found.exact.items():
        truth = float(sympify(text).evalf(50))
        assert float(found.symbolic(name).evalf(50)) == pytest.approx(truth, rel=1e-15, abs=1e-30)
        size = 8 * 2**-52 * getattr(found, "k", 1) ** 2
        assert np.ravel(getattr(found, name)) == pytest.approx(truth, rel=1e-11, abs=size), name


def test_forms_are_written_for_people():
    shown = {T: predict(Setting(T=T)).exact["weight_norm"] for T in (4, 5, 6, 7, 12, 20)}
    assert list(shown.values())[:3] == ["2", "sqrt(sqrt(5) + 5)", "2*sqrt(3)"]
    assert list(shown.values())[3:] == ["sqrt(14)/(2*sin(pi/7))", "2*sqrt(3) + 6", "sqrt(10)/sin(pi/20)"]
    assert float_polygon(5).symbolic("weight_norm") == sqrt(5)
    record = pickle.loads(pickle.dumps(predict(Setting(T=9, m=4))))  # its own bytes
    with pytest.raises(ValueError, match="'energy' has no closed form; there is none"):
        record.symbolic("energy")


def test_the_strings_that_need_no_sympy_are_those_it_makes():
    """T-gons and simplices of up to twelve points. To write the file anew, replace its text by `made`."""
    few = [Exact("tgon", count) for count in range(2, 13)]
    few += [Exact("equal_norms", T, *[f"{T - 1}/{T}"] * 2) for T in range(1, 13)]
    forms = [", ".join(f'{name} = "{form}"' for name, form in one.expressions.items()) for one in few]
    keys = [" ".join(map(str, (one.made_by[0], *one.made_by[1]))) for one in few]
    lines = [f'"{key}" = {{ {text} }}\n' for key, text in zip(keys, forms, strict=True)]
    made = "".join(["# The forms that theory.symbolic makes; a test compares.\n", *lines])
    assert files("theory.memorization").joinpath("exact.toml").read_text() == made
    assert dict(few[3]) == {name: str(form) for name, form in few[3].expressions.items()}


def test_the_symbols_are_positive_numbers_and_not_integers():
    """An integer T would make sin(πT) zero, and limits wrong: the trap that the symbols avoid."""
    whole = Symbol("T", integer=True, positive=True)
    wrong = limit(symbolic.radius(whole) * whole, whole, oo)
    assert limit(symbolic.radius(T) / T**2, T, oo) == 1 / (2 * pi**2)
    assert wrong == oo or not wrong.is_finite
    assert all(one.is_positive and one.is_integer is None for one in (T, m, n, k, u, kappa, z, b))


@pytest.mark.parametrize("name", TGON)
def test_series_of_the_tgon_leave_the_next_power(name):
    form = getattr(symbolic, name)
    expanded = series(form, T, oo, 5).removeO()
    errors = [abs((form - expanded).subs(T, at).evalf(50)) for at in (100, 200)]
    assert np.log2(float(errors[0] / errors[1])) >= 5 - 0.01
    assert errors[0] > 0


def test_limits():
    assert limit((symbolic.shifted_energy - T).subs(T, 2 * m - 1), m, oo) == 0
    W, bias = symbolic.tgon_weight_norm, symbolic.tgon_bias_norm
    assert limit(W / T ** Rational(3, 2), T, oo) == sqrt(2) / (2 * pi)
    assert limit(bias / T ** Rational(5, 2), T, oo) == 1 / (2 * pi**2)
    assert limit(bias / W / T, T, oo) == sqrt(2) / (2 * pi)
    assert series(W / T ** Rational(3, 2), T, oo, 7).coeff(T, -6) == 31 * sqrt(2) * pi**5 / 30240


@pytest.mark.parametrize("name", TGON)
def test_the_tgon_by_lambdify_subs_and_latex(name):
    form, values = getattr(symbolic, name), np.arange(1, 40)
    assert lambdify(T, form)(values) == pytest.approx(getattr(floats, name)(values), rel=1e-12, abs=1e-12)
    assert form.subs(T, 1) == int(getattr(floats, name)(1))
    assert symbolic.simplest(form.subs(T, 6)) == predict(Setting(T=6)).symbolic(name.removeprefix("tgon_"))
    assert latex(form).startswith(r"\begin{cases}")
    assert r"\sin" in latex(form)


@pytest.mark.parametrize("law", ["unit", "free", "constant"])
def test_gains_of_polygons_by_residue_class(law):
    for size in range(4, 60):
        form = symbolic.polygon_gain(size % 4, law)
        gain = float_polygon(size, law).gain
        assert float(form.subs(k, size)) == pytest.approx(gain, rel=1e-12, abs=1e-10)
        if law != "constant" and size % 2:
            assert abs(float(symbolic.polygon_gain(size + 2, law).subs(k, size)) - gain) > 1e-4
    assert limit(symbolic.polygon_gain(1, law) / {"unit": k**2, "free": 1, "constant": k}[law], k, oo) == {
        "unit": Rational(-1, 4),
        "free": 4,
        "constant": 1,
    }.get(law)


def test_the_series_of_the_best_class():
    gain = symbolic.polygon_gain(1)
    assert series(gain, k, oo, 5).removeO() == 4 + 2 * pi**2 / k**3
    assert symbolic.simplest(gain.subs(k, 5)) == symbolic.simplest("20/(7 - sqrt(5))")


def test_the_test_loss_and_the_thresholds_of_repeats():
    features, sparsity = 10_000, 0.999
    at = {n: features, b: loss_budget(features, sparsity).best_bias}
    for points in (1, 2, 3):
        found = memorized_loss.least_norm_test_loss(points, 2, features, sparsity)
        error = 1e-7 * memorized_loss.shared_features(points, features, sparsity)  # of the law's moments
        assert float(symbolic.simplex_test_loss.subs({**at, T: points})) == pytest.approx(found, abs=error)
    assert limit(symbolic.simplex_test_loss, n, oo).coeff(b) == 0
    assert symbolic.orthoplex_energy.subs(T, 6) == pytest.approx(predict(Setting(T=6, m=3)).energy)
    overlaps = np.linspace(0.9, 1, 5)
    gain = lambdify((T, u), symbolic.overlap_gain(symbolic.radius(T)))
    assert gain(8, overlaps) == pytest.approx(
        memorized_loss.overlap_gain(floats.tgon_radius_squared(8), overlaps), rel=1e-10, abs=1e-12
    )
    values = {
        T: 30_000,
        n: 1_000,
        kappa: threshold.energy_variance_ratio(1_000, 0.99),
        z: threshold.normal_order_mean(5, 1_000),
    }
    expected = threshold.square_root_threshold(30_000, 1_000, 0.99)
    assert float(symbolic.square_root_threshold.subs(values)) == pytest.approx(expected, rel=1e-14)
    assert symbolic.equal_energy_threshold.subs(values) == 30
