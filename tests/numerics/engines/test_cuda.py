"""The cuda engine against the reference, to the rounding bounds the cpu engine is held to.

On a GPU where there is one, else in Triton's interpreter, which runs the same kernels one operation at a time: shapes
are then tiny. Both take the sums in the order the kernels state, so what is said of bits holds on both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import Dataset, draw_dataset, draw_start
from numerics.engines import available_engines, resolve_engine, start_trajectory
from numerics.engines.cuda import trajectory as cuda
from numerics.engines.cuda.trajectory import BatchedCudaTrajectory
from tests.numerics import cases
from theory import Setting
from theory.setting import ADAM_BETA1

EPS = {"float32": cases.EPS32, "float64": cases.EPS64}
HAS_GPU = torch.cuda.is_available()
HOW = "needs triton: pip install 'triton>=3.7', then run again; without a GPU its interpreter is used"


@pytest.fixture
def engine() -> Iterator[None]:
    """A GPU, or the interpreter, which must be asked for before the kernels are imported."""
    with pytest.MonkeyPatch.context() as patch:
        if not HAS_GPU:
            patch.setenv("TRITON_INTERPRET", "1")
        pytest.importorskip("triton", reason=HOW)
        yield


def gradients(problem: cases.Problem, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The engine's gradient: after one step from rest, the first moment is (1 - β₁) of it."""
    n, T, m = problem.data.n, problem.data.T, len(problem.W)
    setting = Setting(T=T, n=n, m=m, steps=1, dtype=dtype)
    trajectory = start_trajectory("cuda", setting, problem.data, problem.W, problem.b)
    trajectory.advance(1)
    found = trajectory.moments()[0].astype(np.float64) / (1 - ADAM_BETA1)
    return found[:-1], found[-1]


def disagreement(problem: cases.Problem, dtype: str) -> float:
    """How many times its rounding bound the engine's gradient is off autograd in float64.

    Beside the bound of the sums: three roundings of the moment (β₁ itself, the product, the sum with 0).
    """
    _, W_expected, b_expected = cases.reference_loss_and_gradients(problem)
    own = cases.rounding_bounds(problem, EPS["float64"])
    bounds = cases.rounding_bounds(problem, EPS[dtype])
    return max(
        cases.excess(found - expected, bounds[k] + own[k] + 3 * EPS[dtype] * np.abs(expected))
        for k, found, expected in zip(
            (1, 2), gradients(problem, dtype), (W_expected, b_expected), strict=True
        )
    )


def drawn(kind: str, m: int, n: int, T: int, seed: int = 0) -> cases.Problem:
    random = np.random.default_rng(seed)
    X = cases.draw_columns(random, kind, max(n, T if kind == "disjoint" else 1), T)
    W, b = random.normal(size=(m, len(X))) * 0.5, random.normal(size=len(X)) * 0.2
    X, W, b = (part.astype(np.float32).astype(np.float64) for part in (X, W, b))
    return cases.Problem(Dataset.from_dense(X), W, b, (kind, "small"))


