"""Experiments: each figure of the paper, made again from runs that anyone can train, with its numbers and
its page.

An experiment is one sweep file, ``experiments/NAME.toml``, and one module here with four functions:

- ``collect(runs, table)``: every number of figure and page as tidy tables, each below 200 kB as CSV. Row k of
  ``table`` is run k: setting, status and, unless the experiment does without, `numerics.observe`.
- ``draw(tables)``: the figure, from the tables alone, so that the CSV files regenerate it.
- ``describe(tables)``: the result in Markdown; its sentences are chosen by the numbers, so that a table which
  shows no effect is never described as showing it.
- ``sentences(tables)``: the sentences alone, those that judge a published statement as `Finding`.

The sweep file may describe smaller forms, ``tenth`` and ``preview``: the same functions serve every form.
`tgon figure NAME` does the rest (`experiments.making`). The table ``form``, which it adds, says what was run.
To add an experiment, write its sweep file and its module and add a line to `EXPERIMENTS`.

Defines no equations.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from experiments.findings import Finding
    from numerics import Run

__all__ = ["EXPERIMENTS", "Experiment", "find_experiment"]


class ExperimentModule(Protocol):
    """What the module of an experiment defines; ``animate`` only where it is ``animated``.

    Where runs can be added to its tables it has ``KEYS``, columns of its table ``runs`` that tell runs apart, and where
    that takes more than rows of that table ``add``.
    """

    def collect(self, runs: Sequence[Run], table: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Every number of figure and page."""

    def add(
        self, known: dict[str, pd.DataFrame], runs: Sequence[Run], table: pd.DataFrame
    ) -> dict[str, pd.DataFrame]:
        """The tables with more runs."""

    def draw(self, tables: dict[str, pd.DataFrame]) -> Figure:
        """The figure, from the tables alone."""

    def describe(self, tables: dict[str, pd.DataFrame]) -> str:
        """The result in Markdown, from the tables alone."""

    def sentences(self, tables: dict[str, pd.DataFrame]) -> list[str | Finding]:
        """The sentences of the result, from the tables alone."""

    def animate(self, tables: dict[str, pd.DataFrame]) -> bytes:
        """A GIF, from the tables alone."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment; its module is imported when it is used.

    Attributes
    ----------
    name : name of the sweep file, the folder of results and, with underscores, the module.
    title, question : head of the page.
    caption : what the figure shows.
    observed : whether ``collect`` wants `numerics.observe` of every run, which costs a test loss each.
    animated : whether the module has ``animate(tables) -> bytes``, too, a GIF from the tables alone.

    """

    name: str
    title: str
    question: str
    caption: str
    observed: bool = True
    animated: bool = False

    @property
    def folder(self) -> str:
        """Name of its folder, which is its package too."""
        return self.name.replace("-", "_")

    @property
    def module(self) -> ExperimentModule:
        """Its functions."""
        return cast(ExperimentModule, importlib.import_module(f"experiments.{self.folder}"))

    @property
    def keys(self) -> tuple[str, ...] | None:
        """Columns of its table ``runs`` that tell runs apart; None where runs cannot be added to its tables."""
        return getattr(self.module, "KEYS", None)


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        "dataset-size",
        "Test loss and dimensionalities against the number of datapoints",
        "Does test loss rise between memorization and generalization, and what do models store on either "
        "side?",
        "Top: test loss of each dataset seed (dots; of several starts the one of least train loss) and their "
        "geometric mean. "
        "Middle: the largest dimensionality of a datapoint and of a feature. Bottom: hidden vectors and "
        "features of "
        "one dataset, each panel at its own scale.",
    ),
    Experiment(
        "norms",
        "Norms of memorizing models against the number of datapoints",
        "Do weights, biases, hidden vectors and features grow with T as the least-norm T-gon does, and where "
        "does it end?",
        "Weight norm, bias norm, median hidden length and longest feature against T: every seed (filled "
        "where it memorized), the regular T-gon of least norm, and a published replication of one seed per T.",
        observed=False,
    ),
    Experiment(
        "gallery",
        "What models store: hidden vectors and features, from three datapoints on",
        "Which shape do the hidden vectors take, and which the features, as the dataset grows?",
        "For each T the run of least train loss: hidden vectors above, columns of W below, each panel at its "
        "own scale.",
        observed=False,
    ),
    Experiment(
        "failures",
        "Optimization failures in two dimensions",
        "How often does training end in something other than the regular T-gon, and does the gap between two "
        "circles follow from memorization?",
        "Top: what became of the seeds, by T. Middle: one run of each kind. Bottom: angles at the interface "
        "of two circles against the least angle that the run's own largest error allows.",
        observed=False,
    ),
    Experiment(
        "digits",
        "Maximal data dimensionality of handwritten digits, and of the toy model",
        "Which images have a large maximal data dimensionality, did training make it so, and are they the "
        "memorized ones?",
        "First row: D\\* in units of its mean for each seed, and over training. Images: label and D\\*, median over "
        "seeds. Third row: the largest D\\* against images per dimension; whether D\\* finds images whose labels "
        "were replaced. Last row: D\\* and test loss of toy models. Bars run from the least to the largest seed.",
    ),
    Experiment(
        "variants",
        "Other losses, a ReLU between the layers, untied weights",
        "Which variants of the model show the same memorization and generalization: polygons, a bump of the test "
        "loss, features?",
        "Top: test loss and largest feature dimensionality against T, every seed and the median. Below, for each "
        "variant the run of least train loss: hidden vectors of two small datasets, the 150 longest columns of the "
        "decoder for the largest one; each panel at its own scale.",
        observed=False,
    ),
    Experiment(
        "weight-decay",
        "Test loss against dataset size for several weight decays",
        "Does weight decay remove the bump of the test loss, and does less of it make the bump larger? m = 4.",
        "Test loss (top) and largest feature dimensionality (bottom) against T: every seed and their mean "
        "(geometric; median below), one curve per weight decay.",
    ),
    Experiment(
        "training-steps",
        "Test loss against dataset size for several numbers of steps",
        "Does the bump of the test loss grow with the number of steps? m = 4, the schedule stretched.",
        "Test loss (top) and largest feature dimensionality (bottom) against T: every seed and their mean "
        "(geometric; median below), one curve per number of steps.",
    ),
    Experiment(
        "sensitivity",
        "What moves the onset of generalization and the peak of the test loss",
        "The authors and the first replication differ in both, and neither knows why: which single change of the "
        "setting moves which, and does one reach the gap?",
        "Each row is one change of the baseline, the paper's setting. Dots: every dataset and start. Grey: the range "
        "of the baseline over seeds. Dashed: as far from its mean as the two published curves lie apart.",
    ),
    Experiment(
        "scale-sparsity",
        "Largest feature dimensionality against T(1 − S) for several sparsities",
        "Do features appear once each has been seen about ten times, whatever the sparsity?",
        "Top: the largest D_f of every seed and their median. Bottom: the scale, where a seed rises to half its "
        "plateau, against the density of features, every seed and their mean (geometric).",
    ),
    Experiment(
        "scale-decay",
        "Largest feature dimensionality against dataset size for several weight decays",
        "Does the dataset size at which features appear move with weight decay?",
        "Top: the largest D_f of every seed and their median. Bottom: the scale, where a seed rises to half its "
        "plateau, against weight decay, every seed and their mean (geometric).",
    ),
    Experiment(
        "heat-map",
        "Test loss over dataset size and hidden dimensions",
        "Where do more data or more hidden dimensions hurt?",
        "Test loss, geometric mean over seeds; zero output loses 1. Arrows to the right: more data raises it; upwards: "
        "more hidden dimensions raise it. Filled: for all arrows of one direction together at level 5 %; hollow: in "
        "every seed.",
    ),
    Experiment(
        "repeated-history",
        "A repeated datapoint among features, over training",
        "Is a datapoint that occurs five times embedded in place of a feature, when in training, and is one ever "
        "embedded and dropped again?",
        "Top: D_f of the prominent features and D_X of the repeated datapoint over one run (steps on a log axis), and "
        "where it ends, the repeated datapoint as a triangle, its direction dashed. Below: the length of its hidden "
        "vector in every run, vermillion where it ends embedded, black and dashed for near misses, if only by "
        "length, blue otherwise.",
        observed=False,
    ),
    Experiment(
        "repeated-many",
        "Several repeated datapoints against the features of a pentagon",
        "Does each repeated datapoint replace a feature, and what becomes of more than five?",
        "Top: vertices that repeated points take, and features stored, against the number of repeated points: every "
        "run, means with least and greatest, and what was published. Below: hidden vectors and features of one seed, "
        "repeated points as triangles, directions of embedded ones dashed.",
        observed=False,
    ),
    Experiment(
        "repeated-map",
        "From how many repeats on a datapoint is memorized among features",
        "Where does the boundary in R against T/n lie, does the theory predict it, and is there hysteresis?",
        "Maps: every run, seeds side by side, by whether the repeated point is among the first 0.1 % by D_X; the "
        "fitted boundary; the theory's threshold; the published line. Right: hidden length of the point when R falls "
        "and rises on one dataset, each model trained on from the one before.",
    ),
    Experiment(
        "forgetting",
        "Features that are learned and forgotten",
        "Between memorization and generalization, do models learn features and forget them by the end of training?",
        "Top: features stored at each step, every run. Middle: D_f of the prominent features of one run. Below: its "
        "longest features, and hidden vectors of some datapoints whatever their length, each panel at its own scale. "
        "The animation shows the same run.",
        observed=False,
        animated=True,
    ),
    Experiment(
        "envelope",
        "The least train loss over starts, against the number of datapoints",
        "Up to which T do models that store datapoints have less train loss than models that store features, and how "
        "far beyond the T where training stops finding them?",
        "What models save of the zero output's train loss, on a logarithmic scale; higher is better. Every mark is one "
        "model: random and constructed starts after training, and packings of disjoint datapoints. Models that lose "
        "more than the zero output are not shown.",
        observed=False,
    ),
)


def find_experiment(name: str) -> Experiment:
    """The experiment of that name; ValueError, in one line with the nearest names, where there is none.

    Examples
    --------
    >>> find_experiment("dataset-size").name
    'dataset-size'

    """
    import difflib

    named = {each.name: each for each in EXPERIMENTS}
    if name not in named:
        near = difflib.get_close_matches(name, named, n=3, cutoff=0.4) or list(named)
        raise ValueError(f"{name!r}: no such experiment; did you mean {', '.join(near)}? try --list for all")
    return named[name]
