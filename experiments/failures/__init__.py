"""Experiment ``failures``: what became of many seeds at m = 2, and the gap between two circles. Henighan et al. 2023,
section "Optimization Failures in 2D". Names are those of `verify.diagnosis`. On two circles, neighbours of squared
lengths x ≤ y memorize, with squared errors of at most ε, only if the angle between them is at least arccos((x − 1 +
2√ε)/√(xy)) (`stationary.interface-gap`, `memorization.robust-constraint`).
"""

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.axes import empty
from experiments.clouds import draw_pictures, explain_clouds, points_of
from experiments.findings import Finding, Tables, measured, outcome_of
from experiments.grouping import parts
from numerics import Run
from theory import tgon_energy
from theory.memorization.failures import dropped_point_loss
from verify.diagnosis import diagnose_run
from verify.statistics import Interval, share_interval
from verify.style import BLUE, GREY, INK, VERMILLION

#: A dropped run agrees where its loss is this near to that of `stationary.dropped-loss`.
DROPPED_TOLERANCE = 0.1


def collect(runs: Sequence[Run]) -> Tables:
    """Tables ``runs``, ``shares`` (by T and name), ``points`` (one run of each kind), ``gaps`` (of two circles)."""
    rows, gaps = [], [pd.DataFrame(columns=_GAP_COLUMNS)]
    for run in runs:
        diagnosis, T = diagnose_run(run), run.setting.T
        name = diagnosis.name
        row: dict[str, object] = {"T": T, "seed": run.setting.seed, "diagnosis": name}
        row |= {"memorized": run.status == "memorized", "disjoint": run.data.has_disjoint_supports}
        row |= {"weight_ratio": run.record.weight_norm / np.sqrt(tgon_energy(T))}
        row |= {"train_loss": run.record.train_loss}
        rows.append(row | {"dropped": len(diagnosis.datapoints) if name == "dropped point" else 0})
        gaps += [interface_gaps(run)] if name == "two circles" else []
    listed = pd.DataFrame(rows).sort_values(["T", "seed"], kind="stable")
    known = pd.concat(gaps[1:] or gaps, ignore_index=True)
    return {"runs": listed, "shares": _shares(listed), "points": _examples(runs, listed), "gaps": known}


