"""Declare which properties a browser may set on our pages, and which messages it may send.

A message refers to a model of the page by its ID. It contains either a property of the model and its new value, or an
event of the model and its data. It is checked against these declarations before Bokeh decodes it. What is not declared,
or fails its check, raises `Rejected`.

Three kinds of values are dropped silently, since pages send them in normal use:

* values that the server never reads, such as the sizes, ranges and colors that plots report
* echoes: React components send back what the server has set, possibly after the server has set it again
* choices that were removed from a list meanwhile, by another browser tab or a training
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from bokeh.model import DataModel, Model
from bokeh.models import Annotation, GlyphRenderer, GuideRenderer, LegendItem, Plot, Range, Tool, Toolbar

# Maximum numbers of characters:
MAX_QUERY = 2000
MAX_HTML = 1_000_000
"""HTML of a pane, which the browser sends back after rendering it."""
MAX_CHOICE = 500
MAX_FILE_NAME = 1000
MAX_CHUNKS = 100_000
"""Maximum number of chunks of an uploaded file; `dashboard/components/file_upload.py` limits the bytes."""

PLOT_PARTS = (Plot, Range, GuideRenderer, Annotation, GlyphRenderer, LegendItem, Tool, Toolbar)
"""Models whose properties browsers report, but the server never reads."""


class Rejected(Exception):
    """A browser sent something that our pages never send. The message contains the property, never the value."""


class Verdict(Enum):
    """What to do with a value that is not rejected."""

    APPLY = "apply"
    DROP = "drop"


Check = Callable[[Model, Any], Verdict | None]
"""A function that checks a value for a property of a model; `None` rejects the value."""


@dataclass(frozen=True)
class Binary:
    """Bytes that were sent with a message; only their number is checked."""

    num_bytes: int


def boolean(model: Model, value: Any) -> Verdict | None:
    """Accept booleans."""
    return Verdict.APPLY if isinstance(value, bool) else None


def dropped(model: Model, value: Any) -> Verdict | None:
    """Drop any value: pages send it in normal use, and the server never reads it."""
    return Verdict.DROP


def integer(low: int, high: int) -> Check:
    """Accept integers in a range."""
    return lambda model, value: Verdict.APPLY if _is_integer(value) and low <= value <= high else None


def typed_text(model: Model, value: Any) -> Verdict | None:
    """Accept text up to the `max_length` of a text field, which browsers cannot change."""
    return Verdict.APPLY if _is_text(value, model.max_length) else None


def slider_value(model: Model, value: Any) -> Verdict | None:
    """Accept numbers in the range of a slider."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Verdict.APPLY if model.start <= value <= model.end else None


def whole_slider_value(model: Model, value: Any) -> Verdict | None:
    """Accept integers in the range of a slider; drop others, since the range may have changed."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return Verdict.APPLY if model.start <= value <= model.end else Verdict.DROP


def offered_choice(model: Model, value: Any) -> Verdict | None:
    """Accept one of the options of a list; drop others, since the list may have changed."""
    if value is not None and not _is_text(value, MAX_CHOICE):
        return None
    return Verdict.APPLY if value in model.options else Verdict.DROP


def page_address(model: Model, value: Any) -> Verdict | None:
    """Accept query strings; drop those with lists and dicts, which Panel would evaluate."""
    if not _is_text(value, MAX_QUERY) or (value and value[0] != "?"):
        return None
    is_plain = not any(argument.startswith(("[", "{")) for _, argument in parse_qsl(value[1:]))
    return Verdict.APPLY if is_plain else Verdict.DROP


_THEME: dict[str, Check] = {"dark_theme": boolean}
_BUTTON: dict[str, Check] = {**_THEME, "label": dropped, "disabled": dropped}
_FIELD: dict[str, Check] = {**_BUTTON, "error_state": dropped, "helper_text": dropped}
_TEXT: dict[str, Check] = {**_FIELD, "placeholder": dropped, "value": typed_text, "value_input": typed_text}
_SLIDER: dict[str, Check] = {**_BUTTON, "start": dropped, "end": dropped}
_SWITCH: dict[str, Check] = {**_THEME, "value": boolean}
_BROWSER = ("dark_mode", "device_pixel_ratio", "language", "timezone", "timezone_offset", "webdriver", "webgl")

PROPERTIES: Mapping[str, Mapping[str, Check]] = {
    # Components of panel-material-ui, whose state is in a data model of the same name.
    "Button": _BUTTON,
    "Checkbox": _SWITCH,
    "FileDownload": {**_BUTTON, **dict.fromkeys(("data", "filename", "_syncing"), dropped)},
    "FloatSlider": {**_SLIDER, "value": slider_value, "value_throttled": slider_value},
    "IntSlider": {**_SLIDER, "value": whole_slider_value, "value_throttled": whole_slider_value},
    "StudioPage": {**_THEME, "sidebar_open": dropped, "busy": dropped},
    "Select": {
        **_FIELD, "value": offered_choice, **dict.fromkeys(("options", "dropdown_open", "filter_str"), dropped)
    },
    "Switch": _SWITCH,
    "Tabs": {**_THEME, "active": dropped, "_names": dropped},
    "TextAreaInput": _TEXT,
    "TextInput": _TEXT,
    # Our own components.
    "ActionButton": _BUTTON,
    "ColorScheme": {"dark": boolean},
    "BrowserHistory": {},
    "BrowserTab": {},
    "DownloadTrigger": {},
    "GeneratedTextPane": {},
    "HTMLPane": {},
    "KeyboardShortcut": {},
    "LogPane": {},
    "ModelMenu": {},
    "ModelTable": {},
    "PageVisibility": {"is_page_visible": boolean},
    "Poller": {"count": integer(0, 100_000_000)},
    "TabBar": {},
    "TextUpload": _THEME,
    # Added by Panel to each page.
    "BrowserInfo": dict.fromkeys(_BROWSER, dropped),
    "Location": {"search": page_address, **dict.fromkeys(("href", "hash", "pathname"), dropped)},
    # Layouts, HTML and plots, without properties that a browser may set.
    "AllIndices": {}, "AllLabels": {}, "AreaVisuals": {}, "BasicTicker": {}, "BasicTickFormatter": {},
    "BoxInteractionHandles": {}, "CDSView": {}, "CategoricalScale": {}, "Column": {}, "ColumnDataSource": {},
    "CustomJS": {}, "Div": {}, "FlexBox": {}, "HTML": {}, "ImportedStyleSheet": {}, "Line": {}, "LinearScale": {},
    "LogScale": {}, "LogTicker": {}, "LogTickFormatter": {}, "Node": {}, "ReactComponent": {}, "ReactiveESM": {},
    "ReactiveHTML": {}, "Row": {}, "Scatter": {}, "Selection": {}, "Spacer": {}, "UnionRenderers": {},
}  # fmt: skip
"""Properties that a browser may set, by component. Components that are missing here cannot be changed."""


def _message(**entries: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Accept a dict with exactly these entries."""
    return lambda data: (
        isinstance(data, dict)
        and data.keys() == entries.keys()
        and all(is_valid(data[name]) for name, is_valid in entries.items())
    )


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _is_integer(value: Any, low: int = 0, high: int = 2**31) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


