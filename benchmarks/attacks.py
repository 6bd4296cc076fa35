"""What tgon does under attack, counted: kills, full disks, shared folders, fuzzed command lines, hostile files.

    python benchmarks/attacks.py [kills full_disk shared fuzzed hostile cluster] [--scale 0.1]

replaces its rows in `benchmarks/attacks.csv`. Each attack has a seed, but where
a signal meets a process is up to the machine. A command is run in a process of its own, forked from one that has
loaded torch but started no thread. The program must not be edited meanwhile: run files name the version of the sources.
"""

import argparse
import datetime
import hashlib
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd
from attack_lines import by_code, fuzzed, hostile

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "benchmarks" / "attacks.csv"
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["torch", "numba", "matplotlib.pyplot", "scipy.optimize", "tgon.cli.main", "verify"]
)

TRAIN = tuple("train --T 3,4 --n 600 --sparsity 0.98 --steps 6000 --seeds 2 --quiet".split())
SWEEP = (
    'title = "s"\n[setting]\nn = 600\nsparsity = 0.98\nsteps = 4000\n[grid]\nT = [2, 3, 4]\nseed = "0:2"\n'
)


def _commands(folder: Path) -> dict[str, tuple[str, ...]]:
    """What is killed, with its output in `folder`."""
    (folder.parent / "sweep.toml").write_text(SWEEP)
    return {
        "train": (*TRAIN, "--out", str(folder)),
        "sweep": ("sweep", str(folder.parent / "sweep.toml"), "--out", str(folder), "--quiet"),
        "figure": ("figure", "threshold", "--from", f"{ROOT}/experiments/threshold", "--out", str(folder)),
    }


def _run(arguments: tuple[str, ...], log: str, largest_file: int) -> None:
    """A process's whole work: the command, with frequent checkpoints; it exits with the command's code."""
    import numerics.training.loop
    from tgon.cli.main import main

    numerics.training.loop.WORK_PER_CALL, numerics.training.loop.CHECKPOINT_SECONDS = 2_000_000, 0.0
    with open(log if largest_file < 0 else os.devnull, "w") as file:  # a log would have the limit too
        os.dup2(file.fileno(), 1), os.dup2(file.fileno(), 2)
    if largest_file >= 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    main(list(arguments))


def _start(
    arguments: tuple[str, ...], log: Path, largest_file: int = -1
) -> multiprocessing.process.BaseProcess:
    process = PROCESSES.Process(target=_run, args=(arguments, str(log), largest_file))
    process.start()
    return process


def _ended(process: multiprocessing.process.BaseProcess) -> int:
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _bits(folder: Path) -> dict[str, str]:
    kept = [
        path for path in folder.rglob("*") if path.suffix in {".safetensors", ".png"} or path.name[0] == "."
    ]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def _same(folder: Path, expected: dict[str, str]) -> bool:
    """Whether nothing is missing, changed or left over; what differs is shown."""
    differing = sorted(dict(set(_bits(folder).items()) ^ set(expected.items())))
    if differing:
        print("differ:", *differing, file=sys.stderr)
    return not differing


def _whole(name: str, folder: Path) -> dict[str, str]:
    """Bits of a command that nothing disturbed."""
    code = _ended(_start(_commands(folder / "whole")[name], folder / "log"))
    assert code == 0, (folder / "log").read_text()
    return _bits(folder / "whole")


def kills(numbers: random.Random, scale: float, folder: Path) -> list[dict[str, object]]:
    """SIGKILL at random moments; each output is hit again until it is whole, then compared bit by bit."""
    rows = []
    for name in ("train", "sweep", "figure"):
        expected, killed, ends, same = _whole(name, folder), 0, 0, 0
        began = time.monotonic()
        _ended(_start(_commands(folder / "timed")[name], folder / "log"))
        usual = time.monotonic() - began
        while killed < 50 * scale or ends == 0:
            process = _start(_commands(folder / "killed")[name], folder / "log")
            process.join(numbers.uniform(0.02, 1.0) * usual)
            if process.exitcode is None:
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
            killed += _ended(process) == -signal.SIGKILL
            if process.exitcode == 0 or killed % 10 == 0:
                ends += 1
                done = _ended(_start(_commands(folder / "killed")[name], folder / "log")) == 0
                same += done and _same(folder / "killed", expected)
                shutil.rmtree(folder / "killed")
        for used in ("timed", "whole", "killed"):  # the last output may be half a one
            shutil.rmtree(folder / used, ignore_errors=True)
        rows.append({"attack": "SIGKILL", "what": f"{name}, {killed} kills", "attempts": ends, "kept": same})
    return rows


