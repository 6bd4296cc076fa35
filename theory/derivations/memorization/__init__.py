"""Proofs about memorization."""
