"""The heart of benchmarks/mutants.py: a fault dies, or survives."""

import subprocess
import sys
from pathlib import Path

FUNCTION = "def difference(a, b):\n    return {}\n"


def test_faults_and_loops_are_killed_and_equal_functions_survive(tmp_path):
    (tmp_path / "tiny.py").write_text(FUNCTION.format("a - b"))
    (tmp_path / "test_tiny.py").write_text(
        "from tiny import difference\ndef test_it():\n    assert difference(3, 1) == 2"
    )
    texts = [FUNCTION.format(body) for body in ("-(b - a)", "a + b", "[a for a in iter(int, 1)]")]
    code = (
        "from mutants import is_killed; from pathlib import Path\n"
        f"for text in {texts}: print(is_killed(Path({str(tmp_path)!r}), 'tiny.py', text, [['test_tiny.py']], 1))"
    )
    benchmarks = Path(__file__).parents[1] / "benchmarks"
    done = subprocess.run([sys.executable, "-c", code], cwd=benchmarks, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True", "True"], done.stderr
    assert (tmp_path / "tiny.py").read_text() == FUNCTION.format("a - b")
