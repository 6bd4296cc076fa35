"""How long runs took to train: one line per piece of work in a file beside the runs. Not in the run files themselves,
which hold nothing that differs between two trainings of one setting.
"""

import contextlib
import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

#: The file, in a folder of runs: name of the run and seconds, separated by a comma; a resumed run has several lines.
TIMES = "times.csv"


@contextlib.contextmanager
def timed(name: str, folder: Path, among: int = 1) -> Iterator[None]:
    """Add the wall time of the block, shared ``among`` so many runs, to the run called ``name``, interrupted or not.
    The time of a piece that was killed is lost; that of a piece for which the disk has no room, too.
    """
    began = time.monotonic()
    try:
        yield
    finally:
        line = f"{name},{(time.monotonic() - began) / among:.3f}\n".encode()
        with contextlib.suppress(OSError), open(folder / TIMES, "ab", buffering=0) as file:
            file.write(line)  # one write, so that lines of several processes do not mix


def training_seconds(names: Iterable[str], folder: Path) -> dict[str, float]:
    """Seconds that each of these runs took, for those of which it is known; damaged lines are passed over.

    >>> training_seconds(["a"], Path("no such folder"))
    {}
    """
    wanted, seconds = set(names), dict[str, float]()
    with contextlib.suppress(OSError), open(folder / TIMES, encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, number = line.strip().partition(",")
            with contextlib.suppress(ValueError):
                if name in wanted and 0 <= (taken := float(number)) < math.inf:
                    seconds[name] = seconds.get(name, 0.0) + taken
    return seconds
