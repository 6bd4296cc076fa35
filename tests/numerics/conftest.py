"""One thread for torch: on problems this small its threads wait for each other longer than they work."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import numerics.training.obtaining
from numerics import Run
from theory import Setting


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def before_training(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has a function see, or refuse, the setting of every run before it is trained."""

    def watch(look: Callable[[Setting], object], module: Any = numerics.training.obtaining) -> None:
        real = module.train_one

        def watched(setting: Setting, **options: Any) -> Run:
            look(setting)
            return real(setting, **options)

        monkeypatch.setattr(module, "train_one", watched)

    return watch


@pytest.fixture
def trained(before_training: Callable[..., None]) -> list[Setting]:
    """Settings that are really trained, in order."""
    calls: list[Setting] = []
    before_training(calls.append)
    return calls
