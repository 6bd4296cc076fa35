"""What must be true: SymPy and NumPy, no torch, no randomness, no files.

Closed forms are plain functions on floats, loaded here. Their SymPy twins (`theory.symbolic`) and the derivations
(`theory.derivations.steps`) are loaded where they are used, because SymPy is slow to import.
"""

from theory.dimensionality import maximal_dimensionality
from theory.features.amplitude_law import route
from theory.features.loss_budget import loss_budget
from theory.features.polygon import PolygonSolution, best_polygons, polygon
from theory.memorization.tgon import (
    bias_overtakes_weights_at,
    robust_energy_bound,
    simplex_energy,
    tgon_bias_norm,
    tgon_energy,
    tgon_weight_norm,
)
from theory.prediction import predict
from theory.record import Assumption, Record
from theory.setting import MEMORIZED_ERROR, Setting

__all__ = [
    "MEMORIZED_ERROR",
    "Assumption",
    "PolygonSolution",
    "Record",
    "Setting",
    "best_polygons",
    "bias_overtakes_weights_at",
    "loss_budget",
    "maximal_dimensionality",
    "polygon",
    "predict",
    "robust_energy_bound",
    "route",
    "simplex_energy",
    "tgon_bias_norm",
    "tgon_energy",
    "tgon_weight_norm",
]
