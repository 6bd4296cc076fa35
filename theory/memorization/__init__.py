"""Memorization of datapoints: closed forms, failures, finite penalty, unequal norms, overlap."""

from theory.memorization.tgon import (
    asymptotic_tgon_bias_norm,
    asymptotic_tgon_weight_norm,
    bias_overtakes_weights_at,
    robust_energy_bound,
    simplex_dimensionality,
    simplex_energy,
    simplex_hidden,
    tgon_bias_coefficient,
    tgon_bias_norm,
    tgon_dimensionality,
    tgon_energy,
    tgon_hidden,
    tgon_radius_squared,
    tgon_weight_norm,
)

__all__ = [
    "asymptotic_tgon_bias_norm",
    "asymptotic_tgon_weight_norm",
    "bias_overtakes_weights_at",
    "robust_energy_bound",
    "simplex_dimensionality",
    "simplex_energy",
    "simplex_hidden",
    "tgon_bias_coefficient",
    "tgon_bias_norm",
    "tgon_dimensionality",
    "tgon_energy",
    "tgon_hidden",
    "tgon_radius_squared",
    "tgon_weight_norm",
]
