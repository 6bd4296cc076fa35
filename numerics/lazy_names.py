"""Names of a package that are loaded when first used."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any


def lazy_names(package: str, names: Sequence[str], *homes: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose ``names`` stand in its modules ``homes``, those that load least first."""

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}; it has {', '.join(names)}")
        modules = (import_module(f"{package}.{home}") for home in homes)
        return next(getattr(module, name) for module in modules if hasattr(module, name))

    return load
