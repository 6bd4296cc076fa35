"""The figures of a report: theory and trained models in one picture.

Every figure is two pure functions: ``NAME_numbers(runs)`` is the table of everything that is drawn, and
``draw_NAME(numbers)`` draws that table and nothing else, so the CSV beside a figure regenerates it. Theory is drawn
with the label of its equation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from numerics import Run
from verify.figures.hidden import draw_hidden_vectors, hidden_vectors_numbers
from verify.figures.history import draw_train_loss_history, train_loss_history_numbers
from verify.figures.norms import draw_norms_against_T, norms_against_T_numbers


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure of the report: its name, what it shows, its numbers and its drawing.

    A page has one drawing for each value of the columns ``parts``; without any the page draws the numbers itself.
    """

    name: str
    caption: str
    numbers: Callable[[Sequence[Run]], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Figure]
    parts: tuple[str, ...] = ()


FIGURES: tuple[FigureKind, ...] = (
    FigureKind(
        "hidden_vectors",
        "Hidden vectors h = W X of the memorizing run of least ‖W‖ for each T, its features, the columns of W (on the "
        "rays of the datapoints they occur in), and the same of a typical run that did not memorize. The predicted "
        "T-gon is turned onto the hidden vectors and has no other freedom.",
        hidden_vectors_numbers,
        draw_hidden_vectors,
    ),
    FigureKind(
        "norms_against_T",
        "Frobenius norm of W and norm of b against the number of datapoints: the least-norm model (line), every "
        "seed (dots; open where a datapoint was not memorized) and, for m = 2, a published replication (crosses), "
        "which shows one seed per T without saying whether it memorized.",
        norms_against_T_numbers,
        draw_norms_against_T,
        parts=("norm",),
    ),
    FigureKind(
        "train_loss_history",
        "Train loss of every seed. A run that stays near a multiple of 1/T has forgotten datapoints.",
        train_loss_history_numbers,
        draw_train_loss_history,
        parts=("T", "m", "weight_decay"),
    ),
)
