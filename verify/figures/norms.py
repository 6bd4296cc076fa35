"""The figure of norms: ‖W‖ and ‖b‖ against T, theory, every seed, and a published series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import numerics
from theory import predict, tgon_bias_norm, tgon_weight_norm
from verify.style import DECAY_COLOURS, INK, VERMILLION, panels, plain_numbers, styled

#: The theory curves reach at least this far.
LAST_T = 31

#: Norms up to here are written as 0: those of closed forms, but for rounding.
ZERO = 1e-9


def norms_against_T_numbers(runs: Sequence[numerics.Run]) -> pd.DataFrame:
    """Every number of the figure.

    Columns: norm ("weight_norm" or "bias_norm"), series ("theory": the T-gon, or "prediction" where some m is not 2 or
    points are repeated; "trained"; "published"), T, weight_decay, seed, memorized, value; the last but one three are
    missing where they mean nothing. Diverged runs are left out, the published series where m is not 2.
    """
    planar = all(run.setting.m == 2 and run.setting.repeats == 1 for run in runs)
    last = max([LAST_T, *(run.setting.T for run in runs)])
    rows: list[Any] = _planar_theory(last) if planar else _predicted_rows(runs)
    rows += [row for run in runs if run.status != "diverged" for row in _trained_rows(run)]
    if planar:
        published = published_series("norms").query("T <= @last")
        published = published.melt("T", var_name="norm", value_name="value")
        rows += published.assign(series="published").to_dict("records")
    columns = ["norm", "series", "T", "weight_decay", "seed", "memorized", "value"]
    return pd.DataFrame(rows, columns=columns).astype({"seed": "Int64", "memorized": "boolean"})


def published_series(name: str) -> pd.DataFrame:
    """A published series by T, norms or test_loss (T is inf for unlimited data); its provenance heads its file.

    >>> list(published_series("norms").columns)
    ['T', 'weight_norm', 'bias_norm']
    """
    with files("verify").joinpath(f"published_{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")


def _planar_theory(last: int) -> list[dict[str, Any]]:
    curves = {"weight_norm": tgon_weight_norm, "bias_norm": tgon_bias_norm}
    return [
        {"norm": norm, "series": "theory", "T": T, "value": float(curve(T))}
        for norm, curve in curves.items()
        for T in range(2, last + 1)
    ]


def _predicted_rows(runs: Sequence[numerics.Run]) -> list[dict[str, Any]]:
    """The prediction for each T that has one: beyond the plane and with repeats there is no one curve."""
    rows = []
    for T, setting in sorted({run.setting.T: run.setting for run in runs}.items()):
        with suppress(ValueError):  # no model of zero loss exists
            predicted = predict(setting)
            rows += [
                {"norm": norm, "series": "prediction", "T": T, "value": getattr(predicted, norm)}
                for norm in _NORM_LABELS
            ]
    return rows


def _trained_rows(run: numerics.Run) -> list[dict[str, Any]]:
    facts = {name: getattr(run.setting, name) for name in ("T", "weight_decay", "seed")}
    facts |= {"series": "trained", "memorized": run.status == "memorized"}
    return [facts | {"norm": norm, "value": getattr(run.record, norm)} for norm in _NORM_LABELS]


_NORM_LABELS = {
    "weight_norm": ("weight norm ‖W‖", "theory: √(T/2) / sin(π/T)\n[memorization.tgon-norm]"),
    "bias_norm": ("bias norm ‖b‖", "theory: √T |cos 2π/T| / (1 − cos 2π/T)\n[memorization.tgon-bias-norm]"),
}


def draw_norms_against_T(numbers: pd.DataFrame) -> Figure:
    """The figure of `norms_against_T_numbers`: a panel for each norm that the table has."""
    drawn = [norm for norm in _NORM_LABELS if norm in set(numbers["norm"])] or list(_NORM_LABELS)
    with styled():
        figure, axes = panels(1, len(drawn), 5.3, 5.4)
        for ax, norm in zip(axes[0], drawn, strict=True):
            label, theory = _NORM_LABELS[norm]
            own = numbers[numbers["norm"] == norm]
            if "prediction" in set(own["series"]):
                theory = "theory: the least-norm model of each group"
            curve = own[own["series"].isin(["theory", "prediction"])]
            seeds = {f"trained, weight decay {decay:g}": part for decay, part in own.groupby("weight_decay")}
            published = own[own["series"] == "published"]
            draw_norm(ax, "value", {theory: curve}, seeds, published)
            first, named = ax.get_legend_handles_labels()
            ax.legend(first[:1], named[:1], loc="best", handlelength=1.2)
            ax.set(xlabel="datapoints T", ylabel=label)
        handles, labels = axes[0][0].get_legend_handles_labels()
        figure.legend(handles[1:], labels[1:], loc="outside lower center", ncols=len(drawn))
    return figure


def draw_norm(
    ax: Axes,
    norm: str,
    curves: Mapping[str, pd.DataFrame],
    seeds: Mapping[str, pd.DataFrame],
    published: pd.DataFrame,
) -> None:
    """Draw the column ``norm`` of tables against their T: lines by their label, the second one dotted, a dot for each
    seed, filled where it memorized, groups of seeds beside each other, and crosses; what lacks the column is left out.
    """
    ax.set(xscale="log", yscale="log", ymargin=0.1)
    known = [table for table in (*curves.values(), *seeds.values(), published) if norm in table]
    shown = pd.concat([table["T"] for table in known])
    for (label, curve), style in zip(curves.items(), (".-", ":"), strict=False):
        if norm not in curve:
            continue
        zero = curve[norm] <= ZERO
        ax.plot(curve["T"], curve[norm].mask(zero), style, color=INK, lw=1.6, ms=5, label=label, zorder=2)
        for T in curve["T"][zero]:
            side = "left" if shown.min() == T else "center"
            ax.text(T, 0.02, f"0 at T = {T}", ha=side, fontsize=11, transform=ax.get_xaxis_transform())
    for place, (label, group) in enumerate(seeds.items()):
        _draw_seeds(ax, group, norm, label, place)
    if norm in published and len(published):
        label = "published replication, one seed, read off its figure"
        ax.plot(published["T"], published[norm], "x", color=VERMILLION, ms=9, mew=2, label=label, zorder=4)
    ticks = [
        T for T in (1, 2, 3, 5, 8, 12, 20, 30, 50, 100, 200, 500, 1000) if shown.min() <= T <= shown.max()
    ]
    ax.set_xticks(ticks)
    low, high = ax.get_ylim()
    plain_numbers(ax.xaxis)
    plain_numbers(ax.yaxis, at=(1, 2, 5) if high < 1e4 * low else (1,))


def _draw_seeds(ax: Axes, seeds: pd.DataFrame, norm: str, name: str, place: int) -> None:
    colour = DECAY_COLOURS[place % len(DECAY_COLOURS)]
    beside = 1.0 + 0.06 * place
    for memorized, face, word in ((True, colour, "memorized"), (False, "none", "did not memorize")):
        dots = seeds[seeds["memorized"].astype(bool) == memorized]
        ax.scatter(
            dots["T"] * beside, dots[norm], s=26, facecolor=face, edgecolor=colour, lw=0.9, alpha=0.65,
            label=f"{name}, {word}" if len(dots) else None, zorder=3,
        )  # fmt: skip
