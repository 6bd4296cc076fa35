"""The page of an experiment: question, figure, result, and how to make it again.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numerics.sweep_meter import about
from theory import Setting
from verify.experiments import Experiment

__all__ = ["ANIMATION", "page"]

#: The file of an animation, beside the figure.
ANIMATION = "animation.gif"

#: Fields of the setting that are shown even where they have the paper's value.
_ALWAYS = ("T", "n", "sparsity", "m", "steps", "weight_decay", "seed", "data_seed")

_COUNTS = {
    "form": "form",
    "engine": "engine",
    "runs": "runs asked for",
    "missing": "not trained",
    "diverged": "diverged, left out",
    "memorized": "memorized",
}


def page(
    experiment: Experiment, form: Mapping[str, str], result: str, folder: str, tables: Sequence[str]
) -> str:
    """The page in Markdown; ``folder`` is where figure and tables lie, as seen from it."""
    preview = form["form"] == "preview"
    flag = " --preview" if preview else ""
    parts = [
        f"# {experiment.title}",
        experiment.question,
        *([_PREVIEW] if preview else []),
        *([_missing(form)] if form["missing"] != "0" else []),
        f"![{experiment.title}]({folder}/figure.png)",
        f"*{experiment.caption}*",
        *([f"![{experiment.title}, over training]({folder}/{ANIMATION})"] if experiment.animated else []),
        "## Result",
        _plain(result.strip()) if preview else result.strip(),
        "## How it was made",
        f"```sh\ntgon sweep {form['sweep']}{flag} --out runs\n"
        f"tgon figure {experiment.name}{flag} --runs runs --out experiments/{experiment.name}\n```",
        _settings(form),
        f"Numbers: {', '.join(f'[{name}]({folder}/{name})' for name in tables)}; "
        f"`tgon figure {experiment.name} --from experiments/{experiment.name}` draws figure and page from "
        f"them alone.",
    ]
    return "\n\n".join(parts) + "\n"


_PREVIEW = (
    "**Preview form**: smaller than the paper's setting so that two cores make it quickly. It shows what to "
    "expect "
    "and proves no claim."
)


def _plain(result: str) -> str:
    """Without bold print: that is for claims, and a preview proves none."""
    return result.replace("**", "")


def _missing(form: Mapping[str, str]) -> str:
    named = f": {form['absent']}" if "absent" in form else ""
    return (
        f"**{form['missing']} of {form['runs']} runs are missing**{named}. What follows is about the others."
    )


def _settings(form: Mapping[str, str]) -> str:
    paper = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in _PAPER.items()}
    rows = [(title, form[key]) for key, title in _COUNTS.items() if key in form]
    if "seconds" in form:
        rows.append((f"training time of {form['timed']} runs, summed", about(float(form["seconds"]))))
    rows += [
        (f"`{name}`", form[name]) for name in paper if name in _ALWAYS or form.get(name, "") != paper[name]
    ]
    lines = [f"| {key} | {value} |" for key, value in rows]
    return "\n".join(
        ["| | |", "|---|---|", *lines, "", "Everything else is as in the paper (`tgon train --help`)."]
    )


_PAPER = Setting(T=1).as_dict()
