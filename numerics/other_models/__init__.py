"""Models beside the ReLU-output model: variants of it, a classifier of digits."""
