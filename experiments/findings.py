"""What an experiment finds: a statement, its outcome, and the number with its interval on which the outcome rests."""

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from verify.statistics import Interval, share_interval

#: The tables of one form of an experiment, by name.
Tables = dict[str, pd.DataFrame]

#: What runs say of a published statement; *not tested* where they cannot bear on it at all.
Outcome = Literal["agrees", "agrees in part", "differs", "not decided", "not tested", "measured"]

#: The outcome of a finding that reports a number and judges nothing published.
MEASURED: Outcome = "measured"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table of findings.

    statement : what is judged, a published statement in our words, or what is measured; a fixed text without numbers
        taken from runs, so that rows of two forms can be joined by it.
    outcome : what the runs say of it.
    quantity : what ``value`` is, in a few words.
    value, low, high : the number and its 95 % interval (or range, as ``quantity`` says); NaN where there is none.
    n : the number of runs, seeds or pairs behind it.
    at : where it was measured, such as "T = 300"; empty where there is one place only.

    >>> Finding("More steps make the bump larger", "agrees", "ratio of peaks", 1.3, 1.1, 1.5, n=4).outcome
    'agrees'
    """

    statement: str
    outcome: Outcome
    quantity: str = ""
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    at: str = ""


def found(
    statement: str, outcome: Outcome, quantity: str, interval: Interval, n: int = 0, at: str = ""
) -> Finding:
    """A finding whose number is an interval.

    >>> found("The bump is there", "agrees", "peak over ends", Interval(2.0, 1.5, 2.5), n=4).low
    1.5
    """
    return Finding(statement, outcome, quantity, interval.value, interval.low, interval.high, n, at)


def measured(statement: str, quantity: str, value: float | Interval, n: int = 0, at: str = "") -> Finding:
    """A number, or an interval, that judges nothing published.

    >>> measured("Largest bias", "absolute value", 5.0, n=4).outcome
    'measured'
    """
    interval = value if isinstance(value, Interval) else Interval(value, math.nan, math.nan)
    return found(statement, MEASURED, quantity, interval, n, at)


def found_share(
    statement: str, outcome: Outcome, quantity: str, count: int, of: int, at: str = ""
) -> Finding:
    """A finding whose number is a share with the interval of Clopper and Pearson; without a number where of = 0.

    >>> found_share("The bump is there", MEASURED, "share of runs", 3, 4).value
    0.75
    """
    if not of:
        return Finding(statement, outcome, quantity, at=at)
    return found(statement, outcome, quantity, share_interval(count, of), of, at)


def found_count(statement: str, quantity: str, count: int, of: int, at: str = "") -> Finding:
    """A finding whose number counts the places that agree, and makes the outcome."""
    return Finding(statement, outcome_of(count, of), quantity, count, n=of, at=at)


def outcome_of(agreeing: int, of: int) -> Outcome:
    """How the places where a statement was judged agree with it: all, some or none.

    >>> outcome_of(3, 3), outcome_of(1, 3), outcome_of(0, 3), outcome_of(0, 0)
    ('agrees', 'agrees in part', 'differs', 'not tested')
    """
    if not of:
        return "not tested"
    return "agrees" if agreeing == of else "agrees in part" if agreeing else "differs"


def outcome_between(interval: Interval, low: float, high: float) -> Outcome:
    """Whether an interval lies between two bounds, outside of them, or across one.

    >>> outcome_between(Interval(2, 1, 3), 0, 5), outcome_between(Interval(2, 1, 3), 2, 5)
    ('agrees', 'not decided')
    """
    if low <= interval.low and interval.high <= high:
        return "agrees"
    return "differs" if interval.low > high or interval.high < low else "not decided"
