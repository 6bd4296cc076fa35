"""The sea beside a ring of features."""
