"""Forms made from the options' schema: the Param class, the widget for each type, and errors at the field."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import panel as pn
import panel.ui as pui
import param

from charrnn.core.errors import OptionError
from charrnn.core.options import Kind, Option, Value, checked, options
from dashboard.theme import ASSETS, markup

FIELD: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"flex": "1 1 170px", "max-width": "215px", "min-width": "0"},
}
"""Width of a field: two fit side by side on a phone, and most titles whole on a wider screen."""

TOOLTIP = (ASSETS / "tooltip.css").read_text("utf-8")

_TYPES = {"integer": param.Integer, "number": param.Number, "boolean": param.Boolean, "string": param.String}


@cache
def options_class(kind: Kind) -> type[param.Parameterized]:
    """Return the Param class of a kind of options: bounds, steps, labels and help as in the schema."""
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


class Form:
    """Fields for options of one kind. What is typed is checked as it is typed, and a mistake is told at the field.

    Args:
        kind: Which options.
        names: Those that the form shows, all if missing.
        sliders: Numbers get sliders instead of fields to type in.
    """

    def __init__(self, kind: Kind, names: Iterable[str] | None = None, *, sliders: bool = False):
        self.kind = kind
        self.options = options_class(kind)()
        self.problems: dict[str, str] = {}
        self.typed: set[str] = set()
        """Options that the user has set since the form was filled."""
        self._on_change: list[Callable[[], None]] = []
        self._filling, self._sliders = False, sliders
        shown = [options(kind)[name] for name in (names or options(kind))]
        self.fields = {option.name: _widget(option, sliders) for option in shown}
        for name, widget in self.fields.items():
            typed = "value_input" if isinstance(widget, pui.TextInput) else "value"
            widget.param.watch(lambda event, name=name: self._typed(name, event.new), typed)

    @property
    def values(self) -> dict[str, Value]:
        """The options as they were last right."""
        return {name: getattr(self.options, name) for name in options(self.kind)}

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have `changed` called when a value or a mistake came or went."""
        self._on_change.append(changed)

    def fill(self, values: Mapping[str, Any], *, typed: Iterable[str] = ()) -> None:
        """Set all options, defaults where `values` is silent.

        Args:
            values: Options by name.
            typed: Those among them that the user has set.

        Raises:
            OptionError: Options are wrong; nothing is changed then.
        """
        right = checked(self.kind, values)
        self._filling = True
        try:
            self.options.param.update(**right)
            self.problems.clear()
            self.typed = set(typed)
            for name, widget in self.fields.items():
                _show(widget, right[name])
                _mark(widget, "")
        finally:
            self._filling = False
        self._tell()

    def widgets(self, *names: str) -> pn.FlexBox:
        """Return some of the fields side by side."""
        return pn.FlexBox(
            *[self.fields[name] for name in names], sizing_mode="stretch_width",
            gap="10px 20px" if self._sliders else "10px", margin=0,
        )  # fmt: skip

    def groups(self) -> list[tuple[str, pn.FlexBox]]:
        """Return the fields by their group, in the schema's order."""
        names: dict[str, list[str]] = {}
        for name in self.fields:
            names.setdefault(options(self.kind)[name].group, []).append(name)
        return [(group, self.widgets(*members)) for group, members in names.items()]

    def _typed(self, name: str, value: Any) -> None:
        if self._filling:
            return
        try:
            right = checked(self.kind, {name: value})[name]
        except OptionError as error:
            self.problems[name] = error.problems[name]
        else:
            self.problems.pop(name, None)
            self.options.param.update(**{name: right})
            self.typed.add(name)
        _mark(self.fields[name], self.problems.get(name, ""))
        self._tell()

    def _tell(self) -> None:
        for changed in self._on_change:
            changed()


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
    return pui.TextInput(value=spelled(option.default), **FIELD, size="small", **common)


def _tooltip(words: str) -> str:
    """Return a style sheet that shows words above a field while the pointer or the keyboard is on it.

    Panel's own `description` puts an element without a role into the label, which screen readers stumble over.
    """
    return TOOLTIP.replace("WORDS", json.dumps(words, ensure_ascii=False))


def spelled(value: Value) -> str:
    """Write a value as a user would type it."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _show(widget: pn.widgets.Widget, value: Value) -> None:
    if isinstance(widget, pui.TextInput):
        widget.param.update(value=spelled(value), value_input=spelled(value))
    elif isinstance(widget, pui.IntSlider | pui.FloatSlider):
        widget.param.update(value=min(max(value, widget.start), widget.end))
    else:
        widget.value = value


def _mark(widget: pn.widgets.Widget, problem: str) -> None:
    if "error_state" in widget.param:
        widget.param.update(error_state=bool(problem), helper_text=problem)


def help_table(kind: Kind, names: Iterable[str]) -> pn.pane.HTML:
    """Return what options mean, in words."""
    shown = [options(kind)[name] for name in names]
    rows = [f"<dt>{option.title}</dt><dd>{option.help} Allowed: {option.allowed}.</dd>" for option in shown]
    return markup(f'<details><summary>What these mean</summary><dl class="help">{"".join(rows)}</dl></details>')
