"""Mutation testing: how many small faults, put into the sources one at a time, the tests next to them find.

    make mutants                            # a sample of every file; goes on where it was interrupted
    python benchmarks/mutants.py theory/setting.py --number 100000      # every mutant of a file

Faults are cosmic-ray's; `mutants.toml` has the rules. A mutant is tried in a copy of the tree by a forked process that
has imported the libraries already. The quickest tests that reach its line run first; one that they miss meets all tests
of its file. It is killed when a test fails, or takes ten seconds and twice the processor time of all traced tests.
Outcomes are kept in build/mutants: what is killed stays so until its file changes, survivors are tried again when tests
change. As a control some of the killed meet the same tests without assert statements, and without doctests.
"""

import argparse
import ast
import gc
import hashlib
import importlib
import itertools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, settings

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "mutants"
TREE, LOG = BUILD / "tree", BUILD / "outcomes.jsonl"
RULES = tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def is_logic(node: Any) -> bool:
    """Whether a node of parso's tree is no text, annotation, decorator, raise statement or mark of a signature."""
    if node.type == "operator" and node.parent.type in ("parameters", "lambdef"):
        return False
    while (above := node.parent) is not None:
        if above.type in RULES["not_logic"] or (above.type == "annassign" and node is above.children[1]):
            return False
        if above.type == "funcdef" and (node is above.annotation or above.name.value in RULES["functions"]):
            return False
        node = above
    return True


def mutants(file: str, source: str) -> Iterator[tuple[int, str, str, str, str]]:
    """Line, operator, the line before and after, and the whole text of each mutant. Their order is that of a hash and
    of the seed: one for each place of the code, then the second of each place, and so on.
    """
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.operators.provider import OperatorProvider

    lines, same, places = source.splitlines(), defaultdict[Any, int](int), defaultdict[Any, list[Any]](list)
    nodes = [(node, is_logic(node)) for node in ast_nodes(get_ast(source))]
    operators = {name: OperatorProvider()[name] for name in OperatorProvider()}
    for name, operator in operators.items():
        if operator.arguments() or any(fnmatch(name, pattern) for pattern in RULES["left_out"]):
            continue
        found = ((logic, place) for node, logic in nodes for place, _ in operator().mutation_positions(node))
        for occurrence, (logic, place) in enumerate(found):
            line = lines[place[0] - 1].strip()
            same[line, name] += 1
            if logic and not any(text in line for text in RULES["lines"]):
                key = digest(RULES["seed"] + file, line, name, str(same[line, name]))
                places[place].append((key, place[0], name, occurrence))
    ranked = sorted((turn, *one) for at in places.values() for turn, one in enumerate(sorted(at)))
    for _, _, number, name, occurrence in ranked:
        text = mutate_code(source, operators[name](), occurrence)
        with suppress(SyntaxError):
            if ast.dump(ast.parse(text)) != ast.dump(ast.parse(source)):
                yield number, name, lines[number - 1].strip(), text.splitlines()[number - 1].strip(), text


class Tests:
    """A plugin of pytest: runs tests in an order, or notes the time of each and the lines of sources that it runs."""

    def __init__(self, tree: Path, order: list[str] | None = None, notes: Path | None = None):
        self.tree, self.order, self.notes, self.found = f"{tree}/", order, notes, dict[str, Any]()

    def pytest_collection(self) -> None:
        settings.register_profile("mutants", settings(), phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutants")  # one failing example is enough, however large

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # of a source its doctests: a function of it may be called test_…
        items[:] = [
            one for one in items if one.path.name.startswith("test_") or isinstance(one, pytest.DoctestItem)
        ]
        if self.order is not None:
            rank = {name: k for k, name in enumerate(self.order)}
            items[:] = sorted((one for one in items if one.nodeid in rank), key=lambda one: rank[one.nodeid])

    def trace(self, frame: Any, event: str, argument: Any) -> Any:
        if not (file := frame.f_code.co_filename).startswith(self.tree) or "/tests/" in file:
            return None
        self.lines[file.removeprefix(self.tree)].add(frame.f_lineno)
        return self.trace

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.lines, start = defaultdict[str, set[int]](set), time.process_time()
        if self.notes:
            threading.settrace(self.trace)
            sys.settrace(self.trace)
        result = yield
        sys.settrace(None)
        self.found[item.nodeid] = (
            time.process_time() - start,
            {file: sorted(n) for file, n in self.lines.items()},
        )
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)  # taking down would cost more than the tests

    def pytest_sessionfinish(self) -> None:
        if self.notes:
            self.notes.write_text(json.dumps(self.found))


def run(tree: Path, files: list[str], limit: float, *options: str, **plugin: Any) -> int:
    """What pytest answers on files of a tree, in a forked process of at most so many seconds of processor time."""
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.chdir(tree)
    sys.path[0] = os.environ["PYTHONPATH"] = str(tree)
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (RULES["memory"], RULES["memory"]))
    signal.alarm(int(100 * limit))  # one that waits for ever
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    os._exit(pytest.main(["-qx", "--tb=no", "-mnot slow", *options, *files], plugins=[Tests(tree, **plugin)]))