def _shares(listed: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for T, names in listed.groupby("T")["diagnosis"]:
        for name in [*KINDS, *sorted(set(names) - set(KINDS))]:
            share = share_interval(count := int((names == name).sum()), len(names))
            rows.append((T, name, count, len(names), *astuple(share)))
    return pd.DataFrame(rows, columns=["T", "diagnosis", "count", "seeds", "share", "low", "high"])


def _examples(runs: Sequence[Run], listed: pd.DataFrame) -> pd.DataFrame:
    """The run of each kind, at the T where that kind is most frequent, that stands in the middle by its ‖W‖."""
    clouds = []
    for name in KINDS:
        if len(kind := listed[listed["diagnosis"] == name]):
            ordered = kind[kind["T"] == kind["T"].mode().iloc[0]].sort_values(["weight_ratio", "seed"])
            run = runs[int(ordered.index[(len(ordered) - 1) // 2])]
            points = points_of(run, diagnose_run(run)).query("kind.str.endswith('hidden')")
            facts = {"diagnosis": name, "T": run.setting.T, "seed": run.setting.seed}
            clouds.append(pd.DataFrame({**facts, **points}))
    return pd.concat(clouds, ignore_index=True)


CIRCLES = "Some models put their datapoints on two circles"
GAP = "Two circles need a large gap at their interface"
EXCESS = "excess over the least angle, degrees, median"

_GAP_COLUMNS = ["T", "seed", "disjoint", "active", "inner"]
_GAP_COLUMNS += ["inner_squared", "outer_squared", "gap", "least_gap", "bound"]


def interface_gaps(run: Run) -> pd.DataFrame:
    """Each pair of neighbours on different circles: squared lengths, angle, and the least angles for it, in degrees.
    ``least_gap`` is that of exact memorization, ``bound`` that of the run's own largest error; it binds runs whose own
    outputs are positive (``active``). Points are inner up to the largest jump of the ordered lengths.
    """
    hidden = run.record.hidden
    squared = np.sum(hidden**2, axis=0)
    ordered = np.sort(np.sqrt(squared))
    inner = int(np.argmax(ordered[1:] / ordered[:-1])) + 1
    inside = np.sqrt(squared) <= ordered[inner - 1]
    angle = np.arctan2(hidden[1], hidden[0])
    around = np.argsort(angle)
    pairs = np.stack([around, np.roll(around, -1)])
    pairs = pairs[:, inside[pairs[0]] != inside[pairs[1]]]
    x, y = np.sort(squared[pairs], axis=0)
    slack = 2 * np.sqrt(run.record.worst_point_error)
    least, bound = (np.arccos(np.clip((x - 1 + extra) / np.sqrt(x * y), -1, 1)) for extra in (0, slack))
    turn = (angle[pairs[1]] - angle[pairs[0]]) % (2 * np.pi)
    setting, active = run.setting, run.record.assumes("active outputs")
    facts = setting.T, setting.seed, run.data.has_disjoint_supports, active, inner
    columns = (*facts, x, y, *map(np.degrees, (turn, least, bound)))
    return pd.DataFrame(dict(zip(_GAP_COLUMNS, columns, strict=True)))


def findings(tables: Tables) -> list[Finding]:
    """Shares of what became of seeds, what dropped points cost, and the gap formula."""
    shares, kind = tables["shares"], tables["runs"].query("dropped > 0 and disjoint")
    dropped = kind["train_loss"] / [*map(dropped_point_loss, kind["T"], kind["dropped"])]
    on = int(shares.loc[shares["diagnosis"] == "two circles", "count"].sum())
    said = "Train loss of runs that drop D points of disjoint data, over (D/T)(1 − 1/T)"
    regular = shares[shares["diagnosis"] == "regular T-gon"]
    return [
        Finding(CIRCLES, "agrees" if on else "not decided", "runs on two circles", on, n=len(tables["runs"])),
        *_gaps(tables["gaps"]),
        *(
            measured("Share of regular T-gons", "share", Interval(row["share"], row["low"], row["high"]),
                     row["seeds"], f"T = {row['T']}")
            for row in (regular.iloc[int(regular["share"].argmax())], regular.iloc[-1])
        ),
        measured(said, "median (5 % and 95 % quantile)", _quantiles(dropped), len(dropped)),
        _share("Of these, loss as predicted within 10 %", (dropped - 1).abs() <= DROPPED_TOLERANCE),
        _share("Of these, loss of a third or less", dropped <= 1 / 3),
    ]  # fmt: skip


def _quantiles(sample: pd.Series) -> Interval:
    """Median, 5 % and 95 % quantile; NaN of none."""
    return Interval(*sample.quantile([0.5, 0.05, 0.95]))


def summary(tables: Tables) -> pd.DataFrame:
    """Each kind: how many runs, where most often, and ‖W‖ over the least where disjoint data are memorized."""
    runs, shares = tables["runs"], tables["shares"]
    good = runs[runs["memorized"] & runs["disjoint"] & runs["diagnosis"].isin(KINDS)]
    rows = []
    for name in shares["diagnosis"].unique():
        if (own := shares[(shares["diagnosis"] == name) & (shares["count"] > 0)]).empty:
            continue
        top = own.loc[own["share"].idxmax()]
        ratios = good[good["diagnosis"] == name]["weight_ratio"]
        heads = ("‖W‖ over the least: median", "5 % quantile", "95 % quantile")
        row = {
            "kind": name,
            "runs": own["count"].sum(),
            "least T": own["T"].min(),
            "greatest T": own["T"].max(),
            "T where most often": top["T"],
            "% of seeds there": 100 * top["share"],
            **{end: 100 * top[end] for end in ("low", "high")},
            **dict(zip(heads, astuple(_quantiles(ratios)), strict=True)),
            "n": len(ratios),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _share(statement: str, of: pd.Series) -> Finding:
    """In how many of them something is so."""
    return measured(statement, "share", of.mean(), len(of))


def _gaps(gaps: pd.DataFrame) -> list[Finding]:
    """Angles on two circles beside what memorization asks for, in degrees. The bound assumes outputs that are all
    positive; it explains the angles where it is never broken and half of the pairs are within two degrees.
    """
    judged = gaps[gaps["disjoint"].astype(bool)].astype({"gap": float, "bound": float, "least_gap": float})
    excess, active = judged["gap"] - judged["bound"], judged["active"].astype(bool)
    narrow, tight, below = excess < -1e-6, excess.abs() <= 2, judged["least_gap"] - judged["gap"]
    priced = bool(tight.mean() >= 0.5 and not (narrow & active).any())
    return [
        Finding(GAP, outcome_of(priced, bool(len(judged))), EXCESS, excess.median(), n=len(judged)),
        _share("Angles within 2° of the least", tight),
        _share("Angles below the least, outputs all positive", narrow[active]),
        _share("Angles below the least, other runs", narrow[~active]),
        _share("Angles that would be below the least by 0.1° without the run's error", below > 0.1),
    ]


#: The kinds in the order in which they are stacked, and their colours and hatches.
KINDS: dict[str, tuple[str, str]] = {
    "regular T-gon": (BLUE, ""),
    "irregular polygon": ("#56B4E9", "//"),
    "two circles": ("#E69F00", ""),
    "dropped point": (VERMILLION, "\\\\"),
    "not converged": (GREY, ""),
}


def draw(tables: Tables) -> Figure:
    """Shares by T, one run of each kind, and the gaps."""
    clouds = {str(name): own for name, own in tables["points"].groupby("diagnosis", sort=False)}
    figure = empty(9.6, 11.0, h_pad=0.08)
    grid = figure.add_gridspec(3, len(clouds), height_ratios=[2.6, 1.5, 2.8])
    _draw_shares(figure.add_subplot(grid[0, :]), tables["shares"])
    titled = ((name.replace(" ", "\n"), own) for name, own in clouds.items())
    for ax, own in zip(draw_pictures(figure, grid, 1, titled, {"hidden": ""}), clouds.values(), strict=True):
        ax.set_xlabel(f"T = {own['T'].iloc[0]}, seed {own['seed'].iloc[0]}", fontsize=11)
    _draw_gaps(figure.add_subplot(grid[2, :]), tables["gaps"])
    explain_clouds(figure, tables["points"]["kind"])
    return figure


def _draw_shares(ax: Axes, shares: pd.DataFrame) -> None:
    heights = shares.pivot(index="T", columns="diagnosis", values="share")
    bottom = 0 * heights.iloc[:, 0]
    for name in shares["diagnosis"].unique():
        colour, hatch = KINDS.get(name, (INK, ""))
        ax.bar(heights.index, heights[name], bottom=bottom, width=0.86, color=colour, hatch=hatch,
               edgecolor="white", lw=0.6, label=name)  # fmt: skip
        bottom = bottom + heights[name]
    ax.set(xlabel="datapoints T", ylabel="share of seeds", ylim=(0, 1), xticks=heights.index)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=11)


def _draw_gaps(ax: Axes, gaps: pd.DataFrame) -> None:
    faces = {True: (BLUE, "disjoint supports"), False: ("none", "some datapoints share a feature")}
    for disjoint, own in parts(gaps, "disjoint"):
        face, label = faces[disjoint]
        label = f"neighbours on different circles, {label}"
        ax.plot(own["bound"], own["gap"], "o", ms=4, mfc=face, mec=BLUE, mew=0.7, alpha=0.6, label=label)
    ends = np.array([gaps["bound"].min() - 5, gaps["bound"].max() + 5])
    label = "least angle [stationary.interface-gap, memorization.robust-constraint]"
    ax.plot(ends, ends, "-", color=INK, lw=1.5, label=label)
    angle = "least angle (degrees), arccos((x − 1 + 2√ε)/√(xy)):"
    ax.set_xlabel(f"{angle}\nsquared lengths x ≤ y, largest squared error ε of the run")
    ax.set_ylabel("angle between them (degrees)")
    ax.set_ylim(top=1.2 * ax.get_ylim()[1])  # room for the legend
    ax.legend(loc="upper right", fontsize=11)
