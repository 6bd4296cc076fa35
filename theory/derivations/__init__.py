"""Derivations: steps, interval checks, symbols, labels, and the proofs by topic."""
