"""Proofs about features, dimensionality and repeated datapoints."""
