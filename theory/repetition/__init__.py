"""Repeated datapoints: thresholds and the boundary fitted to outcomes."""

from theory.repetition.threshold import ZeroBiasThreshold, energy_of_rank, zero_bias_threshold

__all__ = ["ZeroBiasThreshold", "energy_of_rank", "zero_bias_threshold"]
