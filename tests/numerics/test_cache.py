"""Machine code cached by one process must not answer for another hidden dimension in the next."""

import os
import subprocess
import sys

_PROGRAM = """
import sys
import torch
from numerics import reconstruction_loss

for m in map(int, sys.argv[1].split(",")):
    numbers = torch.Generator().manual_seed(m)
    W, b = (torch.rand(*shape, generator=numbers) - 0.5 for shape in ((m, 40), (40,)))
    X = torch.rand(40, 9, generator=numbers)
    fast = W.clone().requires_grad_()
    reconstruction_loss(fast, b, X).backward()
    plain = W.double().requires_grad_()
    outputs = torch.relu(plain.T @ plain @ X.double() + b.double()[:, None])
    ((X.double() - outputs).square().sum() / 9).backward()
    difference = (fast.grad - plain.grad).abs().max() / plain.grad.abs().max()
    assert difference < 1e-4, (m, difference)  # float32 against float64; another m's code is off by order 1
"""


def test_cached_code_of_one_m_is_not_linked_into_another(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for order in ("2", "1,2"):  # the second process compiles m = 1 and loads m = 2
        command = [sys.executable, "-c", _PROGRAM, order]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (order, done.returncode, done.stderr)
