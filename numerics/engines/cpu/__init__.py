"""The cpu engine: the whole training loop compiled."""
