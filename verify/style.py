"""The look of every figure, and how it becomes a file: without pyplot, so that no display is needed. Colours are those
of Okabe and Ito, which colour-blind readers tell apart.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, SKY, PURPLE = "#E69F00", "#56B4E9", "#CC79A7"
GREY, INK = "#999999", "#222222"

#: Text that stands back: grey lines are too light to be read.
SOFT = "#666666"

#: One colour per weight decay, in increasing order.
DECAY_COLOURS = (BLUE, ORANGE, PURPLE, GREEN, SKY)


class Plot(Figure):
    """A figure that shows itself in a notebook."""

    def _repr_png_(self) -> bytes:
        return render(self, "png")


def styled() -> Any:
    """The context in which every figure is drawn and written: that of `style.mplstyle`."""
    return matplotlib.rc_context(fname=Path(__file__).with_suffix(".mplstyle"))


def panels(
    rows: int, columns: int, width: float, height: float, *, sharey: bool = False
) -> tuple[Plot, list[list[Axes]]]:
    """A figure of ``rows`` by ``columns`` panels, each of the given size in inches, and its axes by row."""
    figure = Plot(figsize=(width * columns, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False, sharey=sharey)
    figure.set_layout_engine("constrained", h_pad=0.1)
    return figure, [list(row) for row in axes]


def plain_numbers(*axes: Axis, at: Sequence[float] = ()) -> None:
    """Major ticks as plain numbers, ``at`` these multiples of powers of ten where given; minor ones without."""
    for axis in axes:
        if at:
            axis.set_major_locator(LogLocator(subs=at))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def render(figure: Figure, kind: Literal["svg", "png"], source: str | None = None) -> bytes:
    """The bytes of ``figure`` as a file of that kind; the same figure gives the same bytes.

    ``source`` is kept in the file as its description: what it was drawn from.

    >>> render(panels(1, 1, 1.0, 1.0)[0], "png")[1:4]
    b'PNG'
    """
    content = BytesIO()
    metadata = ({"Date": None} if kind == "svg" else {}) | ({"Description": source} if source else {})
    with styled():
        figure.savefig(content, format=kind, dpi=150, metadata=metadata)
    return content.getvalue()


def round_below(length: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is at most ``length`` > 0.

    >>> round_below(0.34)
    0.2
    """
    power = 10.0 ** np.floor(np.log10(length))
    return float(max(step * power for step in (1, 2, 5) if step * power <= length))
