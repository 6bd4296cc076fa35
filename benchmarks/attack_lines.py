"""Attacks by command lines: fuzzed arguments and hostile files, many in a process, counted by exit code.

Promised is an exit code that `tgon --help` lists, without a traceback, in `SECONDS` of processor time; 1 only beside a
violated claim.
"""

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import click
import numpy as np

ROOT = Path(__file__).parent.parent
#: Seconds of processor time, and bytes of memory, that one command line may take; one that waits has ten times that.
SECONDS, MEMORY = 120, 12 * 2**30
_TINY = ("--n", "60", "--sparsity", "0.9", "--steps", "20", "--seeds", "1", "--draws", "1")

#: Texts for any option, and for those of a kind.
_ANY = ["", "x", "-1", "0", "nan", "1e400", "٣", "9" * 5000, "1.5", "3", "--", "%s", "'", "inf"]
_NUMBERS = "1 2 3 5 3:5 2,3 5:3 0x10 99999999999999999999 1000000000 0.5 1e-9 7".split()


class OverTimeError(BaseException):
    """No command catches it."""


def by_code(codes: Counter[int]) -> dict[str, str]:
    """How often commands ended with each exit code."""
    return {"exit_codes": ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))}


def _lines_of_a_block(lines: list[list[str]], folder: str, report: str) -> None:
    """Run command lines in this process; to `report`, one (code, wrong) for each, as they end."""
    from click.testing import CliRunner

    from tgon.cli.main import main

    def over_time(*_: object) -> None:
        raise OverTimeError

    os.chdir(folder)
    for over in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(over, over_time)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with open(report, "w", buffering=1) as file:
        for line in lines:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.alarm(10 * SECONDS)
            try:
                done = CliRunner().invoke(main, line)
                code, output = done.exit_code, done.output
            except OverTimeError:
                code, output = 124, ""
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
            wrong = (
                code not in (0, 1, 2, 3) or (code == 1 and "violated" not in output) or "Traceback" in output
            )
            file.write(json.dumps([code, wrong, line, output[-300:] if wrong else ""]) + "\n")


def _answered(lines: list[list[str]], folder: Path) -> list[tuple[int, bool]]:
    """Exit code of every line, and whether it broke its promise; those that did are shown."""
    answers: list[tuple[int, bool]] = []
    while len(answers) < len(lines):
        block, report = lines[len(answers) : len(answers) + 250], folder / "report"
        process = multiprocessing.get_context("forkserver").Process(
            target=_lines_of_a_block, args=(block, str(folder), str(report))
        )
        process.start()
        process.join()
        found = [json.loads(row) for row in report.read_text().splitlines()] if report.exists() else []
        if len(found) < len(block):
            found.append([process.exitcode, True, block[len(found)], "the process ended"])
        for code, wrong, line, output in found:
            if wrong:
                print(code, " ".join(line)[:300], "->", output, file=sys.stderr)
            answers.append((code, wrong))
    return answers


def _row(attack: str, what: str, answers: list[tuple[int, bool]]) -> dict[str, object]:
    kept = sum(not wrong for _, wrong in answers)
    codes = by_code(Counter(code for code, _ in answers))
    return {"attack": attack, "what": what, "attempts": len(answers), "kept": kept} | codes


def _files(folder: Path) -> list[str]:
    """Good and bad files and folders that a command line may name; a run, its model and data, tables."""
    from numerics import draw_dataset, train
    from theory import Setting

    setting = Setting(T=3, n=60, sparsity=0.9, steps=20)
    (run,) = train(setting, out=folder / "runs", progress=False)
    shutil.copy(run.path, folder / "run.safetensors")
    np.savez(folder / "model.npz", W=run.W, b=run.b)
    np.save(folder / "data.npy", draw_dataset(setting).dense())
    sweep = "title = 's'\n[setting]\nn = 60\nsparsity = 0.9\nsteps = 20\n[grid]\nT = [2, 3]\n"
    (folder / "sweep.toml").write_text(sweep)
    shutil.copytree(ROOT / "experiments/threshold/tables", folder / "tables" / "tables")
    shutil.copy(ROOT / "experiments/threshold/commentary.md", folder / "tables")
    (folder / "garbage").write_bytes(random.Random(0).randbytes(5000))
    named = "run.safetensors model.npz data.npy sweep.toml tables garbage runs new missing/x"
    return [*named.split(), "/proc/none", "/dev/null", ".", "a" * 4000]


