"""Sweep files: what they mean, and one line for what they cannot mean."""

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numerics.sweeps import Sweep, SweepFileError, read_sweep
from theory import Setting


def read(folder: Path, text: str) -> Sweep:
    path = folder / "sweep.toml"
    path.write_text(text)
    return read_sweep(path)


#: Distinct values of fields that go with each other in every combination.
AXES = {
    "T": st.lists(st.integers(3, 40), min_size=1, max_size=4, unique=True),
    "n": st.lists(st.integers(10, 999), min_size=1, max_size=4, unique=True),
    "sparsity": st.lists(st.sampled_from([0.5, 0.9, 0.99]), min_size=1, max_size=3, unique=True),
    "seed": st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
    "dtype": st.just(["float32", "float64"]),
    "weight_decay": st.just([0.0, 0.5]),
}


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """A sweep file and its cells in order, found by nested loops."""
    fields = draw(st.permutations(sorted(AXES)))
    taken = draw(st.integers(0, len(fields)))
    grid = {field: draw(AXES[field]) for field in fields[:taken] if field != "T"} | {"T": draw(AXES["T"])}
    rest = [field for field in fields if field not in grid][: draw(st.integers(0, 2))]
    length = draw(st.integers(1, 3))
    zipped = {field: (draw(AXES[field]) * length)[:length] for field in rest}
    grid_text = "\n".join(["[grid]", *(f"{field} = {values}" for field, values in grid.items())])
    zip_text = "\n".join(["[[zip]]", *(f"{field} = {values}" for field, values in zipped.items())])
    axes: list[list[dict[str, Any]]] = [[{f: v} for v in values] for f, values in grid.items()]
    walk = [{f: values[k] for f, values in zipped.items()} for k in range(length)]
    zip_first = draw(st.booleans())
    if zipped:
        axes = [walk, *axes] if zip_first else [*axes, walk]
    parts = [zip_text, grid_text] if zip_first else [grid_text, zip_text]
    text = "\n".join(["[setting]", "steps = 200", *(parts if zipped else [grid_text])])
    cells = [
        {"steps": 200} | {k: v for part in place for k, v in part.items()}
        for place in itertools.product(*axes)
    ]
    return text, cells


@given(files())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cells_are_the_product_in_the_order_of_the_file(
    tmp_path: Path, drawn: tuple[str, list[dict[str, Any]]]
) -> None:
    text, expected = drawn
    sweep = read(tmp_path, text)
    everything = [Setting(**values) for values in expected]
    assert sweep.cells == tuple(dict.fromkeys(everything))
    assert sweep.duplicates == len(everything) - len(set(everything))


