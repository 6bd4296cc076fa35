"""Proofs about the optimizer."""
