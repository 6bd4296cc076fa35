"""Speed and memory of training, and the machine that they are measured on."""

import os
import platform
from pathlib import Path
from typing import Any


def describe_machine() -> dict[str, Any]:
    """Processor, cores, load (None where the system does not say) and versions."""
    import llvmlite
    import numba
    import numpy as np
    import torch

    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    name = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    versions = {module.__name__: module.__version__ for module in (torch, numba, llvmlite, np)}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    facts = {"cpu": name, "cores": os.cpu_count(), "load": load, "system": platform.platform()}
    return facts | {"python": platform.python_version()} | versions
