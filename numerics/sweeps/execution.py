"""Sweeps: many settings trained into one folder of runs, on this machine or on a cluster. A cell is one
`theory.Setting` and becomes one run file, with the bits that `numerics.train` gives it. Finished cells are never
trained again, a failed one is a row with a reason and does not stop the others, and after Ctrl-C or a kill the same
call goes on where it stopped.
"""

import threading
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from numerics.engines import EngineName, resolve_engine
from numerics.engines.cpu.trajectory import uses_all_cores
from numerics.sweeps.cells import CellState, Ledger, failure_reason, sweep_states
from numerics.sweeps.file import Sweep
from numerics.training.loop import Interrupted
from numerics.training.obtaining import obtain, prepare_folder
from numerics.training.progress import count_of, progress_bar
from numerics.training.runs import run_name
from numerics.training.threads import train_in_threads


def run_sweep(
    sweep: Sweep,
    out: str | Path = "runs",
    *,
    jobs: int | None = None,
    backend: Literal["local", "dask"] = "local",
    address: str | None = None,
    retry_failed: bool = False,
    progress: bool = True,
) -> list[CellState]:
    """Train what is left of a sweep; the state of every cell afterwards, in order.

    sweep : see `read_sweep`.
    out : folder of run files and records of failures.
    jobs : runs in flight at once: threads on this machine (by default one per core; large runs always go one at a
        time), tasks on a cluster (by default two per worker thread).
    backend, address : "local", or "dask" with the address of a scheduler, such as "tcp://10.0.0.1:8786".
    retry_failed : train the cells that failed before, and only those; otherwise they are passed over with a warning.
    progress : show progress and time left on stderr.

    Raises ValueError: An unknown engine or backend, ``jobs`` below 1, an address that is missing or not wanted. Raises
    OSError: ``out`` cannot be written. Raises numerics.sweeps.cluster.ClusterError: The cluster cannot be used. Raises
    KeyboardInterrupt: After Ctrl-C, once running threads have stopped.

    >>> import tempfile
    >>> from theory import Setting
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run_sweep(Sweep((Setting(T=2, n=50, steps=40),)), folder, progress=False)[0].state
    'done'
    """
    _check(jobs, backend, address)
    engine, folder = resolve_engine(sweep.engine), prepare_folder(Path(out))
    before = sweep_states(sweep, folder)
    wanted = _failed(before, engine, folder) if retry_failed else _left(before)
    if not wanted:
        return before
    # small runs first, each kind in the order of the file
    wanted.sort(key=lambda cell: uses_all_cores(cell.setting.n, cell.setting.T, cell.setting.m))
    settings, groups = [cell.setting for cell in wanted], [cell.group for cell in wanted]
    with progress_bar(settings, groups, title="sweep", shown=progress) as meter:
        ledger = Ledger(settings, engine, folder, meter)
        if backend == "dask":
            from numerics.sweeps.cluster import train_on_cluster

            train_on_cluster(ledger, str(address), jobs)
        else:
            train_in_threads(settings, engine, jobs, partial(_train_here, ledger))
    return sweep_states(sweep, folder)


def _failed(cells: Sequence[CellState], engine: EngineName, folder: Path) -> list[CellState]:
    """The cells that failed, ready to be trained again."""
    wanted = [cell for cell in cells if cell.state == "failed"]
    for cell in wanted:  # a diverged run is its own record
        (folder / f"{run_name(cell.setting, engine)}.safetensors").unlink(missing_ok=True)
    return wanted


def _left(cells: Sequence[CellState]) -> list[CellState]:
    """Cells to train: those that are left, and those that another process is at, whose end is waited for."""
    if failed := sum(cell.state == "failed" for cell in cells):
        warnings.warn(
            f"passing over {count_of(failed, 'cell')} of {len(cells)} that failed before; "
            "--retry-failed (retry_failed=True) trains what failed again",
            stacklevel=3,
        )
    return [cell for cell in cells if cell.state in ("left", "running")]


def _check(jobs: int | None, backend: str, address: str | None) -> None:
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs is {jobs}; at least one run must be in flight, try jobs=1")
    if backend not in ("local", "dask"):
        raise ValueError(f"backend {backend!r} is not known; allowed are local, dask")
    if (backend == "dask") != (address is not None):
        raise ValueError(
            f"address is {address!r}, backend {backend}; dask, and only dask, needs the address of its scheduler"
        )


def _train_here(ledger: Ledger, places: list[int], stop: threading.Event) -> None:
    """Cells of one shape together; where that raises, those without a run alone, so that each has a reason. OSError is
    raised: where the disk refuses, the next cell would fare no better.
    """
    settings = [ledger.settings[place] for place in places]
    advances = [partial(ledger.meter.advance, place) for place in places]
    left = list(places)
    try:
        for at, run in obtain(settings, ledger.engine, ledger.folder, advances, stop):
            left.remove(places[at])
            ledger.finish(places[at], run)
    except (Interrupted, OSError):
        raise
    except Exception as error:  # noqa: BLE001 (whatever one cell raises is its reason, the others go on)
        if len(places) == 1:
            ledger.fail(places[0], failure_reason(error))
            return
        for place in left:  # whose fault it was shows when each is trained alone
            _train_here(ledger, [place], stop)
