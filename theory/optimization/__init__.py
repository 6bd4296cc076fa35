"""What the optimizer can reach: schedule, reach, decay flow."""

from theory.optimization.decay_flow import symmetric_budget, symmetric_radius_squared, symmetric_rate
from theory.optimization.largest_entry import largest_entry_probability
from theory.optimization.reach import (
    adam_growing_step,
    adam_largest_step,
    adamw_penalty,
    adamw_stationary_gradient,
    decay_budget,
    learning_rate_sum,
    necessary_bias,
    ray_depth,
    surviving_fraction,
    tgon_within_reach,
)

__all__ = [
    "adam_growing_step",
    "adam_largest_step",
    "adamw_penalty",
    "adamw_stationary_gradient",
    "decay_budget",
    "largest_entry_probability",
    "learning_rate_sum",
    "necessary_bias",
    "ray_depth",
    "surviving_fraction",
    "symmetric_budget",
    "symmetric_radius_squared",
    "symmetric_rate",
    "tgon_within_reach",
]
