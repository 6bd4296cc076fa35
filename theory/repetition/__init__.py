"""Repeated datapoints: thresholds and the boundary fitted to outcomes."""

from theory.repetition.threshold import ZeroBiasThreshold, energy_of_rank, equal_energy, zero_bias_threshold

__all__ = ["ZeroBiasThreshold", "energy_of_rank", "equal_energy", "zero_bias_threshold"]
