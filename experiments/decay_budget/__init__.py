"""Norms of memorizing models against the decay budget."""
