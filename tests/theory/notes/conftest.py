"""The notes, written once for all tests."""

import pytest

from theory.notes.pages import notes


@pytest.fixture(scope="session")
def texts():
    return notes()
