"""Use the controls of a view as a user does, without a browser."""

from typing import Any

from dashboard.live.session import Session
from dashboard.views.view import View
from tests.support.waiting import wait_until


def controls(view: View) -> list[Any]:
    """Return everything that a view shows."""
    return [found for found in view.layout.select() if found.visible]


def control(view: View, label: str) -> Any:
    """Return the visible button or field with a label.

    Raises:
        AssertionError: There is none, or more than one.
    """
    found = [each for each in controls(view) if getattr(each, "label", None) == label]
    assert len(found) == 1, f"{len(found)} controls are labeled {label!r}"
    return found[0]


def labels(view: View) -> set[str]:
    """Return the labels of all visible buttons and fields."""
    return {each.label for each in controls(view) if getattr(each, "label", None)}


def press(view: View, label: str) -> None:
    """Press a button."""
    button = control(view, label)
    assert not button.disabled, f"{label!r} is disabled"
    button.clicks += 1


def fill(view: View, label: str, text: str) -> None:
    """Type a text into a field."""
    field = control(view, label)
    field.value_input = text
    field.value = text


def choose(view: View, label: str, option: str) -> None:
    """Choose an option of a list by its name."""
    select = control(view, label)
    named = select.options if isinstance(select.options, dict) else {name: name for name in select.options}
    select.value = named[option]


def html(view: View) -> str:
    """Return all HTML that a view shows."""
    panes = [each for each in controls(view) if type(each).__name__ in ("HTML", "HTMLPane")]
    return "\n".join(pane.object if hasattr(pane, "object") else pane.html for pane in panes)


def update_until(session: Session, condition: Any) -> None:
    """Update the views of a session until a condition holds."""
    wait_until(lambda: session.update() or condition())