small_problems = st.builds(
    drawn,
    st.sampled_from(cases.DATA),
    st.sampled_from((1, 2, 3)),
    st.sampled_from((1, 2, 7, 17)),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dtype", EPS)
@settings(max_examples=30 if HAS_GPU else 4)
@given(problem=cases.problems(hidden_dims=cases.HIDDEN_DIMS) if HAS_GPU else small_problems)
def test_gradients_equal_autograd(dtype: str, problem: cases.Problem) -> None:
    assert disagreement(problem, dtype) <= 1


#: What each shape is for: several blocks of rows, several parts of columns in either direction, more entries in a
#: row than lanes, one row to a thread.
SHAPES = {
    "blocks of features": ("sparse", 2, 34, 2),
    "parts of features": ("sparse", 1, 130, 2),
    "parts and blocks of datapoints": ("shared feature", 1, 3, 67),
    "long columns": ("all features", 2, 19, 3),
    "many dimensions": ("copies", 33, 7, 3),
}


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_gradients_of_shapes_that_are_cut(shape: tuple[str, int, int, int]) -> None:
    assert disagreement(drawn(*shape), "float64") <= 1


class _Instead:
    """A kernel in place of another: called with the launch's arguments and the kernel it replaces."""

    def __init__(self, kernel: Any, change: Callable[..., None]) -> None:
        self._kernel, self._change = kernel, change

    def __getitem__(self, grid: Any) -> Callable[..., None]:
        return lambda *arrays, **options: self._change(self._kernel[grid], *arrays, **options)


def skip(launch: Any, *arrays: Any, **options: Any) -> None:
    """The kernel does not run."""


def wrong_sign(launch: Any, *arrays: Any, **options: Any) -> None:
    """The sixth array, where the result goes, is negated after the kernel."""
    launch(*arrays, **options)
    arrays[5].neg_()


def without_last_part(launch: Any, rows: Any, columns: Any, partial: Any, *rest: Any, **options: Any) -> None:
    """The last part of the columns is lost."""
    launch(rows, columns, partial, *rest, **options)
    partial[:, -1] = 0


CONTROLS = {
    "no cross term": ("gate", skip),
    "cross term of the other sign": ("gate", wrong_sign),
    "pull of the other sign": ("pull", wrong_sign),
    "no path through the encoder": ("pull", skip),
    "a part is lost": ("dense_pairs", without_last_part),
}


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(("kernel", "change"), CONTROLS.values(), ids=CONTROLS)
def test_wrong_kernels_disagree(
    kernel: str, change: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from numerics.engines.cuda import kernels as triton_kernels

    problem = drawn("sparse", 2, 7, 3)
    assert disagreement(problem, "float32") <= 1
    monkeypatch.setattr(triton_kernels, kernel, _Instead(getattr(triton_kernels, kernel), change))
    assert disagreement(problem, "float32") > 1


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("dtype", "change"),
    [
        ("float32", {}),
        *(("float64", c) for c in ({}, {"loss": "mean"}, {"adam_epsilon": 0.1}, {"schedule": "constant"})),
    ],
)
def test_trajectories_equal_the_reference(dtype: str, change: dict[str, Any]) -> None:
    """Whatever the setting says; off by at most what roundings grow to on the reference. Wrong runs are off by more."""
    plain = cases.trial(3, 12, 2, 1, steps=20, lr=5e-3, warmup=4, dtype=dtype)
    if change:
        plain = plain.replace(adam_epsilon=1e-2)
    setting = plain.replace(**change)
    data, (W, b) = draw_dataset(setting), cases.start_of(setting)
    reference, allowed = cases.with_allowed_drift(setting, data, W, b, EPS[dtype])
    found = cases.walk("cuda", setting, data, W, b)
    assert np.abs(found - reference).max() <= allowed
    unlike = plain if change else plain.replace(warmup=0)
    for wrong in (setting.replace(lr=5.25e-3), setting.replace(weight_decay=0.0), unlike):
        other = cases.walk("reference", wrong.replace(dtype="float64"), data, W, b)
        assert np.abs(found - other).max() > allowed, wrong


def state(trajectory: Any) -> list[np.ndarray]:
    return [trajectory.parameters(), *trajectory.moments()]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dtype", EPS)
def test_cutting_and_restoring_change_no_bit(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "STEPS_PER_REPLAY", 3)
    setting = cases.trial(3, 12, 2, 1, steps=7, lr=1e-2, dtype=dtype)
    data, start = draw_dataset(setting), draw_start(setting)
    whole, cut = (start_trajectory("cuda", setting, data, *start) for _ in range(2))
    whole.advance(7)
    end = state(whole)
    for stop in (0, 1, 3, 2):
        cut.advance(stop)
    held = state(cut)
    assert cut.step == 3
    assert not same(held, end)
    for _ in range(2):
        cut.advance(7)
        assert same(state(cut), end)
        cut.restore(3, *held)
        assert cut.step == 3
        assert same(state(cut), held)
    assert end[0].dtype == np.dtype(dtype)
    with pytest.raises(ValueError, match="7 steps"):
        whole.advance(8)
    assert same(state(whole), end)


@pytest.mark.usefixtures("engine")
@pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")  # where runs diverge, interpreted
def test_a_batch_has_the_bits_of_its_runs() -> None:
    """Runs that differ in seed, data, schedule and decay; one that starts at NaN, or diverges, spoils no other."""
    base = cases.trial(2, 12, 2, 0, steps=3, lr=1e-2)
    changes = [{}, {"lr": 2e-2}, {"weight_decay": 0.0, "sparsity": 0.8}, {"schedule": "constant"}, {}]
    runs = [base.replace(seed=seed, **change) for seed, change in enumerate(changes)]
    datasets, starts = [draw_dataset(run) for run in runs], [draw_start(run) for run in runs]
    starts[2][0][0, 0] = np.nan
    starts[4][0][:] = 1e30  # hidden vectors square to infinity in float32
    batch = BatchedCudaTrajectory(runs, datasets, starts)
    assert batch.diverged_at == [None, None, 0, None, None]
    batch.advance(3)
    assert batch.diverged_at == [None, None, 0, None, 1]
    ends = state(batch)
    for k, (run, data, start) in enumerate(zip(runs, datasets, starts, strict=True)):
        alone = start_trajectory("cuda", run, data, *start)
        alone.advance(3)
        assert same(state(alone), [part[k] for part in ends])
        assert (alone.diverged_at, alone.step) == (batch.diverged_at[k], {2: 0, 4: 1}.get(k, 3))
    assert not same([part[0] for part in ends], [part[3] for part in ends])
    stopped = start_trajectory("cuda", runs[4], datasets[4], *starts[4])
    stopped.advance(1)
    assert same(state(stopped), [part[4] for part in ends])  # nothing moved after it diverged
    assert (ends[0][2, :-1] == starts[2][0].astype(np.float32))[np.isfinite(starts[2][0])].all()


@pytest.mark.usefixtures("engine")
def test_batches_that_do_not_fit_are_refused() -> None:
    setting = cases.trial(2, 12, 2, 0, steps=3)
    data, start = [draw_dataset(setting)] * 2, [draw_start(setting)] * 2
    for runs, said in (([], "0 shapes"), ([setting, setting.replace(steps=4)], "2 shapes")):
        with pytest.raises(ValueError, match=said):
            BatchedCudaTrajectory(runs, data[: len(runs)], start[: len(runs)])


def test_a_machine_without_cuda_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert available_engines() == ("reference", "cpu")
    assert resolve_engine("auto") == "cpu"
    with pytest.raises(ValueError, match=r"no CUDA device; try .*engine='cpu'"):
        resolve_engine("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "triton", None)  # importing it now fails
    assert resolve_engine("auto") == "cpu"
    with pytest.raises(ValueError, match=r"triton does not import .*pip install triton"):
        resolve_engine("cuda")


def test_an_interpreted_engine_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setitem(sys.modules, "triton", sys)  # any module: it imports
    assert resolve_engine("auto") == "cpu"
    assert "cuda" not in available_engines()
    assert resolve_engine("cuda") == "cuda"  # only when asked for by name


#: The kernels, compiled for GPUs that need not be there: interpreted ones are Python and accept what the compiler
#: refuses. In a process of its own, because the tests above may have asked for the interpreter.
SCRIPT = r"""
import json, re, sys
import torch, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from numerics.engines.cuda import kernels as triton_kernels
from numerics.engines.cuda.trajectory import SPARSE_FEATURES, SPARSE_POINTS, DensePairs

LONG = {"indptr", "places", "counter"}
SHORT = {"indices", "points"}
NUMBERS = {"n", "T", "n_rows", "parts", "steps"}


def compile(name, dtype, capability, constants, warps):
    kernel = getattr(triton_kernels, name)
    real = {"float32": "*fp32", "float64": "*fp64"}[dtype]
    kinds = [(LONG, "*i64"), (SHORT, "*i32"), (NUMBERS, "i32"), (constants, "constexpr")]
    signature = {
        argument: next((kind for names, kind in kinds if argument in names), real)
        for argument in kernel.arg_names
    }
    code = triton.compile(
        ASTSource(kernel, signature, constexprs=constants),
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": warps, "enable_fp_fusion": True},
    )
    return len(code.asm["cubin"]), bool(re.search(r"\b(atom|red)\.", code.asm["ptx"]))


def kernels(m, dtype):
    like = torch.empty(0, dtype=getattr(torch, dtype))
    for name in ("encode", "gate", "pull"):
        yield name, {"M": m} | SPARSE_POINTS, 4
    yield "finish", {"M": m} | SPARSE_FEATURES, 4
    for n_rows, n_columns, features in ((1000, 300, True), (300, 1000, False)):
        pairs = DensePairs(1, n_rows, n_columns, m, features, like)
        yield "dense_pairs", pairs.constants, pairs.warps


for dtype, capability, m in json.loads(sys.argv[1]):
    for name, constants, warps in kernels(m, dtype):
        print(json.dumps([name, *compile(name, dtype, capability, constants, warps)]))
try:
    compile("encode", "float32", 90, {"M": 2, "ROWS": 24, "LANES": 8}, 4)  # tiles are powers of two
except Exception as error:
    print(json.dumps(["refused", f"{error} {error.__cause__}"]))
"""


def check(cases: list[tuple[str, int, int]], folder: Path) -> None:
    """Six kernels per case, each with machine code and without atomics; and the control is refused."""
    pytest.importorskip("triton", reason="needs triton: pip install triton (no GPU is needed)")
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(cases)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    *rows, (control, said) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (control, "power of 2" in str(said)) == ("refused", True)
    assert len(rows) == 6 * len(cases)
    for name, size, has_atomics in rows:
        assert size > 0, name
        assert not has_atomics, name


def test_kernels_compile_for_hopper(tmp_path: Path) -> None:
    check([("float32", 90, 2)], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_compile_for_every_regime(dtype: str, capability: int, tmp_path: Path) -> None:
    """Four rows, two and one to a thread."""
    check([(dtype, capability, m) for m in (1, 16, 32, 50, 70)], tmp_path)
