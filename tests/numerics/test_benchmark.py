"""The benchmark measures what it says, whatever the numbers are: no test here looks at a time."""

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from numerics import benchmark
from numerics.benchmark import QUICK, Plan
from tests.tgon.command import answer, refusal, tgon

TINY = Plan(sizes=((60, 3, 2),), late=40, seconds=0.001, repeats=1)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Measured in this process, not one for each measurement."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "in_process", lambda measure, request, environment=None: measure(**request))
        return list(benchmark.run(TINY))


@pytest.mark.parametrize("own_processes", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_size_of_a_plan_has_its_rows_and_they_add_up(
    rows: list[dict[str, Any]], own_processes: bool
) -> None:
    rows = list(benchmark.run(TINY)) if own_processes else rows
    assert [tuple(row[name] for name in benchmark.WHERE) for row in rows] == [
        (60, 3, 2, state) for state in ("early", "late")
    ]
    for row in rows:
        for name in ("default", "tuned"):
            assert row[f"{name}_ratio"] == pytest.approx(row[name] / row["all_cores"])
        assert row["gigapairs"] * 1e9 == pytest.approx(60 * 3 / (row["all_cores"] * 1e-3))
        assert min(row[name] for name in ("default", "tuned", "engine")) > 0


def test_the_csv_holds_every_number(rows: list[dict[str, Any]]) -> None:
    """In the layout of the committed file."""
    comment, *lines = benchmark.results_csv({"speed": rows}, {"cpu": "some cpu", "cores": 2}).splitlines()
    assert comment.startswith("# cpu some cpu, cores 2")
    committed = Path(__file__).parents[2] / "benchmarks" / "results.csv"
    assert lines[0] == committed.read_text().splitlines()[1]
    kept = {tuple(line.values())[:-1]: line["value"] for line in csv.DictReader(lines)}
    assert len(kept) == sum(len(row) - len(benchmark.WHERE) for row in rows)
    assert float(kept["speed", "60", "3", "2", "late", "engine"]) == pytest.approx(
        rows[1]["engine"], rel=1e-5
    )


def test_a_measurement_has_a_process_and_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "kept")
    before = dict(os.environ)
    with pytest.raises(RuntimeError, match=r"^getenv of .* failed: .*$"):
        benchmark.in_process(os.getenv, {"key": "KEPT", "wrong": 1})
    assert benchmark.in_process(os.getenv, {"key": "KEPT"}, {"KEPT": "other"}) == "other"
    assert benchmark.in_process(os.getpid, {}) != os.getpid()
    assert dict(os.environ) == before


def test_the_command_prints_a_table_json_and_a_csv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(benchmark, "run", lambda plan, *_, **__: iter(rows if plan is QUICK else ()))
    out = tmp_path / "numbers.csv"
    plain = tgon("bench", "--quick", "--out", out)
    assert plain.exit_code == 0
    assert "Milliseconds per step" in plain.stdout
    assert "machine" not in plain.stdout
    assert out.read_text().startswith("# cpu ")
    document = answer("bench", "--quick")
    assert len(document["speed"]) == 2
    assert document["machine"]["cores"] >= 1
    monkeypatch.setattr(benchmark, "run", lambda *_, **__: pytest.fail("timed before --out was refused"))
    assert f"--out: {out}: not a folder; try a folder" in refusal("bench", "--out", out / "numbers.csv")
