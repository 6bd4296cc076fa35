"""The learning-rate schedule: linear warm-up, then a cosine to zero or a constant rate. Step s = 0, 1, ... uses rate
`learning_rates(setting)[s]`. Warm-up reaches the peak on its last step; the cosine starts at the peak and would reach
0 one step after the last. Every engine reads the same array, so there is one definition.
"""

import numpy as np
from numpy.typing import NDArray

from theory.setting import Setting


def learning_rates(setting: Setting) -> NDArray[np.float64]:
    """(steps,) learning rate of every step; their sum is ``setting.learning_rate_sum``.

    >>> learning_rates(Setting(T=5, steps=4, warmup=2, lr=1.0)).round(3).tolist()
    [0.5, 1.0, 1.0, 0.5]
    """
    step = np.arange(setting.steps)
    rising = (step + 1) / max(setting.warmup, 1)
    falling = 0.5 * (1 + np.cos(np.pi * (step - setting.warmup) / max(setting.steps - setting.warmup, 1)))
    if setting.schedule == "constant":
        falling = np.ones(setting.steps)
    return setting.lr * np.where(step < setting.warmup, rising, falling)
