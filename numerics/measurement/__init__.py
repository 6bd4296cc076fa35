"""Measurement of trained models: the record, observables, rings of features."""
