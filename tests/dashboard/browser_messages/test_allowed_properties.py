"""Properties of every page accept only what the page sends; other values close the session and are logged."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bokeh.document import Document
from bokeh.model import Model
from panel.io.state import set_curdoc

from charrnn.services import open_services
from dashboard.browser_messages.allowed_properties import (
    CLICKS,
    MESSAGES,
    PLOT_PARTS,
    PROPERTIES,
    Rejected,
    component_of,
    typed_text,
)
from dashboard.browser_messages.message_filter import LARGEST_MESSAGE, check
from dashboard.live.session import TABS
from dashboard.server.login_providers import Logins
from dashboard.server.server import Studio
from dashboard.views.page import VIEWS
from tests.support.in_process_server import ServerClient, opened
from tests.support.raw_browser import RawBrowser, change, mapped, with_component
from tests.support.trained_home import TrainedHome
from tests.support.waiting import wait_until

POLICY_VIOLATION, TOO_BIG = 1008, 1009
LATE = {
    "write": "GeneratedTextPane",
    "training": "LogPane",
    "library": "ModelTable",
    "options": "Select",
    "text": "TextUpload",
}
"""A component of each tab that exists once its view was built and updated."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerClient]:
    with open_services(tmp_path_factory.mktemp("empty"), environ={}) as services:
        yield from opened(services, Logins())


@pytest.fixture(scope="module")
def pages(client: ServerClient, empty: ServerClient, trained: TrainedHome) -> Iterator[dict[str, Document]]:
    """Every page: each tab and each part, with and without models, and a page inside a notebook cell."""
    visits = {f"tab {tab}": (client, f"?tab={tab}&model={trained.model.id}") for tab in TABS}
    visits |= {f"part {part}": (client, f"?part={part}&model={trained.model.id}") for part in VIEWS}
    visits |= {f"empty, tab {tab}": (empty, f"?tab={tab}") for tab in TABS}
    browsers = {name: RawBrowser(*visit) for name, visit in visits.items()}
    for name, browser in browsers.items():
        component = LATE.get(name.rpartition(" ")[2])
        if component and not name.startswith("empty"):
            with_component(browser.document, component)
    studio = Studio.open(client.studio.services)
    cell = Document()
    with set_curdoc(cell):
        cell.add_root(studio.page("", trained.model.id).get_root(cell))
    yield {name: browser.document for name, browser in browsers.items()} | {"cell": cell}
    for browser in browsers.values():
        browser.close()
    studio.close()


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


HOSTILE: dict[str, Any] = {
    "a file's path": "/etc/passwd.svg", "a web address": "http://127.0.0.1:1/x.svg", "another user's id": "5" * 32,
    "markup": "<img src=x onerror=alert(1)>", "an expression": "?tab=[[],{}]", "a long text": "x" * 10_000_000,
    "a huge number": 10**9, "a number without end": 10**400, "less than nothing": -1, "NaN": float("nan"),
    "infinity": float("inf"), "NaN, wrapped": {"type": "number", "value": "nan"}, "a fraction": 0.123456789e-5,
    "null": None, "a list": [1, 2], "a deep list": deep(50), "an endless list": [0] * 100_000, "a map": mapped(a=1),
    "bytes in the text": {"type": "bytes", "data": "H4sIAAAAAAAAA0tMBAAC9Ji3AgAAAA=="},
    "a buffer that is not there": {"type": "bytes", "data": {"id": "b1"}},
    "an array": {"type": "ndarray", "array": [1], "shape": [10**9], "dtype": "float64", "order": "little"},
    "a new model": {"type": "object", "name": "Figure", "id": "new", "attributes": {"title": {"text": "x"}}},
    "a model of the page": {"id": "p1001"}, "a symbol": {"type": "symbol", "name": "x"}, "no form": {"a": {"b": 1}},
}  # fmt: skip
SHORT = {"a file's path", "a web address", "another user's id", "markup", "an expression"}
"""Values that a user can type."""
WORDS = {"an expression", "a fraction"}


def every_property(pages: dict[str, Document]) -> dict[tuple[str, str], tuple[Document, Model]]:
    """Return every property of every component on any page, with a model that has it."""
    found: dict[tuple[str, str], tuple[Document, Model]] = {}
    for document in pages.values():
        for model in list(document.models):
            for name in model.properties():
                found.setdefault((component_of(model), name), (document, model))
    return found


