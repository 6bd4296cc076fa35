"""The minimum-norm programme for any number of hidden dimensions: search, known codes, bounds."""