def is_killed(tree: Path, file: str, text: str, runs: list[list[str]], limit: float, *options: str) -> bool:
    """Whether a run of tests fails while a file of the tree has another text. A run is names of tests or files."""
    path, kept = tree / file, (tree / file).read_text(encoding="utf-8")
    times = path.stat()
    try:
        path.write_text(text, encoding="utf-8")
        os.utime(path, (0, int(digest(text)[:7], 16)))  # bytecode is told apart by seconds
        for names in runs:
            order = names if "::" in names[0] else None
            files = list(dict.fromkeys(name.split("::")[0] for name in names))
            if run(tree, files, limit, *options, order=order) not in (0, 5):  # 5: no such tests any more
                return True
        return False
    finally:
        path.write_text(kept, encoding="utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def without_asserts(source: str) -> str:
    """A test file whose assert statements, and calls of functions named assert…, are replaced by nothing."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, name, None), list):
                block[:] = [ast.Pass() if re.match("assert", ast.unparse(one)) else one for one in block]
    return ast.unparse(ast.fix_missing_locations(tree))


def copy(bare: bool) -> None:
    """The tree as it is now in build/mutants/tree; its tests without asserts, if so wanted."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=HERE.parent, capture_output=True
    )
    names = {name for name in listed.stdout.decode().split("\0") if (HERE.parent / name).is_file()}
    for path in [*TREE.rglob("*.py")]:
        if str(path.relative_to(TREE)) not in names:
            path.unlink()
    for name in names:
        text, path = (HERE.parent / name).read_bytes(), TREE / name
        if bare and name.startswith("tests/") and name.endswith(".py"):
            text = without_asserts(text.decode()).encode()
        if not path.exists() or path.read_bytes() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)


def tests_of(file: str) -> list[str]:
    """The file with its doctests, and its tests: those of its table, or the file at the same place in tests/."""
    mirror = str(Path("tests", file).with_name(f"test_{Path(file).name}"))
    also = [test for folder, test in RULES["also"].items() if file.startswith(folder)]
    return list(dict.fromkeys([file, *RULES["tests"].get(file, [mirror]), *also]))


def lines_of(files: list[str], source: str) -> dict[str, tuple[float, set[int]]]:
    """For each test in files: its processor time, and the lines of a source that it runs."""
    found = dict[str, Any]()
    for file in files:
        notes = BUILD / f"{digest(file, (TREE / file).read_text(encoding='utf-8'))}.json"
        if not notes.exists() and run(TREE, [file], 3600, notes=notes) not in (0, 5):
            sys.exit(f"{file} fails without a mutant")
        found |= json.loads(notes.read_text())
    return {test: (seconds, set(lines.get(source, ()))) for test, (seconds, lines) in found.items()}


def judged(file: str, number: int, bare: bool) -> pd.DataFrame:
    """The first mutants of a file with their outcomes, tried as far as these are not known."""
    source, files = (TREE / file).read_text(encoding="utf-8"), tests_of(file)
    suite = digest(*((TREE / name).read_text(encoding="utf-8") for name in files))
    known = {row["key"]: row for row in map(json.loads, LOG.read_text().splitlines())} if LOG.exists() else {}
    reached, rows = lines_of(files, file), []
    limit = 10 + 2 * sum(seconds for seconds, _ in reached.values())
    for line, operator, before, after, text in itertools.islice(mutants(file, source), number):
        key = digest(file, text, str(bare))
        if key not in known or not (known[key]["killed"] or known[key]["suite"] == suite):
            order = sorted(
                (test for test in reached if line in reached[test][1]), key=lambda test: reached[test][0]
            )
            runs = [order] if order and (bare or len(order) == len(reached)) else [order, files[bare:]]
            options = ["-oaddopts="] if bare else []  # no doctests
            killed = is_killed(TREE, file, text, [names for names in runs if names], limit, *options)
            known[key] = {"key": key, "suite": suite, "killed": killed}
            with LOG.open("a") as log:
                print(json.dumps(known[key]), file=log)
            print(
                f"{file}:{line} {'killed' if killed else 'SURVIVED'}{' without asserts' * bare}  {before}  ->  {after}",
                file=sys.stderr,
            )
        rows.append((file, line, operator, before, after, known[key]["killed"]))
    return pd.DataFrame(rows, columns=["file", "line", "operator", "before", "after", "killed"])


def joined(name: str, new: pd.DataFrame, files: list[str]) -> pd.DataFrame:
    """A committed table with the rows of some files replaced."""
    old = pd.read_csv(HERE / name, keep_default_na=False) if (HERE / name).exists() else new[:0]
    table = pd.concat([old[~old.file.isin(files)], new]).sort_values("file", kind="stable")
    table.to_csv(HERE / name, index=False)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--number", type=int, default=RULES["number"], help="mutants of a file")
    parser.add_argument(
        "--control", type=int, default=RULES["control"], help="mutants of a file in the control"
    )
    arguments = parser.parse_args()
    listed = sorted(
        str(path.relative_to(HERE.parent)) for one in RULES["files"] for path in HERE.parent.glob(one)
    )
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(BUILD / "bytecode")
    for name in RULES["libraries"]:
        importlib.import_module(name)
    gc.freeze()  # nothing that is imported here is ever collected in the processes
    for file in arguments.files or listed:
        copy(bare=False)
        found = judged(file, arguments.number, bare=False)
        if found.empty:
            continue  # a file of types
        copy(bare=True)
        control = judged(file, arguments.control, bare=True) if arguments.control else found[:0]
        killed = int(found.killed.sum())
        row = (file, len(found), killed, len(found) - killed, round(killed / max(1, len(found)), 3))
        columns = ["file", "mutants", "killed", "survived", "score", "controls", "killed_without_asserts"]
        joined(
            "mutants.csv",
            pd.DataFrame([(*row, len(control), int(control.killed.sum()))], columns=columns),
            [file],
        )
        reasons = HERE / "mutants_survived.csv"
        old = pd.read_csv(reasons, keep_default_na=False) if reasons.exists() else found[:0].assign(reason="")
        alive = found[~found.killed.astype(bool)].drop(columns="killed")
        told = alive.merge(old[["file", "before", "after", "reason"]].drop_duplicates(), "left")
        joined("mutants_survived.csv", told.fillna({"reason": ""}), [file])


if __name__ == "__main__":
    main()
