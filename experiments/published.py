"""Published values that experiments are laid beside; the head of each file names its source."""

import pandas as pd

from experiments.findings import Outcome

#: The setting of the published series.
PUBLISHED_N, PUBLISHED_SPARSITY = 10_000, 0.999

#: T from which on features are seen there, by the authors and by the replication printed with the paper.
PUBLISHED_ONSET = (5_000, 20_000)

#: What the authors' "around T = 30", where lengths and norms peak, is taken to mean, from and to.
PUBLISHED_PEAK = (20, 45)

#: How often a feature has been seen, T(1 − S), when it appears, in the comment on what sets that scale.
PUBLISHED_SEEN = 10.0


def peak_outcome(course: pd.Series) -> Outcome:
    """Whether a length or norm, by ascending T, is largest where the authors see it; not tested where T ends before.

    >>> [peak_outcome(pd.Series(each)) for each in ({5: 1.0, 30: 3.0, 300: 2.0}, {5: 1.0, 30: 3.0})]
    ['agrees', 'not tested']
    """
    first, peak, last = course.index[0], course.index[int(course.argmax())], course.index[-1]
    low, high = PUBLISHED_PEAK
    if last < low or first > high or peak == last <= high:
        return "not tested"
    return "agrees" if peak != last and low <= peak <= high else "differs"
