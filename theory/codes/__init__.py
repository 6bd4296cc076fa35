"""The minimum-norm programme for any number of hidden dimensions: search, known codes, bounds."""

from theory.codes.bounds import (
    best_lower_bound,
    cap_bound,
    lower_bounds,
    rank_bound,
)
from theory.codes.known_codes import (
    KnownCode,
    equal_norm_energy,
    equal_norm_hidden,
    exact_shifted_bias_norm,
    known_codes,
    maximal_cosine,
    shifted_cross_polytope,
    simplex_directions,
)
from theory.codes.programme import (
    Certificate,
    MemorizationCode,
    certify,
    memorization_code,
    optimal_multipliers,
)

__all__ = [
    "Certificate",
    "KnownCode",
    "MemorizationCode",
    "best_lower_bound",
    "cap_bound",
    "certify",
    "equal_norm_energy",
    "equal_norm_hidden",
    "exact_shifted_bias_norm",
    "known_codes",
    "lower_bounds",
    "maximal_cosine",
    "memorization_code",
    "optimal_multipliers",
    "rank_bound",
    "shifted_cross_polytope",
    "simplex_directions",
]
