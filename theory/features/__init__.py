"""Features on infinite data: polygons, free bias, amplitude laws and their router, sea, loss budget."""

from theory.features.amplitude_law import Route, route
from theory.features.amplitudes import Amplitude, constant, normalized, samples, uniform
from theory.features.free_bias import FreeBias, best_free_bias, ring_gain
from theory.features.loss_budget import LossBudget, loss_budget
from theory.features.polygon import PolygonSolution, best_polygons
from theory.features.sea import RingWithSea, bands_gain, best_sea, ring_with_sea, sea_gain

__all__ = [
    "Amplitude",
    "FreeBias",
    "LossBudget",
    "PolygonSolution",
    "RingWithSea",
    "Route",
    "bands_gain",
    "best_free_bias",
    "best_polygons",
    "best_sea",
    "constant",
    "loss_budget",
    "normalized",
    "ring_gain",
    "ring_with_sea",
    "route",
    "samples",
    "sea_gain",
    "uniform",
]
