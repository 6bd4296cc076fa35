"""Experiment ``forgetting``: features that are learned and forgotten between memorization and generalization. Henighan
et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): without repeats, at T = 10 000, some models learn
generalizing features and forget them by the end of training.
"""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.axes import empty, one_legend
from experiments.clouds import brief
from experiments.findings import MEASURED, Finding, Tables, found_share
from experiments.following import STORED, at_least_twice, feature_rows, follow
from numerics import Run
from numerics.engines.cpu.trajectory import point_errors
from numerics.training.loop import Snapshot
from theory.dimensionality import dimensionality
from verify.figures.clouds import draw_cloud
from verify.style import BLUE, GREEN, GREY, INK, PURPLE, VERMILLION, Plot, styled

#: A stored feature is lost where its D_f ends below `STORED`, and forgotten where it ends below this.
FORGOTTEN = 0.1

FORGETS = "Some models learn features and forget them by the end (Jermyn)"

#: Pictures of one run: how many, features that were ever longest, and datapoints at even distances.
FRAMES, SHOWN_FEATURES, SHOWN_POINTS = 30, 40, 60


def collect(runs: Sequence[Run]) -> Tables:
    """Tables ``history`` (every run), ``fates`` (its features), ``features`` and ``frames`` (of the run shown)."""
    seen = follow(runs, _look)
    history = pd.concat([each[0] for each in seen], ignore_index=True)
    ends = pd.concat([each[1] for each in seen], ignore_index=True)
    falls = ends.assign(fall=ends["peak"] - ends["end"]).groupby(["T", "seed"])
    # the run that forgets most features; among those that forget none, the one with the largest fall of a D_f
    fallen = falls.agg({"forgotten": "sum", "fall": "max"}).sort_values(["forgotten", "fall"], kind="stable")
    shown = next(run for run in runs if (run.setting.T, run.setting.seed) == fallen.index[-1])
    ((features, frames),) = follow([shown], lambda run, kept: (feature_rows(kept), _frames(run, kept)))
    where = {"T": shown.setting.T, "seed": shown.setting.seed}
    return {"history": history, "fates": ends, "features": features.assign(**where), "frames": frames}


def _look(run: Run, snapshots: list[Snapshot]) -> tuple[pd.DataFrame, pd.DataFrame]:
    values = np.array([dimensionality(one.W) for one in snapshots])
    models = [(one.W.astype(np.float64), one.b.astype(np.float64)) for one in snapshots]
    history = pd.DataFrame({"step": [one.step for one in snapshots]}).assign(
        stored=np.sum(values >= STORED, axis=1),
        largest=values.max(axis=1),
        train_loss=[float(point_errors(*model, run.data).mean()) for model in models],
    )
    where = {"T": run.setting.T, "seed": run.setting.seed}
    return history.assign(**where), fates(values).assign(**where)


def fates(values: np.ndarray) -> pd.DataFrame:
    """Features that were stored at two neighbouring snapshots of (snapshots, n) dimensionalities: columns feature,
    peak, end and forgotten; one row without a feature where there is none.
    """
    held = np.flatnonzero(at_least_twice(values >= STORED))
    if not len(held):
        return pd.DataFrame({"feature": [-1], "peak": 0.0, "end": 0.0, "forgotten": False})
    peak, end = values[:, held].max(axis=0), values[-1, held]
    return pd.DataFrame({"feature": held, "peak": peak, "end": end, "forgotten": end < FORGOTTEN})


