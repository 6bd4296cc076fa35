"""The minimum-norm programme for any number of hidden dimensions: search, known codes, bounds."""

from theory.codes.bounds import best_lower_bound, lower_bounds
from theory.codes.known_codes import KnownCode, known_codes, shifted_cross_polytope
from theory.codes.programme import Certificate, MemorizationCode, certify, memorization_code

__all__ = [
    "Certificate",
    "KnownCode",
    "MemorizationCode",
    "best_lower_bound",
    "certify",
    "known_codes",
    "lower_bounds",
    "memorization_code",
    "shifted_cross_polytope",
]