def full_disk(numbers: random.Random, scale: float, folder: Path) -> list[dict[str, object]]:
    """No file may grow beyond a limit, so that a write fails; then the command is run again without one."""
    rows = []
    for name in ("train", "sweep", "figure"):
        expected, kept, codes = _whole(name, folder), 0, Counter[int]()
        largest = max(path.stat().st_size for path in (folder / "whole").rglob("*"))
        limits = [0, 1, *(int(largest ** numbers.random()) for _ in range(round(18 * scale)))]
        for limit in limits:
            log = folder / "log"
            code = _ended(_start(_commands(folder / "full")[name], log, limit))
            codes[code] += 1
            again = _ended(_start(_commands(folder / "full")[name], log))
            kept += code in (0, 2) and again == 0 and _same(folder / "full", expected)
            shutil.rmtree(folder / "full")
        shutil.rmtree(folder / "whole")
        rows.append(
            {"attack": "full disk", "what": name, "attempts": len(limits), "kept": kept} | by_code(codes)
        )
    return rows


def shared(numbers: random.Random, scale: float, folder: Path) -> list[dict[str, object]]:
    """Several processes at once on one folder, one of them killed in every other attempt."""
    expected, rows = _whole("sweep", folder), []
    for count in (2, 5):
        attempts, kept = round(10 * scale) or 1, 0
        for attempt in range(attempts):
            crowd = [_start(_commands(folder / "crowd")["sweep"], folder / f"log{k}") for k in range(count)]
            if attempt % 2:
                time.sleep(numbers.uniform(0.2, 1.5))
                crowd[0].kill()
            codes = [_ended(process) for process in crowd]
            kept += codes[1:] == [0] * (count - 1) and _same(folder / "crowd", expected)
            shutil.rmtree(folder / "crowd")
        rows.append(
            {"attack": "shared folder", "what": f"{count} processes", "attempts": attempts, "kept": kept}
        )
    shutil.rmtree(folder / "whole")
    return rows


def cluster(numbers: random.Random, scale: float, folder: Path) -> list[dict[str, object]]:
    """The tests that kill workers and schedulers of Dask, each several times."""
    count, kept, chosen = (
        round(10 * scale) or 1,
        0,
        "killed or lost_scheduler or silent_and_gone or dies or gives_up or kills",
    )
    for _ in range(count):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen]
        tests = ROOT / "tests/numerics/sweeps/test_cluster.py"
        kept += (
            subprocess.run(
                [*command, str(tests)], cwd=ROOT, stdout=subprocess.DEVNULL, check=False
            ).returncode
            == 0
        )
    return [
        {
            "attack": "Dask",
            "what": "a worker or the scheduler killed, rounds of 6 tests",
            "attempts": count,
            "kept": kept,
        }
    ]


ATTACKS = {one.__name__: one for one in (kills, full_disk, shared, fuzzed, hostile, cluster)}


def _main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(ATTACKS))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from numerics.benchmark import describe_machine

    about = {
        "seed": options.seed,
        "date": datetime.date.today().isoformat(),
        "machine": describe_machine()["cpu"],
    }
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            found = ATTACKS[name](random.Random(options.seed), options.scale, Path(folder))
        rows = pd.DataFrame([{"name": name} | row | about for row in found])
        old = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame({"name": []})
        pd.concat([old[old["name"] != name], rows]).to_csv(TABLE, index=False)
        print(rows.to_string(), flush=True)


if __name__ == "__main__":
    _main()
