"""Whole runs of 50 000 steps against the loops people write in torch. Run on an idle machine, from the root of a
checkout: python benchmarks/whole_runs.py. Takes half an hour on two cores and writes whole_runs.csv beside itself.

engine : seconds of one run of the cpu engine, compiled before; where runs are small, of as many as there are cores,
    side by side, over their number. first_5, to_25, rest: the shares of it that the first 5 %, the next 20 % and the
    other steps take.
plain, stacked, compiled, batched : seconds a run would take with torch, from some seconds of steps times 50 000 (each
    does the same work), with raised memory thresholds: the plain loop, the reference engine; the loop below with one
    seed; the same through torch.compile; and with `BATCH` seeds as one batch of models, over their number.
plain_ratio, … : each over engine.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from numerics import benchmark
from numerics.benchmark import TUNED, in_process, measure_plain, ms_per_step, setting_of, started
from numerics.data import draw_dataset
from numerics.engines.cpu.trajectory import ARRANGE_EVERY, uses_all_cores
from numerics.starts import draw_start
from theory.setting import ADAM_BETA1, ADAM_BETA2, Setting

#: Sizes (n, T, m) of the goals.
SIZES = (*((10_000, T, 2) for T in (10, 100, 1_000, 10_000)), (10_000, 1_000, 4), (10_000, 1_000, 10))

#: Seeds in one batch of the stacked loop, by the number of datapoints: as many as a laptop's memory holds.
BATCH = {10: 16, 100: 16, 1_000: 4, 10_000: 1}

SECONDS = 4.0


class StackedLoop:
    """Full-batch AdamW on several models at once: W (seeds, m, n), b (seeds, n, 1), X (seeds, n, T). The sum of their
    losses has each model's own gradient, and AdamW works number by number: each seed trains as if alone.
    """

    def __init__(self, settings: list[Setting], compiled: bool = False) -> None:
        datasets = [torch.as_tensor(draw_dataset(each).dense(), dtype=torch.float32) for each in settings]
        starts = [draw_start(each) for each in settings]
        self.step, self._X = 0, torch.stack(datasets)
        self._W = torch.stack([torch.as_tensor(W, dtype=torch.float32) for W, _ in starts]).requires_grad_()
        self._b = torch.stack([torch.as_tensor(b, dtype=torch.float32)[:, None] for _, b in starts]).requires_grad_()
        first = settings[0]
        self._optimizer = torch.optim.AdamW(
            [self._W, self._b],
            lr=first.lr,
            betas=(ADAM_BETA1, ADAM_BETA2),
            eps=first.adam_epsilon,
            weight_decay=first.weight_decay,
        )
        self._loss = torch.compile(_loss) if compiled else _loss

    def advance(self, stop: int) -> None:
        """Take steps until ``step`` equals ``stop``."""
        while self.step < stop:
            self._optimizer.zero_grad()
            self._loss(self._X, self._W, self._b).backward()
            self._optimizer.step()
            self.step += 1


def _loss(X: torch.Tensor, W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    outputs = torch.relu(W.mT @ (W @ X) + b)
    return (X - outputs).square().sum() / X.shape[-1]


def measure_loop(n: int, T: int, m: int, seeds: int, compiled: bool) -> dict[str, float]:
    """Seconds of 50 000 steps of the stacked loop, per seed."""
    setting = setting_of(n, T, m)
    loop = StackedLoop([setting.replace(seed=seed) for seed in range(seeds)], compiled)
    loop.advance(3)
    return {"seconds": ms_per_step(loop, SECONDS, setting.steps) * setting.steps / 1e3 / seeds}


def measure_engine(n: int, T: int, m: int) -> dict[str, float]:
    """Seconds of a whole run of the cpu engine, and the shares of its parts."""
    setting = setting_of(n, T, m)
    started("cpu", setting, 2 * ARRANGE_EVERY + 1)  # dense sums and culled ones
    seeds = range(1 if uses_all_cores(n, T, m) else os.cpu_count() or 1)
    runs = [started("cpu", setting.replace(seed=seed), 0) for seed in seeds]
    times = [0.0]
    with ThreadPoolExecutor(len(runs)) as pool:
        # A run on all cores stays in the thread that compiled it: a second thread's OpenMP team makes both slower.
        each = map if len(runs) == 1 else pool.map
        begin = time.perf_counter()
        for share in (0.05, 0.25, 1.0):
            list(each(lambda run, stop=int(share * setting.steps): run.advance(stop), runs))
            times.append(time.perf_counter() - begin)
    parts = [(after - before) / times[-1] for before, after in zip(times, times[1:], strict=False)]
    return {"engine": times[-1] / len(runs)} | dict(zip(("first_5", "to_25", "rest"), parts, strict=True))


def rows() -> list[dict[str, Any]]:
    """One row for each size."""
    found = []
    for n, T, m in SIZES:
        size = {"n": n, "T": T, "m": m}
        row = size | in_process(measure_engine, size)
        plain = in_process(measure_plain, size | {"seconds": SECONDS}, TUNED)["plain"]
        row["plain"] = plain * setting_of(n, T, m).steps / 1e3
        for name, seeds, compiled in (("stacked", 1, False), ("compiled", 1, True), ("batched", BATCH[T], False)):
            request = size | {"seeds": seeds, "compiled": compiled}
            row[name] = in_process(measure_loop, request, TUNED)["seconds"]
        row |= {f"{name}_ratio": row[name] / row["engine"] for name in ("plain", "stacked", "compiled", "batched")}
        print(", ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
        found.append(row)
    return found


if __name__ == "__main__":
    machine = benchmark.describe_machine()
    written = benchmark.results_csv({"whole": rows()}, machine)
    (Path(__file__).parent / "whole_runs.csv").write_text(written, encoding="utf-8")
