"""The figure and the animation of experiment ``forgetting``."""

from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.clouds import draw_cloud
from experiments.findings import Tables
from experiments.following import STORED
from verify.style import BLUE, GREEN, GREY, INK, PURPLE, VERMILLION, Plot, styled

#: Stills of the animation in the figure.
STILLS = 5

#: Milliseconds of a frame of the animation, and of the last one; its size in inches, and dots per inch.
DURATION, LAST = 250, 2000
SIZE, DOTS = (4.6, 2.7), 110

#: What becomes of a feature: its colour, and that colour's name.
_KINDS = {
    "lost": (VERMILLION, "vermillion"),
    "stored at the end": (GREEN, "green"),
    "never stored": (GREY, "grey"),
}


def draw(tables: Tables) -> Figure:
    """Top: stored features against the step, every run. Middle: D_f of one run. Below: its features at some steps."""
    figure = Plot(figsize=(10.5, 9.4))
    figure.set_layout_engine("constrained", h_pad=0.08)
    grid = figure.add_gridspec(4, STILLS, height_ratios=[2.2, 2.2, 1.6, 1.6])
    counts = figure.add_subplot(grid[0, :])
    _draw_counts(counts, tables["history"])
    one = figure.add_subplot(grid[1, :], sharex=counts)
    _draw_features(one, tables["features"], tables["fates"])
    steps = np.unique(tables["frames"]["step"])
    for column, step in enumerate(_stills(steps, tables["features"])):
        own = tables["frames"][tables["frames"]["step"] == step]
        for row, content in ((2, "feature"), (3, "hidden")):
            ax = figure.add_subplot(grid[row, column])
            draw_cloud(ax, own, content)
            if row == 2:
                ax.set_title(f"step {step}", fontsize=12)
            if column == 0:
                many, name = (own["kind"] == content).sum(), {2: "features w", 3: "hidden h"}[row]
                ax.set_ylabel(f"{many} {name}")
    return figure


def _stills(steps: np.ndarray, features: pd.DataFrame) -> list[int]:
    """Steps to show: even in the logarithm from the time at which the first feature rises, the last included."""
    risen = features.loc[features["dimensionality"] >= 0.05, "step"]
    wanted = np.geomspace(max(1, risen.min()) if len(risen) else 1, steps[-1], STILLS)
    return [int(steps[np.argmin(np.abs(np.log(np.maximum(steps, 1) / step)))]) for step in wanted]


def _draw_counts(ax: Axes, history: pd.DataFrame) -> None:
    looks = zip((BLUE, VERMILLION, GREEN, PURPLE), ("-", "--", ":", "-."), strict=True)
    for (T, own), (colour, style) in zip(history.groupby("T"), looks, strict=False):
        stored = own.pivot(index="step", columns="seed", values="stored")
        # lines of integers lie on each other
        shifted = stored + 0.04 * (np.arange(stored.shape[1]) - 2.5)
        lines = ax.plot(stored.index, shifted, style, color=colour, lw=1.3, alpha=0.75)
        lines[0].set_label(f"T = {T}, a line per run")
    ax.set(xscale="log", ylabel="features stored")
    ax.legend(loc="upper left", fontsize=11)


def _draw_features(ax: Axes, features: pd.DataFrame, fates: pd.DataFrame) -> None:
    T, seed = features["T"].iloc[0], features["seed"].iloc[0]
    held = set(fates.loc[(fates["T"] == T) & (fates["seed"] == seed), "feature"])
    drawn = set()
    for feature, part in features.groupby("feature", sort=False):
        stays = part["dimensionality"].iloc[-1] >= STORED
        kind = "stored at the end" if stays else "lost" if feature in held else "never stored"
        ax.plot(part["step"], part["dimensionality"], "-", color=_KINDS[kind][0], lw=1.6, alpha=0.85)
        drawn.add(kind)
    ax.axhline(STORED, color=INK, ls=":", lw=1.1)
    words = ", ".join(f"{kind} {word}" for kind, (_, word) in _KINDS.items() if kind in drawn)
    ax.set_title(f"T = {T}, seed {seed}: features {words}", fontsize=12)
    ax.set(xlabel="step", ylabel="$D_f$ of features", ylim=(0, None))


def animate(tables: Tables) -> bytes:
    """A GIF of features and hidden vectors of the run that is shown, one frame per step of ``frames``."""
    from PIL import Image

    frames, images = tables["frames"], []
    with styled():
        figure = Plot(figsize=SIZE, dpi=DOTS)
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
    gif = BytesIO()
    durations = [DURATION] * (len(images) - 1) + [LAST]
    images[0].save(gif, "gif", save_all=True, append_images=images[1:], duration=durations, loop=0)
    return gif.getvalue()
