"""The options of a training as a user asks for them: a preset, a time budget, single values."""

import math
from collections.abc import Mapping
from typing import Any

from charrnn.core.auto import auto_options
from charrnn.core.errors import OptionError
from charrnn.core.options import Preset, Value, checked, find_preset, preset
from charrnn.services.cost_estimate import speed

AUTO = "auto"
"""Preset where there is only a time budget."""


def checked_request(
    given: Mapping[str, Any], *, preset_name: str | None = None, minutes: float | str | None = None
) -> tuple[Preset | None, float]:
    """Check what a user asks for, as far as that is possible without the text; arguments as for `training_options`.

    Returns:
        The preset, `None` for none, and the time budget in minutes, 0 where the preset knows none.

    Raises:
        OptionError: Options are wrong, there is no such preset, or it knows no time budget.
    """
    right = checked("training", given)
    found = find_preset(preset_name or AUTO) if preset_name or minutes is not None else None
    if found is None:
        return None, 0.0
    if found.minutes:
        wanted = minutes if minutes is not None else right["max_minutes"] or found.minutes
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
        given: Options that the user has set, which go over the preset's.
        num_characters: Length of the text.
        num_distinct: Different characters in it.
        preset_name: Options to begin with; Auto where there are minutes, defaults where there is nothing.
        minutes: Time budget of Auto; else `max_minutes` of the given options, else the preset's own.

    Raises:
        OptionError: Options are wrong, there is no such preset, or it knows no time budget.
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
