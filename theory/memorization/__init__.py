"""Memorization of datapoints: closed forms, failures, finite penalty, unequal norms, overlap."""

from theory.memorization.tgon import *  # noqa: F403
