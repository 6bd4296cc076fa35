"""The confusion matrix of `verify.diagnosis`. Run: python benchmarks/diagnosis.py [MODELS PER NAME AND KIND].

Writes diagnosis.csv (how often each name was given to models of each known end state) and diagnosis_errors.csv (all
models that got another name, with their seeds) beside itself. Models are of three kinds:

- clean, perturbed: built by `verify.end_states`, which knows what it built;
- trained: plain torch, apart from this project's trainer; labels by a second method, named at `trained`.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from numerics import Dataset, measure
from theory.memorization.tgon import tgon_hidden
from verify.claims.tolerance import shape_tolerance
from verify.diagnosis import diagnose
from verify.end_states import END_STATES, Model, build, disjoint_data, sparse_data

HERE = Path(__file__).parent


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


def main(count: int) -> None:
    """Build, name and count; one line per name and kind on stdout."""
    torch.set_num_threads(1)
    cases = [
        (kind, name, seed, *build(name, np.random.default_rng(1000 + seed), noise))
        for kind, noise in (("clean", 0.0), ("perturbed", 1.0))
        for name in END_STATES
        for seed in range(count)
    ]
    cases += [
        ("trained", name, seed, model, data) for seed in range(count // 2) for name, model, data in trained(seed)
    ]
    found = [diagnose(measure(model, data), model, data) for *_, model, data in cases]
    matrix = Counter((kind, name, one.name) for (kind, name, *_), one in zip(cases, found, strict=True))
    wrong = [
        (kind, name, seed, one.name, one.evidence)
        for (kind, name, seed, *_), one in zip(cases, found, strict=True)
        if one.name != name
    ]
    _write(
        "diagnosis.csv",
        ("kind", "end state", "diagnosis", "models"),
        [(*key, n) for key, n in matrix.items()],
    )
    _write("diagnosis_errors.csv", ("kind", "end state", "seed", "diagnosis", "evidence"), wrong)
    for kind in ("clean", "perturbed", "trained"):
        right, all_ = (
            sum(n for (of, name, one), n in matrix.items() if of == kind and (both or name == one))
            for both in (0, 1)
        )
        print(f"{kind}: {right} of {all_} named rightly, {right / max(all_, 1):.1%}")


def _write(name: str, head: tuple[str, ...], rows: list[tuple]) -> None:
    with (HERE / name).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