def fuzzed(numbers: random.Random, scale: float, folder: Path) -> list[dict[str, object]]:
    """Commands with drawn options: half of the values of the right kind, the others any text."""
    from tgon.cli.main import main

    files = _files(folder)
    commands = {name: command for name, command in main.commands.items() if name not in ("bench", "notes")}
    drawn: dict[str, list[list[str]]] = {name: [] for name in commands}
    for _ in range(round(2000 * scale)):
        name = numbers.choice(list(commands))
        drawn[name].append([name, *_options(commands[name], files, numbers)])
    return [_row("fuzzed command line", name, _answered(lines, folder)) for name, lines in drawn.items()]


def _options(command: click.Command, files: list[str], numbers: random.Random) -> list[str]:
    known = {flag for param in command.params for flag in param.opts}
    line = [part for k in range(0, len(_TINY), 2) if _TINY[k] in known for part in _TINY[k : k + 2]]
    for param in command.params:
        if numbers.random() > (0.8 if param.required or isinstance(param, click.Argument) else 0.15):
            continue
        if getattr(param, "is_flag", False):
            line.append(numbers.choice(param.opts))
            continue
        kind = _NUMBERS
        if isinstance(param.type, click.Choice):
            kind = [str(choice) for choice in param.type.choices]
        elif isinstance(param.type, click.Path) or isinstance(param, click.Argument):
            kind = files
        value = numbers.choice(kind if numbers.random() < 0.7 else _ANY)
        line += [value] if isinstance(param, click.Argument) else [param.opts[0], value]
    return line


def hostile(numbers: random.Random, scale: float, folder: Path) -> list[dict[str, object]]:
    """Files of every reader cut, flipped, filled or made by the generators of the tests of model files."""
    from tests.verify.test_model_files import _NO_ARRAYS, _NO_MODEL

    _files(folder)
    made = []
    for name, make in (_NO_MODEL | _NO_ARRAYS).items():
        make(folder / f"made {name}")
        made.append(f"made {name}")
    tables, out = ("figure", "threshold", "--from", "tables", "--out", "drawn"), ("--out", "again")
    readers = {
        "run": ("run.safetensors", [["check"], ["polish"]]),
        "model": ("model.npz", [["check"], ["polish"]]),
        "data": ("data.npy", [["check", "model.npz", "--data"], ["polish", "model.npz", "--data"]]),
        "sweep file": ("sweep.toml", [["sweep", *out, "--status"], ["sweep", *out]]),
        "table": ("tables/tables/n1000.csv", [[*tables]]),
        "form of a table": ("tables/tables/form.csv", [[*tables]]),
    }
    rows = []
    for what, (source, commands) in readers.items():
        good, answers = (folder / source).read_bytes(), list[tuple[int, bool]]()
        named = (
            [] if source.startswith("tables") else [[*command, one] for command in commands for one in made]
        )
        answers += _answered(named, folder) if named else []
        for k in range(round(60 * scale)):
            (folder / source).write_bytes(_damaged(good, k, numbers))
            command = commands[k % len(commands)]
            answers += _answered([command if source.startswith("tables") else [*command, source]], folder)
        (folder / source).write_bytes(good)
        rows.append(_row("hostile file", what, answers))
    return rows


def _damaged(good: bytes, k: int, numbers: random.Random) -> bytes:
    place = numbers.randrange(len(good))
    if k % 4 == 0:
        return good[:place]
    if k % 4 == 1:
        return good[:place] + bytes([good[place] ^ 1 << numbers.randrange(8)]) + good[place + 1 :]
    if k % 4 == 2:
        return (
            good[:place]
            + numbers.choice([b"9" * 5000, b"[" * 5000, b"\x00", b"\n", b"nan", b","])
            + good[place:]
        )
    return good[:place] + numbers.randbytes(64) + good[place + 64 :]
