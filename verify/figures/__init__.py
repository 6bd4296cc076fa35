"""Figures of comparisons."""
