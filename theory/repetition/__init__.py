"""Repeated datapoints: thresholds and the boundary fitted to outcomes."""

from theory.repetition.threshold import (
    EnergyLaw,
    ZeroBiasThreshold,
    energy_law,
    energy_of_rank,
    equal_energy,
    zero_bias_threshold,
)

__all__ = [
    "EnergyLaw",
    "ZeroBiasThreshold",
    "energy_law",
    "energy_of_rank",
    "equal_energy",
    "zero_bias_threshold",
]
