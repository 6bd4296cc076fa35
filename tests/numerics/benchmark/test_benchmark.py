"""The benchmark measures what it says, whatever the numbers are: no test here looks at a time."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from numerics.benchmark import regimes as benchmark
from numerics.benchmark.bound import _mix, _mix_call
from numerics.benchmark.regimes import QUICK, Plan
from tgon.cli.main import main

SIZES = {"regimes": ((60, 3, 2),), "growth": ((60, 4, 2),), "memory": ((60, 2, 2),)}
TINY = Plan(**SIZES, late=40, seconds=0.001, repeats=1, slices=2)


@pytest.fixture(scope="module")
def rows() -> list[benchmark.Row]:
    """Measured in this process, not one for each measurement."""

    def here(
        measure: Callable[..., dict[str, float]], request: dict[str, Any], environment: object = None
    ) -> dict[str, float]:
        return measure(**request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "in_process", here)
        return list(benchmark.run(TINY))


@pytest.mark.parametrize("own_processes", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_size_of_a_plan_has_its_rows_and_they_add_up(
    rows: list[benchmark.Row], own_processes: bool
) -> None:
    rows = list(benchmark.run(TINY)) if own_processes else rows
    assert [table for table, _ in rows] == ["speed", "speed", "growth", "memory"]
    early, late, growth, memory = (row for _, row in rows)
    assert [(row["n"], row["T"], row["m"]) for _, row in rows] == [(60, 3, 2)] * 2 + [(60, 4, 2), (60, 2, 2)]
    assert (early["state"], late["state"]) == ("early", "late")
    for row in (early, late):
        assert row["default_ratio"] == pytest.approx(row["default"] / row["all_cores"])
        assert row["tuned_ratio"] == pytest.approx(row["tuned"] / row["all_cores"])
        assert row["gigapairs"] * 1e9 == pytest.approx(60 * 3 / (row["all_cores"] * 1e-3))
        assert row["kernel_share"] == pytest.approx(row["kernel_gigapairs"] / row["bound_gigapairs"])
        measured = "default", "tuned", "engine", "adamw", "kernel_gigapairs", "bound_gigapairs"
        assert min(row[name] for name in measured) > 0
    assert growth["ns_per_pair"] * 60 * 4 == pytest.approx(growth["ms"] * 1e6)
    assert growth["ps_per_multiply_add"] * 3 * 2 == pytest.approx(growth["ns_per_pair"] * 1e3)
    assert memory["bytes_per_item"] * (60 + 2 + memory["nonzeros"]) == pytest.approx(memory["bytes"])
    assert 0 <= memory["bytes"] <= memory["process_bytes"]


def test_the_csv_holds_every_number(rows: list[benchmark.Row]) -> None:
    """In the layout of the committed file."""
    comment, *lines = benchmark.results_csv(rows, {"cpu": "some cpu", "cores": 2}).splitlines()
    assert comment.startswith("# cpu some cpu, cores 2")
    committed = Path(__file__).parents[3] / "benchmarks" / "results.csv"
    assert lines[0] == committed.read_text().splitlines()[1]
    kept = {tuple(line.values())[:-1]: line["value"] for line in csv.DictReader(lines)}
    assert len(kept) == sum(len(row) - 3 - ("state" in row) for _, row in rows)
    assert float(kept["growth", "60", "4", "2", "", "ms"]) == pytest.approx(rows[2][1]["ms"], rel=1e-5)


def test_a_measurement_has_a_process_and_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "kept")
    before = dict(os.environ)
    with pytest.raises(RuntimeError, match=r"^getenv of .* failed: .*$"):
        benchmark.in_process(os.getenv, {"key": "KEPT", "wrong": 1})
    assert benchmark.in_process(os.getenv, {"key": "KEPT"}, {"KEPT": "other"}) == "other"
    assert benchmark.in_process(os.getpid, {}) != os.getpid()
    assert dict(os.environ) == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_operation_mix_does_its_operations(dtype: str) -> None:
    """Were a loop hoisted or dropped by the compiler, its sums would not come out."""
    m, rounds, chains = 3, 4, 2
    mix = _mix(chains)
    numbers = np.array([0.5, 0.25, 0.0, 1.0, 2.0], dtype)
    s, g, q = 0.0, [1.0, 2.0], [1.0, 2.0]
    for _ in range(rounds):
        y = [max(each + m * 0.5 * 0.25, 0.0) for each in g]
        s += sum(y)
        g = [each + m * 0.25 * out for each, out in zip(g, y, strict=True)]
        q = [each + m * 0.5 * out for each, out in zip(q, y, strict=True)]
    expected = 16 * (s + sum(g) + sum(q))
    assert mix(numbers, m, rounds) == pytest.approx(expected, rel=100 * float(np.finfo(dtype).eps))
    call, pairs = _mix_call(2, np.dtype(dtype))
    assert pairs % 16 == 0
    assert np.isfinite(call())


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("kept")
    monkeypatch.setattr(benchmark, "run", lambda *_, **__: pytest.fail("timed"))
    done = CliRunner().invoke(main, ["bench", "--quick", "--out", str(tmp_path / "file" / "numbers.csv")])
    assert (done.exit_code, done.stdout) == (2, "")
    place = tmp_path / "file"
    assert done.stderr == f"tgon: --out: {place}: not a folder; try a folder that can be written\n"


def test_the_command_prints_tables_json_and_a_csv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[benchmark.Row]
) -> None:
    monkeypatch.setattr(benchmark, "run", lambda plan, *_, **__: iter(rows if plan is QUICK else ()))
    out = tmp_path / "numbers.csv"
    plain = CliRunner().invoke(main, ["bench", "--quick", "--out", str(out)])
    assert plain.exit_code == 0
    for title in ("Milliseconds per step", "Growth of time", "Growth of memory"):
        assert title in plain.stdout
    assert "machine" not in plain.stdout
    assert out.read_text().startswith("# cpu ")
    document = json.loads(CliRunner().invoke(main, ["bench", "--quick", "--json"]).stdout)["result"]
    assert [len(document[name]) for name in ("speed", "growth", "memory")] == [2, 1, 1]
    assert document["machine"]["cores"] >= 1
