"""What a user's own pytest suite imports: Hypothesis strategies for settings, datasets and models.

    @given(memorizing_models())
    def test_my_measurement(case):
        model, data = case
        ...

Hypothesis and pytest come with ``pip install -e '.[testing]'``.
"""

from verify.strategies import *  # noqa: F403