def _frames(run: Run, snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    kept = [snapshots[place] for place in _spaced(len(snapshots), FRAMES)]
    longest = np.max([np.linalg.norm(one.W, axis=0) for one in snapshots], axis=0)
    features = np.argsort(-longest, kind="stable")[:SHOWN_FEATURES]
    points = _spaced(run.data.T, SHOWN_POINTS)
    clouds = []
    for one in kept:
        hidden = run.data.project(one.W)[:, points]
        for kind, (x, y) in (("feature", one.W[:, features]), ("hidden", hidden)):
            place = {"x": map(brief, x), "y": map(brief, y)}
            clouds.append(pd.DataFrame({"step": one.step, "kind": kind, **place}))
    return pd.concat(clouds, ignore_index=True)


def _spaced(count: int, wanted: int) -> np.ndarray:
    """At most so many of ``count`` places, at even distances, both ends included."""
    return np.unique(np.linspace(0, count - 1, wanted).round().astype(int))


def findings(tables: Tables) -> list[Finding]:
    """Of the models that store any feature, the share that lose all; and the share with a D_f below `FORGOTTEN`."""
    held = tables["fates"].query("feature >= 0")
    if held.empty:
        return [Finding(FORGETS, "not tested")]
    by_run = held.assign(lost=held["end"] < STORED).groupby(["T", "seed"])[["lost", "forgotten"]]
    emptied, faded = by_run.all()["lost"], by_run.any()["forgotten"]
    count, storing = int(emptied.sum()), len(emptied)
    falls = f"A stored feature falls below D_f = {FORGOTTEN:g}"
    share = "share that lose all, of models that store features"
    return [
        found_share(FORGETS, "agrees" if count else "not decided", share, count, storing),
        found_share(falls, MEASURED, "share of these models", int(faded.sum()), storing),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """For each T how many models store features at some time, and what becomes of these."""
    fates, history = tables["fates"].assign(lost=tables["fates"]["end"] < STORED), tables["history"]
    last = history[history["step"] == history.groupby("T")["step"].transform("max")]
    heads = {
        "that store features": ("seed", "nunique"),
        "features stored at some time": ("seed", "size"),
        f"… that end below {STORED:g}": ("lost", "sum"),
        f"… below {FORGOTTEN:g}": ("forgotten", "sum"),
    }
    runs = fates.groupby("T")["seed"].nunique().to_frame("runs")
    table = runs.join(fates.query("feature >= 0").groupby("T").agg(**heads)).fillna(0)
    return table.join(last.groupby("T")["stored"].median().rename("stored at the end (median)")).reset_index()


_KINDS = {"feature lost": VERMILLION, "feature stored at the end": GREEN, "feature never stored": GREY}


def draw(tables: Tables) -> Figure:
    """Top: stored features against the step, every run. Below: D_f of the run that the animation shows."""
    figure = empty(10.5, 6.2, h_pad=0.08)
    counts, one = figure.subplots(2, 1, sharex=True)
    looks = zip((BLUE, VERMILLION, GREEN, PURPLE), ("-", "--", ":", "-."), strict=True)
    for (T, own), (colour, style) in zip(tables["history"].groupby("T"), looks, strict=False):
        stored = own.pivot(index="step", columns="seed", values="stored")
        # lines of integers lie on each other
        shifted = stored + 0.04 * (np.arange(stored.shape[1]) - 2.5)
        lines = counts.plot(stored.index, shifted, style, color=colour, lw=1.3, alpha=0.75)
        lines[0].set_label(f"T = {T}, a line per run")
    counts.set(xscale="log", ylabel="features stored")
    _draw_features(one, tables["features"], tables["fates"])
    one_legend(figure, [counts, one], ncols=3, fontsize=11)
    return figure


def _draw_features(ax: Axes, features: pd.DataFrame, fates: pd.DataFrame) -> None:
    T, seed = features["T"].iloc[0], features["seed"].iloc[0]
    held = set(fates.loc[(fates["T"] == T) & (fates["seed"] == seed), "feature"])
    for feature, part in features.groupby("feature", sort=False):
        lost, stored, never = _KINDS
        stays = part["dimensionality"].iloc[-1] >= STORED
        kind = stored if stays else lost if feature in held else never
        ax.plot(part["step"], part["dimensionality"], color=_KINDS[kind], lw=1.6, alpha=0.85, label=kind)
    ax.axhline(STORED, color=INK, ls=":", lw=1.1)
    ax.set_title(f"T = {T}, seed {seed}", fontsize=12)
    ax.set(xlabel="step", ylabel="$D_f$ of features", ylim=(0, None))


def animate(tables: Tables) -> bytes:
    """A GIF of features and hidden vectors of the run that is shown, one frame per step of ``frames``."""
    from PIL import Image

    frames, images = tables["frames"], []
    with styled():
        figure = Plot(figsize=(4.6, 2.7), dpi=110)
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.06, right=0.97, bottom=0.12, top=0.78, wspace=0.2)
        for step, own in frames.groupby("step"):
            for ax, content in zip(axes, ("feature", "hidden"), strict=True):
                ax.clear()
                draw_cloud(ax, own, content)
                ax.set_title("features w" if content == "feature" else "hidden vectors h", fontsize=11)
            figure.suptitle(f"step {step}", fontsize=12)
            canvas.draw()  # type: ignore[no-untyped-call]
            dots = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
            images.append(Image.fromarray(dots).convert("RGB").quantize(32))
    gif, durations = BytesIO(), [250] * (len(images) - 1) + [2000]  # milliseconds
    images[0].save(gif, "gif", save_all=True, append_images=images[1:], duration=durations, loop=0)
    return gif.getvalue()
