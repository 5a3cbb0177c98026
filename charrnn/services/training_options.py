"""Combine a preset, a time budget and single values into the options of a training."""

import math
from collections.abc import Mapping
from typing import Any

from charrnn.core.auto_options import auto_options
from charrnn.core.errors import OptionError
from charrnn.core.options import Preset, Value, checked, find_preset, preset
from charrnn.services.cost_estimate import speed

AUTO = "auto"
"""The preset if only a time budget is given."""


def checked_request(
    given: Mapping[str, Any], *, preset_name: str | None = None, minutes: float | str | None = None
) -> tuple[Preset | None, float]:
    """Validate as much of a request as is possible without the text; arguments as for `training_options`.

    Returns:
        The preset, or `None`, and the time budget in minutes, or 0 if the preset takes none.

    Raises:
        OptionError: An option is invalid, the preset is unknown, or it takes no time budget.
    """
    valid = checked("training", given)
    found = find_preset(preset_name or AUTO) if preset_name or minutes is not None else None
    if found is None:
        return None, 0.0
    if found.minutes:
        wanted = minutes if minutes is not None else valid["max_minutes"] or found.minutes
        return found, float(checked("training", {"max_minutes": _budget(wanted)})["max_minutes"])
    if minutes is not None:
        raise OptionError(
            {
                "minutes": f"The options of preset {found.name!r} are the same for every time budget. Leave out "
                f"minutes or the preset; max_minutes ends any training after a time."
            }
        )
    return found, 0.0


def training_options(
    given: Mapping[str, Any],
    *,
    num_characters: int,
    num_distinct: int,
    preset_name: str | None = None,
    minutes: float | str | None = None,
) -> dict[str, Value]:
    """Return all training options for a text.

    Args:
        given: Options that the user has set; they override the preset's.
        num_characters: Length of the text.
        num_distinct: Number of distinct characters.
        preset_name: Preset to start with. The default is Auto if `minutes` is given, else no preset.
        minutes: Time budget of Auto. The default is `max_minutes` of the given options, or else the preset's own.

    Raises:
        OptionError: An option is invalid, the preset is unknown, or it takes no time budget.
    """
    found, budget = checked_request(given, preset_name=preset_name, minutes=minutes)
    if found is None or not found.minutes:
        return checked("training", given, base=preset(found.name) if found else None)
    return auto_options(num_characters, num_distinct, budget, speed(), given)


def _budget(minutes: float | str) -> float:
    try:
        found = float(minutes)
    except ValueError:
        found = 0.0
    if not 0 < found < math.inf:
        raise OptionError({"minutes": f"minutes is {minutes!r}; it must be a number above 0, for example 5."})
    return found
