"""The options of training and sampling: read from the one schema file, checked, and explained when wrong.

Command-line flags, forms, the README's table and the stored JSON are derived from `options()`; nothing repeats a
default or a bound.
"""

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from charrnn.core.errors import OptionError
from charrnn.core.json_schema import validator

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

Kind = Literal["training", "sampling"]
Value = bool | int | float | str


@dataclass(frozen=True)
class Option:
    """One option as the schema describes it; bounds are inclusive, `None` where they do not apply."""

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
    """Step of a slider; other values in between are fine."""
    slider: tuple[float, float] | None
    """Ends of a slider, where the bounds are further apart than anybody wants to slide."""

    @property
    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type == "boolean":
            return "true or false"
        if self.type == "string":
            return f"a text of at most {self.max_characters:,} characters"
        kind = "a whole number" if self.type == "integer" else "a number"
        return f"{kind} from {_plain(self.minimum)} to {_plain(self.maximum)}"


@dataclass(frozen=True)
class Preset:
    """A named set of training options; what it does not name keeps its default."""

    name: str
    title: str
    help: str
    values: Mapping[str, Value]
    """Empty where `charrnn.core.auto` chooses them for a text."""
    minutes: float
    """Time budget that the choice is for; 0 where the values are fixed."""


@cache
def schema() -> dict[str, Any]:
    """Return the schema file as it is (draft 2020-12)."""
    document: dict[str, Any] = json.loads(files("charrnn.core").joinpath("options.schema.json").read_text("utf-8"))
    return document


@cache
def options(kind: Kind) -> dict[str, Option]:
    """Return the options of one kind by name, in the order of the forms."""
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
    """Return the default of every option of a kind."""
    return {name: option.default for name, option in options(kind).items()}


def find_preset(name: str) -> Preset:
    """Return a preset.

    Raises:
        OptionError: There is no preset of that name.
    """
    if name not in presets():
        hint = _did_you_mean(name, presets())
        raise OptionError({"preset": f"There is no preset {name!r}{hint}; there are {', '.join(presets())}."})
    return presets()[name]


def preset(name: str) -> dict[str, Value]:
    """Return all training options as a preset sets them that is the same for every text.

    Raises:
        OptionError: There is no such preset.
    """
    found = find_preset(name)
    if found.minutes:
        raise OptionError({"preset": f"The options of preset {name!r} depend on the text; they are chosen for one."})
    return defaults("training") | dict(found.values)


def checked(kind: Kind, values: Mapping[str, Any], *, base: Mapping[str, Any] | None = None) -> dict[str, Value]:
    """Complete options with defaults and check them all.

    Args:
        kind: `training` or `sampling`.
        values: Options as they came. Texts that spell a value are taken for it (`"32"`, `"false"`), so that forms,
            flags and environment variables may pass what was typed.
        base: What options that are not in `values` have, e.g. a preset; defaults where it is silent.

    Returns:
        Every option of the kind, each of its exact type.

    Raises:
        OptionError: With a message for each wrong option, all at once.
    """
    known = options(kind)
    given = {**(base or {}), **values}
    problems = {
        name: f"There is no {kind} option {name!r}{_did_you_mean(name, known)}." for name in given if name not in known
    }
    resolved = {name: _coerced(option, given.get(name, option.default)) for name, option in known.items()}
    for name, value in resolved.items():
        # NaN passes every comparison of the validator, and Python cannot spell a whole number of so many digits for it
        if isinstance(value, float) and not math.isfinite(value) or isinstance(value, int) and abs(value) >= 10**300:
            problems[name] = _message(known[name], given[name])
    for error in _validator(kind).iter_errors({n: v for n, v in resolved.items() if n not in problems}):
        name = str(_field(error))
        problems[name] = _message(known[name], given.get(name, resolved[name]))
    if problems:
        raise OptionError(problems)
    return resolved


def table(kind: Kind) -> str:
    """Return the options of a kind as a Markdown table, for the README."""
    rows = ["| option | default | allowed | what it does |", "|---|---|---|---|"]
    for option in options(kind).values():
        default = json.dumps(option.default) if option.default != "" else "empty"
        rows.append(f"| `{option.name}` | {default} | {option.allowed} | {option.help} |")
    return "\n".join(rows)


@cache
def _validator(kind: Kind) -> "Draft202012Validator":
    return validator(schema()["$defs"][kind])


def _field(error: "ValidationError") -> str | int:
    return error.absolute_path[0]


def _coerced(option: Option, value: Any) -> Any:
    """Turn a typed text or a number of the other kind into the option's type; leave what does not fit as it is."""
    if isinstance(value, str) and option.type != "string":
        text = value.strip()
        if option.type == "boolean":
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
                text.lower(), value
            )
        try:
            value = int(text) if option.type == "integer" else float(text)
        except ValueError:
            try:
                value = float(text)  # "1e3" for a whole number
            except ValueError:
                return value
    if isinstance(value, bool):
        return value
    if option.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if option.type == "number" and isinstance(value, int):
        return float(value) if abs(value) < 10**300 else math.inf  # float() overflows beyond
    return value


def _message(option: Option, value: Any) -> str:
    # Python refuses to spell integers of more than 4,300 digits
    huge = isinstance(value, int) and abs(value) >= 10**60
    shown = f"a number of {int(math.log10(abs(value))) + 1:,} digits" if huge else repr(value)
    if len(shown) > 60:
        shown = shown[:57] + "…"
    return f"{option.title} ({option.name}) is {shown}; it must be {option.allowed}."


def _did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _plain(number: float | None) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
