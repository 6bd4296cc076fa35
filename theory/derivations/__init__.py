"""Derivations: steps, interval checks, mutants, symbols, labels, and the proofs by topic."""
