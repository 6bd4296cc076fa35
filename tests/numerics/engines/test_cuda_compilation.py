"""The cuda engine's kernels, compiled for GPUs that need not be there: Triton carries NVIDIA's assembler.

Interpreted kernels are Python and accept what the compiler refuses. Compilation says nothing about results or speed,
only that machine code comes out, without atomics.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Run in a process of its own, because the tests beside this one may have asked for the interpreter.
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