def _is_search(value: Any) -> bool:
    return _is_text(value, MAX_QUERY) and (not value or value[0] == "?")


def _is_file_name(value: Any) -> bool:
    return _is_text(value, MAX_FILE_NAME)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_chunk_number(value: Any) -> bool:
    return _is_integer(value, 1, MAX_CHUNKS)


_STATUS = _one_of("status")

MESSAGES: Mapping[str, tuple[Callable[[Any], bool], ...]] = {
    "BrowserHistory": (_message(type=_one_of("moved"), search=_is_search),),
    "HTMLPane": (lambda data: _is_text(data, MAX_HTML),),
    "KeyboardShortcut": (_message(type=_one_of("pressed")),),
    "LogPane": (_message(type=_one_of("drawn"), number=_is_integer),),
    "ModelMenu": (
        _message(type=_one_of("open"), page=_one_of("new", "models")),
        _message(type=_one_of("choose"), id=_is_id),
    ),
    "ModelTable": (
        _message(type=_one_of("choose"), id=_is_id),
        _message(type=_one_of("compare"), id=_is_id, on=_is_bool),
    ),
    "TabBar": (_message(type=_one_of("open"), name=_is_file_name),),
    "GeneratedTextPane": (
        _message(type=_one_of("drawn")),
        _message(type=_one_of("branch"), index=_is_integer, choice=lambda value: _is_integer(value, 0, 100)),
    ),
    "TextUpload": (
        _message(type=_STATUS, status=_one_of("initializing", "finished")),
        _message(type=_STATUS, status=_one_of("error"), error=_is_file_name),
        _message(
            type=_STATUS, status=_one_of("upload_event"), name=_is_file_name, mime_type=_is_file_name,
            chunk=_is_chunk_number, total_chunks=_is_chunk_number, data=lambda value: isinstance(value, Binary),
        ),
    ),
}  # fmt: skip
"""Valid messages from the JavaScript of our components, by component."""

CLICKS: Mapping[str, tuple[str, ...]] = {
    "ActionButton": ("click",), "Button": ("click",), "FileDownload": ("click",), "TextAreaInput": ("enter",),
    "TextInput": ("enter",),
}  # fmt: skip
"""Names of the events that a component may report, by component; their data is discarded."""


def component_of(model: Model) -> str:
    """Return the name of a model's component, without the number that Panel appends to names of data models."""
    if isinstance(model, DataModel):
        return type(model).__name__.rstrip("0123456789")
    return type(model).__name__


def is_dropped(model: Model, name: str) -> bool:
    """Return whether a property is dropped, whatever its value is."""
    return isinstance(model, PLOT_PARTS) or PROPERTIES.get(component_of(model), {}).get(name) is dropped


def check_property(model: Model, name: str, value: Any) -> Verdict:
    """Check a new value of a property.

    Raises:
        Rejected: A browser may not set the property, or not to this value.
    """
    if is_dropped(model, name):
        return Verdict.DROP
    component = component_of(model)
    check = PROPERTIES.get(component, {}).get(name)
    if check is None:
        raise Rejected(f"{component}.{name:.50} cannot be set by a browser")
    verdict = check(model, value)
    if verdict is None:
        raise Rejected(f"{component}.{name} has a value of the wrong type, length or range")
    return verdict


def check_component_message(model: Model, data: Any) -> None:
    """Check a message to one of our components.

    Args:
        model: The model of the component, whose state is in `data`.
        data: The message as plain values; bytes are `Binary`.

    Raises:
        Rejected: The component has no such message.
    """
    component = _owner(model)
    if not any(is_valid(data) for is_valid in MESSAGES.get(component, ())):
        raise Rejected(f"an unknown message to {component}")


def check_click(model: Model, event: Any) -> Verdict:
    """Check a click or a key press, which is dropped if the component is disabled.

    Raises:
        Rejected: The component has no such event.
    """
    component = _owner(model)
    if not isinstance(event, str) or event not in CLICKS.get(component, ()):
        raise Rejected(f"an unknown event of {component}")
    return Verdict.DROP if model.data.disabled else Verdict.APPLY


def _owner(model: Model) -> str:
    data = getattr(model, "data", None)
    return component_of(data) if isinstance(data, DataModel) else component_of(model)
