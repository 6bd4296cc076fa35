"""Memorization of datapoints: closed forms, failures, finite penalty, unequal norms, overlap."""
