"""What the optimizer can reach: schedule, reach, decay flow."""

from theory.optimization.decay_flow import symmetric_budget, symmetric_rate
from theory.optimization.largest_entry import largest_entry_probability
from theory.optimization.reach import adam_largest_step, surviving_fraction, tgon_within_reach

__all__ = [
    "adam_largest_step",
    "largest_entry_probability",
    "surviving_fraction",
    "symmetric_budget",
    "symmetric_rate",
    "tgon_within_reach",
]
