"""A small sweep file that tests of commands share."""

import pytest

SWEEP = """
title = "Small"
[setting]
n = 30
sparsity = 0.85
lr = 0.01
steps = 200
[grid]
T = [3, 2]
seed = "0:1"
[preview.grid]
T = [2]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(SWEEP)
    return path
