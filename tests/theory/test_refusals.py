"""What lies outside a domain is refused in one line that names it, in every module of the floor."""

import math
from functools import partial

import numpy as np
import pytest

from theory import Setting, polygon, predict, robust_energy_bound, symbolic
from theory.codes.known_codes import shifted_cross_polytope
from theory.codes.programme import memorization_code
from theory.dimensionality import dimensionality, maximal_dimensionality
from theory.features.amplitude_law import route
from theory.features.amplitudes import Amplitude, normalized, samples, uniform
from theory.features.sea import bands_gain, best_sea, ring_with_sea, sea_gain
from theory.memorization import failures, overlap, unequal_norms
from theory.memorization.finite_penalty import penalised_polygon
from theory.memorization.tgon import simplex_hidden, tgon_energy
from theory.optimization import reach
from theory.optimization.decay_flow import symmetric_budget, symmetric_rate
from theory.polygon_geometry import polygon_vertices
from theory.repetition.logistic_boundary import fit_boundary, fit_power_law
from theory.repetition.threshold import energy_law, zero_bias_threshold

NAN = math.nan

#: What the message says, a function, and arguments that it refuses.
REFUSED = [
    *(
        (r"^T = .*integer of at least 1; try T=1$", tgon_energy, one)
        for one in (0, -3, 2.5, "five", NAN, True)
    ),
    *((r"^T = .*integer of at least 1; try T=1$", tgon_energy, one) for one in (2**53 + 2, [3, 0])),
    *(("must", robust_energy_bound, 4, error) for error in (0.25, -1e-9, NAN)),
    *(("must", robust_energy_bound, energy, 0.01) for energy in (-1, NAN)),
    *(
        ("must", law, *bad)
        for law in (
            overlap.pair_overlap_probability,
            overlap.first_overlap_scale,
            overlap.typical_overlap_scale,
            overlap.universal_overlap_scale,
        )
        for bad in ((0, 0.9), (10, 0.0), (10, 1.0), (10, NAN), (10, -1.0))
    ),
    ("never", overlap.universal_overlap_scale, 100, 0.999),
    ("T = 0", overlap.expected_overlapping_pairs, 0, 10_000, 0.999),
    *(
        ("positive", cost, bad)
        for cost in (
            unequal_norms.least_norm_tied,
            unequal_norms.least_norm_untied,
            unequal_norms.regular_polygon_cost,
        )
        for bad in ([1.0], [1, -1], [1, 0], [1, NAN], [[1, 2]])
    ),
    ("inner points", failures.two_circles, 8, []),
    ("inner points", failures.two_circles, 8, [1.4] * 7),
    ("T-gon", failures.two_circles, 8, [4.0]),
    ("room", failures.two_circles, 8, [0.6, 0.6, 0.6]),
    ("neighbours", failures.least_gaps, [0.1, 0.2]),
    ("two or more", failures.least_gaps, [1.0]),
    ("dropped <= T", failures.dropped_point_loss, 3, 4),
    *(("must be", penalised_polygon, *bad) for bad in ((0, 0.1), (5, -0.1), (5, NAN), (5, math.inf))),
    *(
        ("; try ", memorization_code, *bad)
        for bad in ((0, 3), (3.0, 2), ("3", 2), (7, None), (3, 1), (64, 1))
    ),
    *(("m\\+2 <= T <= 2m-1", shifted_cross_polytope, *bad) for bad in ((4, 3), (6, 3), (7, 3), (3, 1))),
    ("starts = 0: it must be an integer of at least 1", partial(memorization_code, starts=0), 7, 3),
    (r"^T = 3 .*at most 2; try m=2 or T=2$", predict, Setting(T=3, m=1)),
    ("'weights' or 'both'", predict, Setting(T=3), "bias"),
    ("try penalty='weights'", predict, Setting(T=5, m=3), "both"),
    ("'uniform': it must be one of unit, free, constant", symbolic.polygon_gain, 1, "uniform"),
    ("T <= 500", predict, Setting(T=100_000, m=3)),
    (r"^seed = -1: .* data_seed = -1: ", partial(Setting, seed=-1), 5),
    ("^steps = -30: must be greater than or equal to 1; try steps=50000$", partial(Setting, steps=-30), 5),
    *(("needed", symmetric_rate, *bad) for bad in ((0.4,), (1.0, -1.0))),
    *(("above 1/2", symmetric_budget, *bad) for bad in ((1.0, 2.0), (1.0, 0.5))),
    ("rates", reach.reach, [-1.0], 0.1),
    ("rates", reach.reach, [0.5, 3.0], 0.5),
    ("weight_decay", reach.reach, [0.1], -1),
    ("n = 0", reach.largest_entry_probability, 0.5, 0, 0.9),
    ("sparsity", reach.largest_entry_probability, 0.5, 10, 1.0),
    ("T = 0", reach.largest_entry_probability, 0.5, 10, 0.9, 0),
    ("share the point", fit_boundary, [3.0, 3.0], [3.0, 3.0]),
    ("share the point", fit_boundary, [0.0, 0.0, 5.0], [6.0, 7.0, math.inf]),
    ("not all equal", fit_power_law, [3, 3, 3], [1, 2, 3], [1, 2, 3]),
    ("passes between all ends", fit_power_law, [1, 2, 3], [1, 1, 1], [4, 4, 4]),
    ("do not happen more often", fit_boundary, [0.0, 2.0], [1.0, math.inf]),
    *(("0 <= low <= high", fit_boundary, *ends) for ends in (([2.0], [1.0]), ([], []), ([NAN], [1.0]))),
    ("sparsity", energy_law, 10, 10, 1.0),
    ("n = 4", zero_bias_threshold, 10, 4, 0.5),
    ("directions", best_sea, 5, 1.0, "up"),
    ("1 to 3 points", simplex_hidden, 5, 2),
    ("k >= 3", sea_gain, 2, 1.0, 1.0),
    ("bands", bands_gain, 5, 0),
    ("columns", ring_with_sea, 5, uniform(), 0),
    ("positive and finite", samples, [1.0, 0.0]),
    ("no amplitudes", samples, []),
    ("sparsity", normalized, 10, 1.0),
    ("must be 1", Amplitude, "samples", np.ones(1), np.array([0.5]), np.zeros(1), np.zeros((0, 8))),
    *((r"positive entries|shape", route, bad) for bad in (np.zeros((3, 2)), -np.eye(3), np.ones(4))),
    *((r"^k = .*integer of at least 1; try k=5$", polygon, k) for k in (0, -1, 2.5, "5", True)),
    (r"'unit', 'free', .* or an Amplitude", polygon, 5, "cubic"),
    ("^k = 0: it must", polygon_vertices, 0, 1.0),
    (">= 0", polygon_vertices, 5, NAN),
    *(("matrix", function, [1.0, 2.0]) for function in (dimensionality, maximal_dimensionality)),
    *(("finite", function, [[1.0, NAN]]) for function in (dimensionality, maximal_dimensionality)),
]


