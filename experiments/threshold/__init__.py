"""Thresholds of repeated data over drawn datasets."""
