"""Generate a form from the options schema: one field per option, with its help and error message."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import panel as pn
import panel.ui as pui
import param

from charrnn.core.errors import OptionError
from charrnn.core.options import Kind, Option, Value, checked, options
from dashboard.theme import markup

FIELD: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"flex": "1 1 170px", "max-width": "215px", "min-width": "0"},
}
"""Layout of a field: two fit side by side on a phone, and most titles are not truncated on a wider screen."""

DECIMAL_COMMA = re.compile(r"[+-]?(?:0?,\d+|\d+,(?!\d{3}$)\d+)")
"""A number with a decimal comma. `1,000` is none, because it may also be a thousand."""
TOOLTIP = Path(__file__).with_suffix(".css").read_text("utf-8")

_TYPES = {"integer": param.Integer, "number": param.Number, "boolean": param.Boolean, "string": param.String}


@cache
def options_class(kind: Kind) -> type[param.Parameterized]:
    """Return a Param class for a kind of options, with bounds, steps, labels and help from the schema."""
    parameters = {option.name: _parameter(option) for option in options(kind).values()}
    name = f"{kind.title()}Options"
    return type(name, (param.Parameterized,), {**parameters, "__doc__": f"Options of {kind}.", "__module__": __name__})


def _parameter(option: Option) -> param.Parameter:
    common = {"default": option.default, "label": option.title, "doc": option.help, "metadata": {"group": option.group}}
    if option.choices:
        return param.Selector(objects=list(option.choices), **common)
    if option.type in ("integer", "number"):
        return _TYPES[option.type](bounds=(option.minimum, option.maximum), step=option.step, **common)
    return _TYPES[option.type](**common)


class OptionForm:
    """A form for options of one kind. Input is validated while the user types, and errors are shown at the field.

    Args:
        kind: Kind of the options.
        names: Options that the form shows; all if missing.
        sliders: Use sliders for numbers instead of text fields.
    """

    def __init__(self, kind: Kind, names: Iterable[str] | None = None, *, sliders: bool = False):
        self.kind = kind
        self.options = options_class(kind)()
        self.errors: dict[str, str] = {}
        self.changed_names: set[str] = set()
        """Options that the user has set since the form was filled."""
        self._callbacks: list[Callable[[], None]] = []
        self._filling, self._sliders = False, sliders
        shown = [options(kind)[name] for name in (names or options(kind))]
        self.fields = {option.name: _widget(option, sliders) for option in shown}
        for name, widget in self.fields.items():
            parameter = "value_input" if isinstance(widget, pui.TextInput) else "value"
            widget.param.watch(lambda event, name=name: self._set(name, event.new), parameter)

    @property
    def values(self) -> dict[str, Value]:
        """The last valid value of each option."""
        return {name: getattr(self.options, name) for name in options(self.kind)}

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call a function whenever a value or an error changes."""
        self._callbacks.append(callback)

    def fill(self, values: Mapping[str, Any], *, changed_names: Iterable[str] = ()) -> None:
        """Set all options; those that are missing in `values` get their defaults.

        Args:
            values: Options by name.
            changed_names: Names of the options that the user has set.

        Raises:
            OptionError: A value is invalid; the form is not changed.
        """
        valid = checked(self.kind, values)
        self._filling = True
        try:
            self.options.param.update(**valid)
            self.errors.clear()
            self.changed_names = set(changed_names)
            for name, widget in self.fields.items():
                _set_value(widget, valid[name])
                _show_error(widget, "")
        finally:
            self._filling = False
        self._notify()

    def widgets(self, *names: str) -> pn.FlexBox:
        """Return a row of fields."""
        return pn.FlexBox(
            *[self.fields[name] for name in names],
            sizing_mode="stretch_width",
            gap="10px 20px" if self._sliders else "10px",
            margin=0,
        )

    def groups(self) -> list[tuple[str, pn.FlexBox]]:
        """Return the title and the fields of each group, in the order of the schema."""
        names: dict[str, list[str]] = {}
        for name in self.fields:
            names.setdefault(options(self.kind)[name].group, []).append(name)
        return [(group, self.widgets(*members)) for group, members in names.items()]

    def _set(self, name: str, value: Any) -> None:
        if self._filling:
            return
        try:
            valid = checked(self.kind, {name: _with_decimal_point(name, value, self.kind)})[name]
        except OptionError as error:
            self.errors[name] = error.problems[name]
        else:
            self.errors.pop(name, None)
            self.options.param.update(**{name: valid})
            self.changed_names.add(name)
        _show_error(self.fields[name], self.errors.get(name, ""))
        self._notify()

    def _notify(self) -> None:
        for callback in self._callbacks:
            callback()


def _with_decimal_point(name: str, value: Any, kind: Kind) -> Any:
    """Return a number that was typed with a decimal comma with a point; leave anything else as it is."""
    if options(kind)[name].type == "number" and isinstance(value, str) and DECIMAL_COMMA.fullmatch(value.strip()):
        return value.replace(",", ".")
    return value


def _widget(option: Option, sliders: bool) -> pn.widgets.Widget:
    common = {"label": option.title, "margin": 0, "stylesheets": [_tooltip(option.help)]}
    if option.choices:
        return pui.Select(options=list(option.choices), value=option.default, **FIELD, size="small", **common)
    if option.type == "boolean":
        return pui.Checkbox(value=option.default, **FIELD, **common)
    if sliders and option.type != "string" and option.name != "seed":
        start, end = option.slider or (option.minimum, option.maximum)
        slider = pui.IntSlider if option.type == "integer" else pui.FloatSlider
        return slider(start=start, end=end, step=option.step, value=option.default, **FIELD, **common)
    return pui.TextInput(value=format_value(option.default), **FIELD, size="small", **common)


def _tooltip(text: str) -> str:
    """Return a stylesheet that shows a text above a field while it is hovered or focused.

    Panel's `description` fails accessibility checks: it adds an element without a role to the label.
    """
    return TOOLTIP.replace("TEXT", json.dumps(text, ensure_ascii=False))


def format_value(value: Value) -> str:
    """Format a value as users type it."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _set_value(widget: pn.widgets.Widget, value: Value) -> None:
    if isinstance(widget, pui.TextInput):
        widget.param.update(value=format_value(value), value_input=format_value(value))
    elif isinstance(widget, pui.IntSlider | pui.FloatSlider):
        widget.param.update(value=min(max(value, widget.start), widget.end))
    else:
        widget.value = value


def _show_error(widget: pn.widgets.Widget, message: str) -> None:
    if "error_state" in widget.param:
        widget.param.update(error_state=bool(message), helper_text=message)


def help_table(kind: Kind, names: Iterable[str]) -> pn.pane.HTML:
    """Return a collapsed section with the help of options."""
    shown = [options(kind)[name] for name in names]
    rows = [f"<dt>{option.title}</dt><dd>{option.help} Allowed: {option.allowed}.</dd>" for option in shown]
    return markup(f'<details><summary>Help</summary><dl class="help">{"".join(rows)}</dl></details>')
