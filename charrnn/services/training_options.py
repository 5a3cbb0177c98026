"""Combine a preset, a time budget and individual options into the options of a training."""

import math
from collections.abc import Mapping
from typing import Any

from charrnn.core.auto_options import auto_options
from charrnn.core.errors import OptionError
from charrnn.core.options import Preset, Value, checked, find_preset, preset
from charrnn.services.cost_estimate import measure_speed

AUTO = "auto"
"""Preset used when only a time budget is given."""


def check_request(
    options: Mapping[str, Any], *, preset_name: str | None = None, minutes: float | str | None = None
) -> tuple[Preset | None, float]:
    """Validate requested options as far as possible without the text; arguments as for `training_options`.

    Returns:
        The preset, or `None` for the defaults; and its time budget in minutes, 0 for presets without one.

    Raises:
        OptionError: An option is invalid, the preset is unknown, or it has no time budget.
    """
    values = checked("training", options)
    selected = find_preset(preset_name or AUTO) if preset_name or minutes is not None else None
    if selected is None:
        return None, 0.0
    if selected.minutes:
        budget = minutes if minutes is not None else values["max_minutes"] or selected.minutes
        return selected, float(checked("training", {"max_minutes": _checked_minutes(budget)})["max_minutes"])
    if minutes is not None:
        raise OptionError(
            {
                "minutes": f"The preset {selected.name!r} has the same options for every time budget. Omit minutes or "
                f"the preset; to end a training after a time, set max_minutes."
            }
        )
    return selected, 0.0


def training_options(
    options: Mapping[str, Any],
    *,
    num_characters: int,
    num_distinct: int,
    preset_name: str | None = None,
    minutes: float | str | None = None,
) -> dict[str, Value]:
    """Return all training options for a text.

    Args:
        options: Options set by the user; they override the preset.
        num_characters: Length of the text.
        num_distinct: Number of distinct characters in the text.
        preset_name: Preset to start with. The default is Auto if `minutes` is given, else the default options.
        minutes: Time budget for Auto; defaults to the option `max_minutes`, then to the preset's own budget.

    Raises:
        OptionError: An option is invalid, the preset is unknown, or it has no time budget.
    """
    selected, budget = check_request(options, preset_name=preset_name, minutes=minutes)
    if selected is None or not selected.minutes:
        return checked("training", options, base=preset(selected.name) if selected else None)
    return auto_options(num_characters, num_distinct, budget, measure_speed(), options)


def _checked_minutes(minutes: float | str) -> float:
    try:
        number = float(minutes)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise OptionError({"minutes": f"minutes is {minutes!r}; it must be a number above 0, for example 5."})
    return number