@pytest.mark.parametrize(
    ("said", "function", "given"), [(said, function, rest) for said, function, *rest in REFUSED]
)
def test_values_outside_the_domain(said, function, given):
    with pytest.raises(ValueError, match=said) as refused:
        function(*given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("given", [5.0, True, None, "5"])
def test_values_of_another_type(given):
    with pytest.raises(TypeError, match=r"^.* must be T or a Setting; try predict\(8\)$"):
        predict(given)


def test_an_integer_takes_the_values_of_a_setting():
    assert predict(2, m=1).as_dict() == predict(Setting(2, m=1)).as_dict()
    assert tgon_energy(2**53) == pytest.approx(2**159 / (2 * math.pi**2)), "the largest integer that is taken"
    with pytest.raises(TypeError, match=r"^m: a setting has its own values; try setting.replace\(m=3\)$"):
        predict(Setting(12), m=3)
    with pytest.raises(TypeError, match=r"try \[predict\(T\) for T in \[3, 4\]\]$"):
        predict([3, 4])


def test_a_setting_that_does_not_exist_is_named_with_what_was_meant():
    with pytest.raises(ValueError, match=r"weight_dekay: no such setting; did you mean weight_decay\?"):
        Setting(8, weight_dekay=0.1)
    with pytest.raises(ValueError, match=r"^M: no such setting; did you mean m\?$"):
        Setting(8, M=3)
    with pytest.raises(ValueError, match=r"colour: no such setting; there are T, n, sparsity, "):
        Setting(8, colour=1)


@pytest.mark.parametrize(("given", "values", "name"), [([True], {}, "T"), ([8], {"m": True}, "m")])
def test_a_truth_value_is_no_number(given, values, name):
    with pytest.raises(ValueError, match=f"^{name} = True: must be a number or a word; try {name}=1$"):
        Setting(*given, **values)
