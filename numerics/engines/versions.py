"""What the bits of a run depend on besides its setting and engine: sources, libraries, processor or GPU. A run file
names it, so that runs of different versions can be told apart; names of run files do not, so that a finished run stays
valid when the program changes.
"""

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path

from numerics.engines import EngineName

#: Files outside this folder that decide bits: what is trained on, from where, and at what rates.
_BESIDES = ("../theory/setting.py", "data.py", "model.py", "schedule.py", "starts.py")

_LIBRARIES = {
    "reference": ("numpy", "torch"),
    "cpu": ("numpy", "numba", "llvmlite"),
    "cuda": ("numpy", "torch", "triton"),
}


@cache
def source_hash() -> str:
    """Of the sources that decide a run's bits."""
    here, sha = Path(__file__).parent, hashlib.sha256()
    for path in [*sorted(here.rglob("*.py")), *(here.parent / name for name in _BESIDES)]:
        sha.update(path.read_bytes() + b"\0")
    return sha.hexdigest()[:12]


@cache
def engine_version(engine: EngineName) -> str:
    """Hash of the sources, versions of the libraries, and the processor or GPU of an engine on this machine. Two runs
    of one setting, engine and version have the same bits, from a start that is drawn. The reverse does not hold: an
    edit of a comment is another version.

    >>> engine_version("cpu").split()[0]
    'sources'
    """
    libraries = [f"{name} {import_module(name).__version__}" for name in _LIBRARIES[engine]]
    return ", ".join([f"sources {source_hash()}", *libraries, _machine(engine)])


def _machine(engine: EngineName) -> str:
    if engine == "cuda":
        import torch

        from numerics.engines.cuda.trajectory import interpreted

        return "interpreter" if interpreted() else str(torch.cuda.get_device_name())
    from llvmlite import binding

    return str(binding.get_host_cpu_name())