@given(st.integers(0, 50), st.integers(0, 50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ranges_include_both_ends(tmp_path: Path, first: int, more: int) -> None:
    for value in (f'"{first}:{first + more}"', f'["{first}:{first + more}"]'):
        sweep = read(tmp_path, f"[setting]\nT = 3\n[grid]\nseed = {value}")
        assert [cell.seed for cell in sweep.cells] == list(range(first, first + more + 1))
        assert all(cell.data_seed == cell.seed for cell in sweep.cells)


def test_the_whole_format(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        """
        title = "Everything"
        engine = "reference"
        [setting]
        steps = 100
        data_seed = 7
        [grid]
        T = [3, "5:6", 5]
        seed = "0:1"
        [[zip]]
        sparsity = [0.9, 0.99]
        n = [100, 1000]
        [[zip]]
        lr = [0.1, 0.01]
        """,
    )
    assert (sweep.title, sweep.engine, sweep.duplicates) == ("Everything", "reference", 8)
    assert len(sweep.cells) == 3 * 2 * 2 * 2
    first = {"T": 3, "seed": 0, "data_seed": 7, "steps": 100, "warmup": 5}
    assert sweep.cells[:3] == tuple(
        Setting(**first, sparsity=s, n=n, lr=lr)
        for s, n, lr in [(0.9, 100, 0.1), (0.9, 100, 0.01), (0.99, 1000, 0.1)]
    )
    assert sweep.groups[0] == "T = 3, n = 100, sparsity = 0.9, lr = 0.1"
    assert len(set(sweep.groups)) == 3 * 2 * 2  # seeds share a group


def test_groups_name_what_varies_and_no_seed() -> None:
    cells = [Setting(T=3, steps=steps, seed=seed) for steps in (100, 200) for seed in (0, 1)]
    assert Sweep(tuple(cells)).groups == ("steps = 100",) * 2 + ("steps = 200",) * 2
    assert Sweep(tuple(cells[:2])).groups == ("all cells",) * 2
    by_warmup = [Setting(T=3, warmup=warmup) for warmup in (0, 100)]
    assert Sweep(tuple(by_warmup)).groups == ("warmup = 0", "warmup = 100")


PREVIEWED = """
[setting]
n = 1000
[grid]
T = [3, 5, 8]
seed = "0:9"
[[zip]]
sparsity = [0.9, 0.99]
lr = [0.1, 0.01]
[preview.setting]
n = 100
seed = 4
[preview.grid]
T = [3, 5]
"""


def test_a_preview_replaces_the_fields_that_it_names(tmp_path: Path) -> None:
    whole = read(tmp_path, PREVIEWED)
    assert len(whole.cells) == 3 * 10 * 2
    assert {cell.n for cell in whole.cells} == {1000}
    smaller = read_sweep(tmp_path / "sweep.toml", form="preview")
    assert smaller.cells == tuple(
        Setting(T=T, n=100, seed=4, sparsity=S, lr=lr) for T in (3, 5) for S, lr in ((0.9, 0.1), (0.99, 0.01))
    )
    (tmp_path / "sweep.toml").write_text(PREVIEWED + "[[preview.zip]]\nlr = [0.3]\nsteps = [70]")
    by_zip = read_sweep(tmp_path / "sweep.toml", form="preview")
    assert by_zip.cells == tuple(
        Setting(T=T, n=100, seed=4, sparsity=S, lr=0.3, steps=70) for T in (3, 5) for S in (0.9, 0.99)
    )
    (tmp_path / "sweep.toml").write_text(PREVIEWED + "[tenth.grid]\nT = [7]")
    tenth = read_sweep(tmp_path / "sweep.toml", form="tenth")
    assert {(cell.T, cell.n) for cell in tenth.cells} == {(7, 1000)}
    assert read_sweep(tmp_path / "sweep.toml", form="preview").cells == smaller.cells
    assert read_sweep(tmp_path / "sweep.toml").cells == whole.cells
    read(tmp_path, PREVIEWED[: PREVIEWED.index("[preview")])
    with pytest.raises(SweepFileError, match="no preview form"):
        read_sweep(tmp_path / "sweep.toml", form="preview")


REFUSED = {
    "[grid]\nseeds = [1]": "unknown key 'seeds' in [grid]; did you mean 'seed'?",
    "[setting]\nsparsty = 0.9": "unknown key 'sparsty' in [setting]; did you mean 'sparsity'?",
    "[[zip]]\nweightdecay = [0.9]": "unknown key 'weightdecay' in [[zip]]; did you mean 'weight_decay'?",
    "[grids]\nT = [1]": "unknown key 'grids'; did you mean 'grid'?",
    "T = 5": "T stands outside a table; put it below [setting]",
    "[setting]\nT = 5\n[grid]\nT = [6]": "T is given in two places",
    "[[zip]]\nT = [5, 6]\nn = [100, 200, 300]": "equally long, but T has 2, n has 3 values",
    "[grid]\nT = []": "T = []: an empty list",
    "[grid]\nT = [0]": "cell T = 0: T = 0: must be greater than or equal to 1",
    "[grid]\nT = [3]\nsparsity = [nan]": "sparsity = NaN",
    "[grid]\nT = [3, 5]\nrepeats = [1, 5]": "repeats 5 is more than T 3",
    '[grid]\nT = ["7:3"]': "T = '7:3': a range runs upwards; try '3:7'",
    '[grid]\nT = ["a"]': "T = 'a': must be an integer or a range",
    '[grid]\nT = "1:1000001"': "makes 1000001 cells; allowed are 1000000",
    '[grid]\nT = "1:1001"\nseed = "0:999"': "makes 1001000 cells; allowed are 1000000",
    "[grid]\nT = [true]": "T = true: must be a number or text",
    "[setting]\nT = [3, 5]": "T = [3, 5]: [setting] takes one value; lists and ranges belong in [grid]",
    '[setting]\nT = 3\nsparsity = "0.9"': "sparsity = '0.9': a number stands without quotes",
    "[setting]\nT = 3\nsteps = 20\nwarmup = 30": "warmup 30 is longer than steps 20; try warmup = 1",
    "[setting]\nT = {a = 1}": "T = {'a': 1}: must be a valid integer",
    "[setting]\nn = 100": "T is missing",
    "grid = [1]": "grid = [1]: must be a table",
    "[zip]\nT = [5]": "zip must be a list of tables; write [[zip]], with double brackets",
    "title = 5\n[setting]\nT = 3": "title = 5: must be text in quotes",
    'engine = "gpu"\n[setting]\nT = 3': "engine = 'gpu': allowed are auto",
    "preview = 3\n[setting]\nT = 3": "preview = 3: must be tables",
    "[setting]\nT = 3\n[preview.sitting]\nT = 3": "unknown key 'sitting' in [preview]; did you mean 'setting'?",
    "[setting]\nT = 3\n[preview.setting]\nsteps = 0": "steps = 0",
    '[grid]\nT = [3]\n[tenth.grid]\nT = "0:5"': "in its tenth form: cell T = 0",
    "T = = 3": "not TOML",
    "a = " + "[" * 5000: "not TOML",
}


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(SweepFileError) as refused:
        read(tmp_path, text)
    line = str(refused.value)
    assert line.startswith(f"{tmp_path / 'sweep.toml'}: ")
    assert REFUSED[text] in line
    assert "\n" not in line


def test_what_is_no_text_file_is_refused_and_a_pipe_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(SweepFileError, match="not a regular file"):
        read_sweep(tmp_path / "pipe.toml")
    (tmp_path / "sweep.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(SweepFileError, match="not UTF-8"):
        read_sweep(tmp_path / "sweep.toml")
    with pytest.raises(FileNotFoundError):
        read_sweep(tmp_path / "none.toml")


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_raises_anything_else(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sweep.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SweepFileError):
        read_sweep(path)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_bytes(b"\xef\xbb\xbf[setting]\nT = 3\n")
    assert read_sweep(path).cells == (Setting(T=3),)
