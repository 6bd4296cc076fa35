"""Every experiment with a tiny sweep, made by the command once for all tests that look at it."""

import functools
import json

import pytest

from experiments import forgetting, making, repeated_history, repeated_map, repeated_threshold, test_loss
from numerics import train
from numerics.repetition import Transition
from numerics.sweeps.file import read_sweep
from tests.tgon.command import tgon
from verify.style import panels

_FAST, _SPARSE = (
    "[setting]\nn=60\nsteps=400\nlr=0.02\nsparsity=0.97\n",
    "[setting]\nn=60\nsparsity=0.9\nsteps=60\n",
)

#: Enough to go through every line: minutes of the real sweeps in a second.
TINY = {
    "dataset-size": f"{_SPARSE}[grid]\nT=[3, 8, 40]\ndata_seed='0:1'\nseed='0:1'\n",
    "norms": f"{_FAST}[grid]\nT=[3, 4, 8]\nseed='0:2'\n",
    "gallery": f"{_SPARSE}data_seed=0\n[grid]\nT=[3, 5, 40]\nseed='0:1'\n",
    "failures": f"{_FAST}[grid]\nT=[3, 6, 7]\nseed='0:3'\n",
    "test-loss": "[setting]\nsteps=60\n[grid]\nT=[3, 5, 8]\nseed='0:1'\n",
    "epsilon-law": f"{_SPARSE}[grid]\nT=[3, 30]\nadam_epsilon=[1e-8, 1e-4, 1e-1]\nseed='0:1'\n",
    "decay-budget": f"{_FAST}[grid]\nT=[3, 5]\nweight_decay=[0.01, 0.1]\nseed='0:3'\n",
    "codes": f"{_FAST}m=3\n[grid]\nT=[4, 5]\nweight_decay=[0.01, 0.1]\nseed='0:1'\n",
    "sea": f"{_SPARSE}[grid]\nT=[60]\nstart=['xavier', 'pentagon']\nseed='0:1'\n",
    "repeated-threshold": f"{_SPARSE}T=180\n[grid]\nrepeats=[2, 9]\nseed='0:1'\n",
    "repeated-history": f"{_SPARSE}T=60\n[grid]\nrepeats=[2, 5]\nseed='0:1'\n",
    "repeated-many": f"{_SPARSE}T=60\nrepeats=4\n[grid]\nrepeated_points=[1, 2, 6]\nseed='0:1'\n",
    "repeated-map": f"{_SPARSE}[[zip]]\nT=[40, 40, 120]\nrepeats=[2, 6, 3]\n[grid]\nseed='0:1'\n",
    "forgetting": f"{_SPARSE}[grid]\nT=[30, 60]\nseed='0:1'\n",
}


def _transition(T, n, sparsity, seed=0, features=120):
    """What the numerical model finds, in units of T/n."""
    at = 1 + 0.1 * seed
    ends = {"metastable_until": 2.0, "kicked_until": 1.5, "step": 0.1, "embedded_from": 0.5, "zero_bias": 1.0}
    return Transition(threshold=at, between=(at, at), repeats=at * T / n, **ends)


@pytest.fixture
def empty(monkeypatch):
    """Figures are empty, for tests of files."""
    monkeypatch.setattr(making, "picture", lambda *_: panels(1, 1, 1.0, 1.0)[0])


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """What the command answers of an experiment by its name; its runs lie beside the folder of experiments."""

    @functools.cache
    def make(name):
        folder = tmp_path_factory.mktemp("made")
        file, out = folder / f"{name}.toml", folder / "experiments" / name.replace("-", "_")
        file.write_text(f"{TINY[name]}[preview.setting]\nweight_decay=0.01\n")
        train(read_sweep(file).cells, out=folder / "runs", progress=False)
        options = ["--runs", folder / "runs", "--sweep", file, "--preview", "--out", out, "--json"]
        with pytest.MonkeyPatch.context() as patch:
            # in place of minutes: a threshold that is not searched for, short sweeps, few frames and datapoints
            for module in (repeated_history, repeated_map, repeated_threshold):
                patch.setattr(module, "find_transition", _transition)
            patch.setattr(forgetting, "FRAMES", 5)
            patch.setattr(repeated_map.sweep_both_ways, "__defaults__", (20,))
            patch.setattr(test_loss, "FRESH", 2000)
            done = tgon("figure", name, *options)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["result"]

    return make
