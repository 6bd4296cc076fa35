"""Features on infinite data: polygons, free bias, amplitude laws and their router, sea, loss budget."""

from theory.features.amplitude_law import (
    Route,
    route,
)
from theory.features.amplitudes import (
    Amplitude,
    constant,
    normalized,
    samples,
    uniform,
)
from theory.features.free_bias import (
    FreeBias,
    best_free_bias,
    exact_uniform_loss,
    ring_gain,
    uniform_loss,
)
from theory.features.loss_budget import (
    LossBudget,
    loss_budget,
)
from theory.features.polygon import (
    Law,
    PolygonSolution,
    best_polygons,
    exact_polygon_gain,
    neighbour_loss_change,
)
from theory.features.sea import (
    Directions,
    RingWithSea,
    bands_energy,
    bands_gain,
    best_sea,
    ring_with_sea,
    sea_gain,
)

__all__ = [
    "Amplitude",
    "Directions",
    "FreeBias",
    "Law",
    "LossBudget",
    "PolygonSolution",
    "RingWithSea",
    "Route",
    "bands_energy",
    "bands_gain",
    "best_free_bias",
    "best_polygons",
    "best_sea",
    "constant",
    "exact_polygon_gain",
    "exact_uniform_loss",
    "loss_budget",
    "neighbour_loss_change",
    "normalized",
    "ring_gain",
    "ring_with_sea",
    "route",
    "samples",
    "sea_gain",
    "uniform",
    "uniform_loss",
]
