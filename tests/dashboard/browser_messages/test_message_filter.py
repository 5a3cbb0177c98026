"""Messages that no page sends: they reach no model, and close the session."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from bokeh.document import Document
from bokeh.models import Div
from panel.io.state import set_curdoc
from panel.models.comm_manager import CommManager
from panel.models.location import Location

from charrnn.services import Services
from dashboard.browser_messages import message_filter
from dashboard.browser_messages.message_filter import LARGEST_BUFFER, LARGEST_MESSAGE, check
from dashboard.server.server import Studio
from tests.support.in_process_server import ServerClient
from tests.support.raw_browser import RawBrowser, change, event, mapped, with_component, with_label
from tests.support.trained_home import TrainedHome
from tests.support.waiting import wait_until

POLICY_VIOLATION, TOO_BIG = 1008, 1009


MALFORMED: dict[str, Callable[[RawBrowser], Any]] = {
    "another page": lambda b: b.message("PUSH-DOC", '{"doc": {"roots": []}}'),
    "a question about the server": lambda b: b.message("SERVER-INFO-REQ", "{}"),
    "an answer": lambda b: b.message("OK", "{}"),
    "an unknown message": lambda b: b.message("RUN", "{}"),
    "no JSON": lambda b: b.send("{{{", "{}", "{}"),
    "JSON without end": lambda b: b.message("PATCH-DOC", "[" * 100_000),
    "a header that is a list": lambda b: b.send("[]", "{}", "{}"),
    "a header without an id": lambda b: b.send('{"msgtype": "PATCH-DOC"}', "{}", '{"events": []}'),
    "bytes instead of text": lambda b: b.send(b"\xff\xfe"),
    "too many parts": lambda b: b.send('{"msgid": "1", "msgtype": "PATCH-DOC", "num_buffers": 1000000}', "{}", "{}"),
    "a negative number of parts": lambda b: b.send(
        '{"msgid": "1", "msgtype": "PATCH-DOC", "num_buffers": -1}', "{}", "{}"
    ),
    "a large part": lambda b: b.message("PATCH-DOC", '{"events": []}', ("b", b"x" * (LARGEST_BUFFER + 1))),
    "too many events": lambda b: b.patch(*[event("document_ready")] * 1001),
    "no events": lambda b: b.message("PATCH-DOC", "{}"),
    "an event that is none": lambda b: b.patch("x"),
    "events that are a map": lambda b: b.message("PATCH-DOC", '{"events": {"type": "map", "entries": []}}'),
    "references": lambda b: b.message("PATCH-DOC", '{"events": [], "references": []}'),
    "a new root": lambda b: b.patch({"kind": "RootAdded", "model": {"type": "object", "name": "Div", "id": "new"}}),
    "no root": lambda b: b.patch({"kind": "RootRemoved", "model": {"id": b.document.roots[0].id}}),
    "another title": lambda b: b.patch({"kind": "TitleChanged", "title": "x"}),
    "other data": lambda b: b.patch({"kind": "ColumnDataChanged", "model": {"id": "p1"}, "attr": "data", "data": {}}),
    "more data": lambda b: b.patch({"kind": "ColumnsStreamed", "model": {"id": "p1"}, "attr": "data", "data": {}}),
    "patched data": lambda b: b.patch({"kind": "ColumnsPatched", "model": {"id": "p1"}, "attr": "data", "patches": {}}),
    "a message of another kind": lambda b: b.patch({"kind": "MessageSent", "msg_type": "run", "msg_data": "x"}),
    "a Bokeh event of plots": lambda b: b.patch(event("reset", model={"id": b.document.roots[0].id})),
    "a model that is not there": lambda b: b.patch(change("p99999999", "value", 1)),
    "a reference that is none": lambda b: b.patch({"kind": "ModelChanged", "model": 1, "attr": "value", "new": 1}),
    "an event for no model": lambda b: b.patch(event("data_event", data="x")),
    "a message to who takes none": lambda b: b.patch(
        event("data_event", model={"id": b.document.roots[0].id}, data="x")
    ),
}


@pytest.mark.parametrize("send", MALFORMED.values(), ids=MALFORMED)
def test_a_message_that_no_page_sends_closes_the_session(
    client: ServerClient, send: Callable[[RawBrowser], Any]
) -> None:
    browser = RawBrowser(client)
    title, roots = browser.document.title, list(browser.document.roots)
    send(browser)
    assert browser.wait_for_close() == POLICY_VIOLATION
    assert (browser.document.title, browser.document.roots) == (title, roots)
    assert browser.document.models.get_by_id("new") is None


def test_an_oversized_message_is_not_buffered(client: ServerClient) -> None:
    browser = RawBrowser(client)
    browser.message("PATCH-DOC", json.dumps("x" * (LARGEST_MESSAGE + 1)))
    assert browser.wait_for_close() in (TOO_BIG, None)  # Tornado may not wait until its reason was read


COMPONENTS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "ModelTable": ("library", [mapped(type="choose", id=theirs) for theirs in ("../../x", 1, None, "5" * 33)]),
    "LogPane": ("training", [mapped(type="drawn", number=-1), mapped(type="drawn", number="1"), mapped(type="x")]),
    "GeneratedTextPane": (
        "write",
        [mapped(type="branch", index=-1, choice=0), mapped(type="branch", index=0, choice=10**9)],
    ),
    "TextUpload": (
        "text",
        [
            mapped(type="status", status="upload_event", name="x", mime_type="x", chunk=1, total_chunks=1, data="x"),
            mapped(type="status", status="upload_event", name="x", mime_type="x", chunk=0, total_chunks=1, data=None),
            mapped(type="status", status="x"),
        ],
    ),
    "HTMLPane": ("training", [mapped(a=1), [1]]),
}


@pytest.mark.parametrize(
    ("component", "number"),
    [(component, number) for component, (_, sent) in COMPONENTS.items() for number in range(len(sent))],
)
def test_an_unknown_message_to_a_component_closes_the_session(
    client: ServerClient, trained: TrainedHome, component: str, number: int
) -> None:
    tab, messages = COMPONENTS[component]
    browser = RawBrowser(client, f"?tab={tab}&model={trained.model.id}")
    data = with_component(browser.document, component)
    owner = next(model for model in list(browser.document.models) if getattr(model, "data", None) is data)
    browser.patch(event("data_event", model={"id": owner.id}, data=messages[number]))
    assert browser.wait_for_close() == POLICY_VIOLATION


@pytest.mark.parametrize("node", ["msg", "clear", "change", "", 1, None])
def test_a_click_triggers_only_the_click_event(client: ServerClient, node: object) -> None:
    browser = RawBrowser(client, "?tab=text")
    data = with_component(browser.document, "ActionButton")
    owner = next(model for model in list(browser.document.models) if getattr(model, "data", None) is data)
    browser.patch(event("dom_event", model={"id": owner.id}, node=node, data=mapped()))
    assert browser.wait_for_close() == POLICY_VIOLATION


def test_a_click_on_a_disabled_button_is_dropped(client: ServerClient, trained: TrainedHome) -> None:
    browser = RawBrowser(client, f"?tab=options&model={trained.model.id}")
    button = with_label(browser.document, "Train")
    wait_until(lambda: not button.data.disabled)  # Auto has chosen the options
    browser.document.add_next_tick_callback(lambda: button.data.update(disabled=True))
    wait_until(lambda: button.data.disabled)
    number = len(client.studio.services.models.all())
    click = event("dom_event", model={"id": button.id}, node="click", data=mapped())
    assert check(browser.document, {"events": [click]}, {}) == []
    browser.patch(click)
    browser.close()
    assert len(client.studio.services.models.all()) == number


def test_a_choice_that_is_not_offered_any_more_is_dropped(client: ServerClient, trained: TrainedHome) -> None:
    browser = RawBrowser(client, f"?part=options&model={trained.model.id}")
    select = with_component(browser.document, "Select")
    assert check(browser.document, {"events": [change(select.id, "value", "5" * 32)]}, {}) == []
    browser.close()


def test_a_change_of_a_removed_model_is_dropped(client: ServerClient) -> None:
    browser = RawBrowser(client)
    gone = Div(text="a notice")
    browser.document.models[gone.id] = gone
    browser.document.models.invalidate()
    assert browser.document.models.get_by_id(gone.id) is None
    assert check(browser.document, {"events": [change(gone.id, "text", "x")]}, {}) == []
    browser.close()


def test_a_page_inside_a_notebook_cell_ignores_invalid_messages(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """There, the browser belongs to the owner of the kernel; invalid messages are ignored all the same."""
    studio, document = Studio.open(services), Document()
    with set_curdoc(document):
        page = studio.page("library")
        root = page.get_root(document)
        document.add_root(root)
    ref, table = root.ref["id"], with_component(document, "StudioPage")

    def receive(name: str, value: object) -> None:
        content = {"events": [change(table.id, name, value)]}
        header = {"msgid": "1", "msgtype": "PATCH-DOC"}
        page._on_msg(
            ref, CommManager(plot_id=ref), {"header": header, "metadata": {}, "content": content, "_buffers": {}}
        )

    receive("logo", "/etc/secret.svg")
    assert table.logo is None
    assert "StudioPage.logo cannot be set by a browser" in caplog.text
    assert "secret" not in caplog.text
    receive("dark_theme", True)
    assert page.dark_theme is True
    studio.close()


def test_a_change_of_a_model_that_is_being_added_is_accepted(
    client: ServerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A callback sends a new model to the browser before it adds it to the page, and the browser is quick."""
    browser, new = RawBrowser(client), Location()
    calls: list[object] = []
    monkeypatch.setattr(message_filter, "check", lambda *given: calls.append(given) or check(*given))
    has_started = threading.Event()

    def callback() -> None:
        has_started.set()
        wait_until(lambda: calls)
        browser.document.add_root(new)

    browser.document.add_next_tick_callback(callback)
    wait_until(has_started.is_set)
    browser.patch(change(new.id, "search", "?tab=text"))
    wait_until(lambda: new.search == "?tab=text")
    browser.close()
