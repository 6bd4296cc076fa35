"""Training many runs: seeds share the cores, finished runs are kept and reused, a kill loses seconds. A failure of
training (divergence, no memorization) is the status of a run, never an exception.
"""

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from numerics.engines import resolve_engine
from numerics.training.loop import Progress
from numerics.training.obtaining import obtain, prepare_folder
from numerics.training.progress import progress_bar
from numerics.training.runs import Run, Runs
from numerics.training.threads import train_in_threads
from theory.integer_arguments import checked_integer
from theory.setting import Setting, as_setting


def train(
    settings: Setting | int | Sequence[Setting | int],
    seeds: int | Iterable[int] = 1,
    *,
    engine: str = "auto",
    out: str | Path | None = "runs",
    progress: Progress | bool = True,
    threads: int | None = None,
    **values: Any,
) -> Runs:
    """Train every setting with every seed.

    settings : one setting or several; an integer is T, the rest is then in ``values``, else as in the paper.
    seeds : how many seeds, counted from each setting's own ``seed``, or the seeds themselves. A seed draws dataset and
        start, except that a setting whose ``data_seed`` differs from its ``seed`` keeps its dataset.
    engine : "auto", "cpu", "cuda" or "reference"; "auto" is "cuda" where there is a GPU, else "cpu".
    out : folder of run files; runs found there are reused. None keeps them in memory only.
    progress : True shows a bar on stderr; a function is called with the number of steps just done.
    threads : small runs in flight at once, by default one per core; a large one takes all cores, and on a GPU runs of
        one shape train together. Results do not depend on it.

    Raises ValueError: An unknown engine, no seeds, a negative seed, no threads. Raises TypeError: ``settings`` are no
    settings. Raises OSError: ``out`` cannot be written. Raises KeyboardInterrupt: After Ctrl-C, once running threads
    have stopped; the same call goes on from there.

    >>> train(Setting(T=2, n=50, sparsity=0.9, steps=40), seeds=2, out=None, progress=False)
    <Runs: 2 runs, 0 memorized>
    """
    name = resolve_engine(engine)
    threads = None if threads is None else checked_integer("threads", threads, 2)
    several = list(settings) if isinstance(settings, Iterable) else [settings]
    wanted = _expand([as_setting(one, values, "train") for one in several], seeds)
    folder = None if out is None else prepare_folder(Path(out))
    runs: dict[int, Run] = {}
    with progress_bar(wanted, shown=progress is True) as meter:

        def work(places: list[int], stop: threading.Event) -> None:
            told = [progress if callable(progress) else partial(meter.advance, place) for place in places]
            for at, run in obtain([wanted[place] for place in places], name, folder, told, stop):
                runs[places[at]] = run
                meter.settle(places[at], failed=run.status == "diverged")

        train_in_threads(wanted, name, threads, work)
    return Runs([runs[place] for place in range(len(wanted))])


def _expand(settings: Sequence[Setting], seeds: int | Iterable[int]) -> list[Setting]:
    if isinstance(seeds, (int, np.integer)):
        wanted = [one.replace(seed=one.seed + k) for one in settings for k in range(int(seeds))]
    else:
        listed = [int(seed) for seed in seeds]
        wanted = [one.replace(seed=seed) for one in settings for seed in listed]
    if not wanted:
        raise ValueError(f"nothing to train: {len(settings)} settings, seeds={seeds!r}; give one of each")
    return wanted
