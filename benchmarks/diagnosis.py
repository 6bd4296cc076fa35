"""The confusion matrix of `verify.diagnosis`. Run: python benchmarks/diagnosis.py [MODELS PER NAME AND KIND].

Writes, beside itself, diagnosis_KIND.csv for each of three kinds of models: a row for each known end state, a column
for each name that was given. diagnosis_errors.csv has all models that got another name, with their seeds. The kinds:

- clean, perturbed: built by `verify.end_states`, which knows what it built;
- trained: plain torch, apart from this project's trainer; labels by a second method, named at `trained`.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from numerics import Dataset, measure
from theory.memorization.tgon import tgon_hidden
from verify.claims.tolerance import shape_tolerance
from verify.diagnosis import diagnose
from verify.end_states import END_STATES, Model, build, disjoint_data, sparse_data

HERE = Path(__file__).parent

#: Label, seed, model and data.
Labelled = tuple[str, int, Model, Dataset]


def train(W, b, data: Dataset, steps: int, decay: float = 0.1, kind: type = torch.optim.AdamW) -> Model:
    """The model after full-batch steps of an optimizer from W and b, the learning rate falling linearly from 0.01."""
    X = torch.as_tensor(data.dense())
    W, b = (torch.tensor(part, requires_grad=True) for part in (W, b))
    optimizer = kind([W, b], lr=1e-2, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for _ in range(steps):
        optimizer.zero_grad()
        (torch.relu(W.T @ (W @ X) + b[:, None]) - X).square().sum(dim=0).mean().backward()
        optimizer.step()
        schedule.step()
    return Model(W.detach().numpy(), b.detach().numpy())


def trained(seed: int) -> Iterator[tuple[str, Model, Dataset]]:
    """One model of each regime that training reaches, with its label; a regime that was missed gives none.

    - regular T-gon: by the theorem `tolerance.tgon-stability` its gaps stray by less than half of what T + 1 does;
    - dropped point: started with a point at the origin, whose error and output there are those of the theory;
    - silent own output: started with one dead bias, whose gradient and output are 0 at the end, all else exact;
    - stored features: half or more of the energy of fresh data is reconstructed;
    - collapsed: an L2 penalty above 2/T, which is that of `finite_penalty`; no hidden vector is longer than 0.01;
    - not converged: five steps from a random start.
    """
    numbers = np.random.default_rng(seed)
    T = int(numbers.integers(4, 8))
    data = disjoint_data(numbers, T, least=2)
    X = data.dense()
    start = numbers.normal(size=(2, data.n)) * np.sqrt(2 / (2 + data.n)), np.zeros(data.n)
    yield "not converged", train(*start, data, 5), data

    model = train(*start, data, 2000)
    tolerance = shape_tolerance(record := measure(model, data))
    if record.memorized and tolerance and tolerance.gap < 1 / (2 * T + 2):
        yield "regular T-gon", model, data

    hidden = tgon_hidden(T) * 1.1
    W, b = hidden @ X.T, X @ (1 - np.sum(hidden**2, axis=0))
    dead = np.flatnonzero(X[:, 0])[0]
    W[:, dead], b[dead] = 0.0, -0.5
    model = train(W, b, data, 1500, decay=0.0)
    rest = measure(model, data).point_error - np.where(np.arange(T) == 0, X[dead] ** 2, 0)
    if rest.max() < 1e-4 and model.b[dead] == -0.5:
        yield "silent own output", model, data

    hidden = np.hstack([np.zeros((2, 1)), tgon_hidden(T - 1) * 1.1])
    model = train(hidden @ X.T, X @ np.append(1 / T, 1 - np.sum(hidden[:, 1:] ** 2, axis=0)), data, 1500)
    record = measure(model, data)
    if (
        record.point_error[0] > 0.5
        and np.median(record.point_error[1:]) < 0.1
        and record.radius_squared[0] < 0.01
    ):
        yield "dropped point", model, data

    model = train(*start, data, 1500, decay=5 / T, kind=torch.optim.Adam)
    if np.linalg.norm(model.W @ X, axis=0).max() < 0.01:
        yield "collapsed", model, data

    n, m = int(numbers.integers(4, 9)), int(numbers.integers(2, 4))
    data = sparse_data(numbers, n, 60 * n, alone=bool(seed % 2), law="uniform")
    model = train(numbers.normal(size=(m, n)) * np.sqrt(2 / (m + n)), np.zeros(n), data, 1500, decay=0.01)
    fresh = sparse_data(numbers, n, 60 * n, alone=bool(seed % 2), law="uniform")
    if measure(model, fresh).train_loss < 0.5 * np.mean(fresh.norms**2):
        yield "stored features", model, data


def built(count: int, noise: float, names: Sequence[str] = tuple(END_STATES)) -> Iterator[Labelled]:
    """``count`` models of each end state: label, seed, model, data."""
    for name in names:
        for seed in range(count):
            yield name, seed, *build(name, np.random.default_rng(1000 + seed), noise)


def named(models: Iterable[Labelled]) -> tuple[Counter[tuple[str, str]], list[tuple[str, int, str, str]]]:
    """How often each label got each name, and label, seed, name and evidence where they differ."""
    matrix, wrong = Counter[tuple[str, str]](), []
    for label, seed, model, data in models:
        found = diagnose(measure(model, data), model, data)
        matrix[label, found.name] += 1
        if found.name != label:
            wrong.append((label, seed, found.name, found.evidence))
    return matrix, wrong


def main(count: int) -> None:
    """Build, name and count; one line per kind on stdout."""
    torch.set_num_threads(1)
    kinds = {
        "clean": built(count, 0.0),
        "perturbed": built(count, 1.0),
        "trained": ((name, seed, *case) for seed in range(count // 2) for name, *case in trained(seed)),
    }
    errors = []
    for kind, models in kinds.items():
        matrix, wrong = named(models)
        errors += [(kind, *one) for one in wrong]
        rows = [(label, *(matrix[label, name] for name in END_STATES)) for label in END_STATES]
        _write(f"diagnosis_{kind}.csv", ("end state", *END_STATES), rows)
        right = sum(matrix[label, label] for label in END_STATES)
        print(f"{kind}: {right} of {matrix.total()} named rightly, {right / matrix.total():.1%}")
    _write("diagnosis_errors.csv", ("kind", "end state", "seed", "diagnosis", "evidence"), errors)


def _write(name: str, head: tuple[str, ...], rows: list[tuple]) -> None:
    with (HERE / name).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
