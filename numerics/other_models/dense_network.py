"""A classifier with one hidden layer of ReLU units, and snapshots of its hidden vectors while it is trained.
h = ReLU(A x + a), class scores C h + c, cross-entropy averaged over a batch; AdamW with PyTorch's defaults but for the
learning rate and weight decay given. Batches, starts and flipped labels are drawn with NumPy's PCG64 from one seed.
Everything runs in one thread, so that a machine gives the same bits at any number of cores.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from numerics.data import generator_of
from numerics.other_models.digits import Digits
from numerics.training.threads import one_thread

_NETWORK_STREAM, _FLIP_STREAM, _BATCH_STREAM, _SUBSET_STREAM = 12, 13, 14, 15


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How a classifier of ``width`` hidden units is trained, on ``T`` images, all when None, with the share
    ``flipped`` of labels replaced by another class. ``epochs`` increase: a snapshot is taken after each, 0 is the
    start, the last one ends the training. ``seed`` draws subset, start, batches and flipped labels.
    """

    width: int = 512
    epochs: Sequence[int] = (0, 1, 3, 10, 30, 100)
    T: int | None = None
    flipped: float = 0.0
    seed: int = 0
    lr: float = 1e-3
    weight_decay: float = 1e-2
    batch: int = 100


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The network after ``epoch`` epochs: ``hidden`` vectors (width, T) float64 of the images trained on,
    ``flipped`` (T,) whose label was replaced; loss and accuracy on the labels trained on, and accuracy on the set's own
    test images.
    """

    epoch: int
    hidden: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    train_loss: float
    train_accuracy: float
    test_accuracy: float


def train_classifier(digits: Digits, plan: TrainingPlan) -> Iterator[Snapshot]:
    """Train on ``digits`` and yield a snapshot after each of ``plan.epochs``."""
    T = digits.T if plan.T is None else plan.T
    places = np.sort(generator_of(plan.seed, _SUBSET_STREAM).permutation(digits.T)[:T]).astype(np.int64)
    labels, flipped = flip_labels(digits.train_labels[places], plan.flipped, plan.seed)
    images, targets = torch.as_tensor(digits.train_images[places]), torch.as_tensor(labels)
    network = _draw_network(images.shape[1], plan)
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.lr, weight_decay=plan.weight_decay)
    generator = generator_of(plan.seed, _BATCH_STREAM)
    done = 0
    for epoch in plan.epochs:
        with one_thread():
            for _ in range(epoch - done):
                order = torch.as_tensor(generator.permutation(T))
                for chosen in torch.split(order, plan.batch):
                    optimizer.zero_grad()
                    loss = nn.functional.cross_entropy(network(images[chosen]), targets[chosen])
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
            done, seen = epoch, _look(network, images, targets, digits)
        yield Snapshot(epoch, flipped=flipped, **seen)


def flip_labels(
    labels: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Labels of which round(share · T) are replaced by another class out of ten, and which those are.

    >>> labels, flipped = flip_labels(np.zeros(10, dtype=np.int64), 0.3, seed=0)
    >>> int(flipped.sum()), bool((labels[flipped] != 0).all())
    (3, True)
    """
    generator = generator_of(seed, _FLIP_STREAM)
    chosen = generator.choice(len(labels), size=round(share * len(labels)), replace=False)
    flipped = np.zeros(len(labels), dtype=np.bool_)
    flipped[chosen] = True
    changed = labels.copy()
    changed[chosen] = (labels[chosen] + generator.integers(1, 10, size=len(chosen))) % 10
    return changed, flipped


def _draw_network(inputs: int, plan: TrainingPlan) -> nn.Sequential:
    """Weights and biases uniform within 1/√(inputs of the layer), PyTorch's own default, but from NumPy's generator."""
    network = nn.Sequential(nn.Linear(inputs, plan.width), nn.ReLU(), nn.Linear(plan.width, 10))
    generator = generator_of(plan.seed, _NETWORK_STREAM)
    with torch.no_grad():
        for layer, fan_in in ((network[0], inputs), (network[2], plan.width)):
            for parameter in layer.parameters():
                drawn = generator.uniform(-1.0, 1.0, size=tuple(parameter.shape)) / np.sqrt(fan_in)
                parameter.copy_(torch.as_tensor(drawn, dtype=torch.float32))
    return network


def _look(network: nn.Sequential, images: Tensor, targets: Tensor, digits: Digits) -> dict[str, Any]:
    """What a snapshot says of the network."""
    with torch.no_grad():
        hidden = network[1](network[0](images))
        scores = network[2](hidden)
        tested = network(torch.as_tensor(digits.test_images)).argmax(1).numpy()
    return {
        "hidden": hidden.T.double().numpy(),
        "train_loss": float(nn.functional.cross_entropy(scores, targets)),
        "train_accuracy": float((scores.argmax(1) == targets).double().mean()),
        "test_accuracy": float((tested == digits.test_labels).mean()),
    }
