"""Read the options of training and sampling from the schema file, and validate values.

Command-line flags, forms, the tables of the documentation and the stored JSON are derived from `options()`, so defaults
and bounds are declared only once.
"""

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from charrnn.core.errors import OptionError
from charrnn.core.secret_files import BOOLEANS

ARCHITECTURE = ("cell", "lstm_size", "num_layers", "use_embedding", "embedding_size", "max_vocab")
"""Training options that determine the shapes of the weights; a checkpoint cannot be resumed with others."""

Kind = Literal["training", "sampling"]
Value = bool | int | float | str


@dataclass(frozen=True)
class Option:
    """One option of the schema; bounds are inclusive and `None` if they do not apply."""

    name: str
    type: str
    """`integer`, `number`, `boolean` or `string`."""
    title: str
    help: str
    group: str
    default: Value
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    max_characters: int | None
    step: float | None
    """Step of the slider; values in between are valid."""
    slider: tuple[float, float] | None
    """Range of the slider, if it is narrower than the bounds."""

    @property
    def allowed(self) -> str:
        """The valid values, as a phrase."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type == "boolean":
            return "true or false"
        if self.type == "string":
            return f"a text of at most {self.max_characters:,} characters"
        kind = "a whole number" if self.type == "integer" else "a number"
        return f"{kind} between {_plain(self.minimum)} and {_plain(self.maximum)}"

    def accepts(self, value: object) -> bool:
        """Return whether a value has the option's exact type and is within its bounds; NaN never is."""
        match self.type:
            case "boolean":
                return isinstance(value, bool)
            case "string" if self.choices:
                return value in self.choices
            case "string":
                return isinstance(value, str) and len(value) <= (self.max_characters or 0)
        number_type = int if self.type == "integer" else float
        if isinstance(value, bool) or not isinstance(value, number_type):
            return False
        return (self.minimum is None or self.minimum <= value) and (self.maximum is None or value <= self.maximum)


@dataclass(frozen=True)
class Preset:
    """A named set of training options; all others keep their defaults."""

    name: str
    title: str
    help: str
    values: Mapping[str, Value]
    """Fixed values; empty if `charrnn.core.auto_options` chooses the options for each text."""
    minutes: float
    """Time budget for which the options are chosen; 0 if the values are fixed."""


@cache
def schema() -> dict[str, Any]:
    """Return the schema file (draft 2020-12)."""
    document: dict[str, Any] = json.loads(files("charrnn.core").joinpath("options.schema.json").read_text("utf-8"))
    return document


@cache
def options(kind: Kind) -> dict[str, Option]:
    """Return the options of one kind by name, in the order of the form."""
    found = {}
    for name, entry in schema()["$defs"][kind]["properties"].items():
        found[name] = Option(
            name=name,
            type=entry["type"],
            title=entry["title"],
            help=entry["description"],
            group=schema()["x-groups"][entry["x-group"]],
            default=entry["default"],
            minimum=entry.get("minimum"),
            maximum=entry.get("maximum"),
            choices=tuple(entry.get("enum", ())),
            max_characters=entry.get("maxLength"),
            step=entry.get("x-step"),
            slider=tuple(entry["x-slider"]) if "x-slider" in entry else None,
        )
    return found


@cache
def presets() -> dict[str, Preset]:
    """Return the presets of training options by name."""
    return {
        name: Preset(name, entry["title"], entry["description"], entry.get("values", {}), entry.get("minutes", 0))
        for name, entry in schema()["x-presets"].items()
    }


def defaults(kind: Kind) -> dict[str, Value]:
    """Return the defaults of all options of a kind."""
    return {name: option.default for name, option in options(kind).items()}


def find_preset(name: str) -> Preset:
    """Return a preset.

    Raises:
        OptionError: The preset is unknown.
    """
    if name not in presets():
        hint = _did_you_mean(name, presets())
        raise OptionError({"preset": f"Unknown preset {name!r}{hint}. The presets are {', '.join(presets())}."})
    return presets()[name]


def preset(name: str) -> dict[str, Value]:
    """Return all training options with the values of a preset that is the same for every text.

    Raises:
        OptionError: The preset is unknown, or its options depend on the text.
    """
    found = find_preset(name)
    if found.minutes:
        raise OptionError({"preset": f"The options of preset {name!r} depend on the text. Choose a text first."})
    return defaults("training") | dict(found.values)


def checked(kind: Kind, values: Mapping[str, Any], *, base: Mapping[str, Any] | None = None) -> dict[str, Value]:
    """Add defaults for missing options and validate all values.

    Args:
        kind: `training` or `sampling`.
        values: Options as received. Strings such as `"32"` and `"false"` are converted to the option's type, so that
            forms, flags and environment variables can pass their input unchanged.
        base: Values of options that are not in `values`, e.g. a preset; defaults apply to the rest.

    Returns:
        All options of the kind, each with its exact type.

    Raises:
        OptionError: An option is unknown or invalid; there is a message for each one.
    """
    known = options(kind)
    merged = {**(base or {}), **values}
    problems = {
        name: f"Unknown {kind} option {name!r}{_did_you_mean(name, known)}." for name in merged if name not in known
    }
    resolved = {name: _coerced(option, merged.get(name, option.default)) for name, option in known.items()}
    problems |= {
        name: _message(known[name], merged[name]) for name, value in resolved.items() if not known[name].accepts(value)
    }
    if problems:
        raise OptionError(problems)
    return resolved


def table(kind: Kind) -> str:
    """Return the options of a kind as a Markdown table."""
    rows = ["| option | default | allowed | what it does |", "|---|---|---|---|"]
    for option in options(kind).values():
        default = json.dumps(option.default) if option.default != "" else "empty"
        rows.append(f"| `{option.name}` | {default} | {option.allowed} | {option.help} |")
    return "\n".join(rows)


def _coerced(option: Option, value: Any) -> Any:
    """Convert a string, or a number of the other type, to the option's type; return other values unchanged."""
    if isinstance(value, str) and option.type != "string":
        text = value.strip()
        if option.type == "boolean":
            return BOOLEANS.get(text.lower(), value)
        try:
            value = int(text) if option.type == "integer" else float(text)
        except ValueError:
            try:
                value = float(text)  # "1e3" for an integer
            except ValueError:
                return value
    if isinstance(value, bool):
        return value
    if option.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if option.type == "number" and isinstance(value, int):
        return float(value) if abs(value) < 10**300 else math.inf  # float() would overflow
    return value


def _message(option: Option, value: Any) -> str:
    # Python refuses to format integers of more than 4,300 digits.
    huge = isinstance(value, int) and abs(value) >= 10**60
    shown = f"a number of {int(math.log10(abs(value))) + 1:,} digits" if huge else repr(value)
    if len(shown) > 60:
        shown = shown[:57] + "…"
    return f"{option.title} ({option.name}) is {shown}; it must be {option.allowed}."


def _did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _plain(number: float | None) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
