"""The options that a text is trained with in a benchmark."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # as it is here, installed or not

from charrnn.services.training_options import training_options  # noqa: E402


def recipe(
    name: str, text: str, minutes: float | None = None, *, quiet: bool = False, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a preset chooses for a text, without samples on the way.

    Args:
        name: Of the preset.
        text: All that is trained and validated on.
        minutes: Time budget, for presets that know one.
        quiet: As many steps as are estimated for a machine that does nothing else, instead of looking at the clock.
        given: Options that go over the preset's.
    """
    options = training_options(
        {"sample_every_n": 0, **(given or {})},
        num_characters=len(text),
        num_distinct=len(set(text)),
        preset_name=name,
        minutes=minutes,
    )
    return options | ({"max_minutes": 0.0} if quiet else {})
