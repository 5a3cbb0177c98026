"""The options of a training as a user asks for them: a preset, a time budget, single values."""

from collections.abc import Mapping
from typing import Any

from charrnn.core.auto import auto_options
from charrnn.core.errors import OptionError
from charrnn.core.options import Value, checked, find_preset, preset
from charrnn.services.estimate import speed

AUTO = "auto"


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
    if preset_name is None and minutes is not None:
        preset_name = AUTO
    if preset_name is None:
        return checked("training", given)
    found = find_preset(preset_name)
    if not found.minutes:
        if minutes is not None:
            raise OptionError(
                {
                    "minutes": f"The options of preset {found.name!r} are the same for every time budget. Leave out "
                    f"minutes, or the preset; max_minutes ends any training after a time."
                }
            )
        return checked("training", given, base=preset(preset_name))
    right = checked("training", given)
    if minutes is None:
        minutes = float(right["max_minutes"]) or found.minutes
    return auto_options(num_characters, num_distinct, number_of(minutes), speed(), given)


def number_of(minutes: float | str) -> float:
    """Read a time budget as it was typed.

    Raises:
        OptionError: It is no number.
    """
    try:
        return float(minutes)
    except (TypeError, ValueError):
        raise OptionError({"minutes": f"minutes is {minutes!r}; it must be a number above 0, such as 5."}) from None
