"""Choose the training options for a text in a benchmark."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, even if another version is installed

from charrnn.services.training_options import training_options  # noqa: E402


def preset_options(
    preset: str,
    text: str,
    minutes: float | None = None,
    *,
    fixed_steps: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the options of a preset for a text, without samples during the training.

    Args:
        preset: Name of the preset.
        text: The training and validation text.
        minutes: Time budget, for presets that have one.
        fixed_steps: Train for the number of steps that is estimated for an idle machine, without a time limit.
        changes: Options that replace those of the preset.
    """
    options = training_options(
        {"sample_every_n": 0, **(changes or {})},
        num_characters=len(text),
        num_distinct=len(set(text)),
        preset_name=preset,
        minutes=minutes,
    )
    return options | ({"max_minutes": 0.0} if fixed_steps else {})
