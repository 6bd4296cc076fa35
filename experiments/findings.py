"""Sentences of a page that judge what the paper, or a comment printed with it, says. Defines no equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Outcome", "outcome_of", "outcome_within"]

#: What runs say of a published statement; *not tested* where they cannot bear on it at all.
Outcome = Literal["agrees", "agrees in part", "differs", "not decided", "not tested"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence, and the outcome of each published statement that it judges, told in our words.

    Examples
    --------
    >>> finding = Finding("The bump is there.", {"test loss has a bump": "agrees"})
    >>> f"- {finding}"
    '- The bump is there.'

    """

    text: str
    outcomes: Mapping[str, Outcome]

    def __str__(self) -> str:
        return self.text


def outcome_of(agreeing: int, of: int) -> Outcome:
    """How the places where a statement was judged agree with it: all, some or none.

    Examples
    --------
    >>> outcome_of(3, 3), outcome_of(1, 3), outcome_of(0, 3), outcome_of(0, 0)
    ('agrees', 'agrees in part', 'differs', 'not tested')

    """
    if not of:
        return "not tested"
    return "agrees" if agreeing == of else "agrees in part" if agreeing else "differs"


def outcome_within(low: float, high: float, least: float) -> Outcome:
    """Whether an interval lies above ``least``, which a statement asks for, or below it.

    Examples
    --------
    >>> outcome_within(0.6, 0.9, 0.5), outcome_within(0.4, 0.9, 0.5), outcome_within(0.1, 0.2, 0.5)
    ('agrees', 'not decided', 'differs')

    """
    return "agrees" if low > least else "differs" if high < least else "not decided"