def applied(document: Document, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a page applies of an event; nothing if it is rejected."""
    return [] if is_rejected(document, sent) else check(document, {"events": [sent]}, {})


def is_rejected(document: Document, sent: dict[str, Any]) -> bool:
    """Return whether an event closes the session."""
    try:
        check(document, {"events": [sent]}, {})
    except Rejected:
        return True
    return False


def test_every_component_of_every_page_is_declared(pages: dict[str, Document]) -> None:
    """A new component needs an entry in PROPERTIES: which of its properties can a browser set?"""
    parts = {
        component_of(model)
        for document in pages.values()
        for model in list(document.models)
        if not isinstance(model, PLOT_PARTS)
    }
    assert {
        "GeneratedTextPane",
        "TextUpload",
        "ModelTable",
        "StudioPage",
        "Poller",
        "Location",
        "ActionButton",
    } <= parts
    assert parts <= PROPERTIES.keys()


def test_every_button_with_an_action_is_an_action_button(pages: dict[str, Document]) -> None:
    """Two other buttons save an image in the browser."""
    labels: dict[str, set[str]] = {"Button": set(), "ActionButton": set()}
    for document in pages.values():
        for model in list(document.models):
            if (component := component_of(model)) in labels:
                labels[component].add(model.label)
    assert labels["Button"] == {"PNG", "SVG"}
    assert {"Train", "Write", "Delete", "Save"} <= labels["ActionButton"]


def test_every_declared_property_exists(pages: dict[str, Document]) -> None:
    known = every_property(pages)
    components = {component for component, _ in known}
    declared = {(component, name) for component in components & PROPERTIES.keys() for name in PROPERTIES[component]}
    assert declared <= known.keys()
    assert (CLICKS.keys() | MESSAGES.keys()) - components <= {"Button"}


def test_no_property_of_any_page_accepts_a_hostile_value(pages: dict[str, Document]) -> None:
    taken = []
    for (component, name), (document, model) in every_property(pages).items():
        is_text = PROPERTIES.get(component, {}).get(name) is typed_text
        is_slider = component == "FloatSlider"
        for kind, value in HOSTILE.items():
            if (is_text and kind in SHORT) or (is_slider and kind in WORDS):
                continue
            if applied(document, change(model.id, name, value)):
                taken.append((component, name, kind))
    assert taken == []


@pytest.mark.parametrize("name", ["logo", "favicon", "template", "site_url", "title", "meta", "config", "main", "esm"])
def test_defect_a_browser_cannot_make_the_page_read_a_file(client: ServerClient, name: str, tmp_path: Path) -> None:
    """Page.logo reads any file with the extension of an image and sends it to the browser."""
    secret = tmp_path / "secret.svg"
    secret.write_text("the server's secret")
    browser = RawBrowser(client)
    page = with_component(browser.document, "StudioPage")
    before = page.properties_with_values().get(name)
    browser.patch(change(page.id, name, str(secret)))
    assert browser.wait_for_close() == POLICY_VIOLATION
    assert page.properties_with_values().get(name) == before


def test_valid_changes_are_applied(client: ServerClient, trained: TrainedHome) -> None:
    browser = RawBrowser(client, f"?tab=write&model={trained.model.id}")
    prompt = with_component(browser.document, "TextAreaInput")
    browser.patch(change(prompt.id, "value_input", "little"), change(prompt.id, "value", "little ducks"))
    wait_until(lambda: (prompt.value_input, prompt.value) == ("little", "little ducks"))
    slider = with_component(browser.document, "FloatSlider")
    browser.patch(change(slider.id, "value", slider.end))
    wait_until(lambda: slider.value == slider.end)
    browser.close()


def reject_over_the_wire(
    client: ServerClient, caplog: pytest.LogCaptureFixture, query: str, component: str, kind: str
) -> None:
    browser = RawBrowser(client, query)
    model = with_component(browser.document, component)
    document, value = browser.document, HOSTILE[kind]
    name = next(name for name in sorted(model.properties()) if is_rejected(document, change(model.id, name, value)))
    before = model.properties_with_values()[name]
    caplog.clear()
    browser.patch(change(model.id, name, value))
    assert browser.wait_for_close() == POLICY_VIOLATION, (component, name, kind)
    assert model.properties_with_values()[name] == before
    lines = [
        record.getMessage() for record in caplog.records if record.name == "dashboard.browser_messages.message_filter"
    ]
    assert len(lines) == 1
    assert len(lines[0]) < 200
    assert "passwd" not in lines[0]


def test_a_hostile_value_for_any_component_closes_the_session_and_is_logged_once(
    pages: dict[str, Document],
    client: ServerClient,
    empty: ServerClient,
    trained: TrainedHome,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Over a real websocket, once per component and per kind of value; other tests cover the rest."""
    caplog.set_level(logging.WARNING)
    kinds = [kind for kind in HOSTILE if not isinstance(HOSTILE[kind], str) or len(HOSTILE[kind]) < LARGEST_MESSAGE]
    seen: dict[str, str] = {}
    for page, document in pages.items():
        for model in list(document.models):
            component = component_of(model)
            if page != "cell" and not isinstance(model, PLOT_PARTS) and component != "BrowserInfo":
                seen.setdefault(component, page)
    for number, (component, page) in enumerate(sorted(seen.items())):
        where, _, word = page.rpartition(" ")
        query = f"?{where.rpartition(' ')[2]}={word}" + ("" if "empty" in page else f"&model={trained.model.id}")
        server = empty if "empty" in page else client
        reject_over_the_wire(server, caplog, query, component, kinds[number % len(kinds)])


def test_changes_of_a_plot_are_dropped(client: ServerClient, trained: TrainedHome) -> None:
    browser = RawBrowser(client, f"?part=loss&model={trained.model.id}")
    figure = with_component(browser.document, "figure")
    prompt = with_component(browser.document, "FloatSlider")
    browser.patch(
        change(figure.id, "title", {"type": "object", "name": "Title", "id": "new"}),
        change(figure.id, "inner_width", {"type": "number", "value": "nan"}),
        change(figure.id, "width", 10**9),
        change(prompt.id, "value", 0.5),
    )
    wait_until(lambda: prompt.value == 0.5)
    assert figure.width != 10**9
    assert browser.document.models.get_by_id("new") is None
    browser.close()


ECHOES = {"IntSlider": "end", "ActionButton": "label", "Select": "options", "TextInput": "error_state"}


@pytest.mark.parametrize(("component", "name"), ECHOES.items(), ids=ECHOES)
def test_defect_a_browser_that_sends_back_what_the_server_has_set_is_not_disconnected(
    pages: dict[str, Document], component: str, name: str
) -> None:
    """React components echo values, late if the server was quicker; newer values of the server are kept."""
    found = every_property(pages)
    document, model = found[component, name]
    assert check(document, {"events": [change(model.id, name, getattr(model, name))]}, {}) == []
