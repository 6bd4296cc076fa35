"""Repeated datapoints: thresholds and the boundary fitted to outcomes."""
