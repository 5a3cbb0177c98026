"""Filter messages of browsers before Bokeh decodes them, and close sessions of browsers that send invalid ones.

`filter_patch` reads only the JSON of a patch, since decoding it could create models, decompress bytes and call setters.
It protects served pages (`FilteredWebSocket`) and pages that Panel renders inside a notebook cell
(`dashboard/views/page.py`).
"""

import logging
from collections.abc import Mapping
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from bokeh.document import Document
from bokeh.model import Model
from bokeh.protocol.message import Message
from bokeh.server.session import ServerSession

from dashboard.browser_messages.allowed_properties import (
    Binary,
    Rejected,
    Verdict,
    check_click,
    check_component_message,
    check_property,
    is_dropped,
)
from dashboard.patches.websocket_hooks import HookedWebSocket

MAX_MESSAGE_BYTES = 16 << 20
"""The largest valid message contains a pasted text of five million characters."""
MAX_BUFFER_BYTES = 2 << 20
"""Limit of a chunk of an uploaded file."""
MAX_BUFFERS = 16
MAX_EVENTS = 1000
MAX_DEPTH = 8
"""Maximum depth of nested lists and maps."""
MAX_VALUES = 1000
"""Maximum number of values in a list or map."""
POLICY_VIOLATION = 1008
"""Websocket close code of RFC 6455."""

MESSAGE_TYPES = {"PULL-DOC-REQ", "PATCH-DOC"}
IGNORED_EVENTS = {"connection_lost"}
DOCUMENT_EVENTS = {"document_ready", "client_reconnected"}

log = logging.getLogger(__name__)


def filter_patch(document: Document, content: Any, buffers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the events of a patch that may be applied; they refer to models by ID.

    Args:
        document: The page.
        content: JSON content of a `PATCH-DOC` message.
        buffers: Number of bytes of each buffer of the message, by buffer ID.

    Raises:
        Rejected: Our pages never send this.
    """
    if not isinstance(content, dict) or content.keys() != {"events"} or not isinstance(content["events"], list):
        raise Rejected("a patch that is not a list of events")
    if len(content["events"]) > MAX_EVENTS:
        raise Rejected("a patch with too many events")
    events = [_filter_event(document, event, buffers) for event in content["events"]]
    return [event for event in events if event is not None]


def _filter_event(document: Document, event: Any, buffers: Mapping[str, int]) -> dict[str, Any] | None:
    match event:
        case {"kind": "ModelChanged", "model": reference, "attr": str(name), "new": value}:
            if (model := _model(document, reference)) is None or is_dropped(model, name):
                return None
            plain = _plain(value, buffers)
            if check_property(model, name, plain) is Verdict.DROP:
                return None
            return {"kind": "ModelChanged", "model": {"id": model.id}, "attr": name, "new": plain}
        case {
            "kind": "MessageSent",
            "msg_type": "bokeh_event",
            "msg_data": {"type": "event", "name": str(name)} as sent,
        }:
            return _filter_bokeh_event(document, name, sent.get("values"), buffers)
        case {"kind": str(kind)}:
            raise Rejected(f"an event of kind {kind:.30}")
    raise Rejected("an event without a kind")


def _filter_bokeh_event(
    document: Document, name: str, values: Any, buffers: Mapping[str, int]
) -> dict[str, Any] | None:
    if name in IGNORED_EVENTS:
        return None
    if name in DOCUMENT_EVENTS:
        return _event(name, [])
    entries = _entries(values)
    if name not in ("data_event", "dom_event"):
        raise Rejected(f"the Bokeh event {name:.30}")
    if (model := _model(document, entries.get("model"))) is None:
        return None
    reference = ["model", {"id": model.id}]
    if name == "data_event":
        check_component_message(model, _plain(entries.get("data"), buffers))
        return _event(name, [reference, ["data", entries["data"]]])
    if check_click(model, entries.get("node")) is Verdict.DROP:
        return None
    return _event(name, [reference, ["node", entries["node"]], ["data", {"type": "map"}]])


def _event(name: str, entries: list[Any]) -> dict[str, Any]:
    values = {"type": "map", "entries": entries}
    return {
        "kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": {"type": "event", "name": name, "values": values},
    }  # fmt: skip


def _model(document: Document, reference: Any) -> Model | None:
    """Return the model of a reference; `None` if it was removed from the page."""
    if not isinstance(reference, dict) or not isinstance(model_id := reference.get("id"), str):
        raise Rejected("a reference without an ID")
    model = document.models.get_by_id(model_id)
    if model is None and not document.models.seen(model_id):
        raise Rejected("a model that was never on the page")
    return model


def _entries(values: Any) -> dict[str, Any]:
    """Return the entries of a map; the last one of duplicate names, as in Bokeh."""
    match values:
        case {"type": "map", **rest} if rest.keys() <= {"entries"}:
            pairs = rest.get("entries", [])
            if isinstance(pairs, list) and len(pairs) <= MAX_VALUES and all(_is_pair(pair) for pair in pairs):
                return dict(pairs)
    raise Rejected("an invalid map")


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)


def _plain(value: Any, buffers: Mapping[str, int], depth: int = 0) -> Any:
    """Return a value without Bokeh's type tags, with `Binary` for bytes."""
    if depth > MAX_DEPTH:
        raise Rejected("lists that are nested too deeply")
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            if len(value) > MAX_VALUES:
                raise Rejected("a list with too many values")
            return [_plain(item, buffers, depth + 1) for item in value]
        case {"type": "map"}:
            return {name: _plain(item, buffers, depth + 1) for name, item in _entries(value).items()}
        case {"type": "bytes", "data": {"id": str(buffer_id)}} if buffer_id in buffers:
            return Binary(buffers[buffer_id])
        case {"type": "typed_array", "array": {"type": "bytes"} as array, "dtype": "uint8", "order": "little" | "big"}:
            return _plain(array, buffers, depth + 1)
        case {"type": str(kind)}:
            raise Rejected(f"a value of type {kind:.30}")
    raise Rejected("a value of an unknown kind")


class FilteredWebSocket(HookedWebSocket):
    """The websocket of a page, whose messages are limited in size, checked, and never logged.

    Only two types of messages are accepted: those that fetch the page, and those that patch it.
    """

    _sockets: ClassVar[WeakKeyDictionary[ServerSession, set["FilteredWebSocket"]]] = WeakKeyDictionary()
    """Open websockets of each session."""

    async def connected(self) -> None:
        """Register the websocket, so that it is closed with its session."""
        await super().connected()
        if self.connection is not None:
            self._sockets.setdefault(self.connection.session, set()).add(self)

    def on_close(self) -> None:
        """Unregister the websocket."""
        if self.connection is not None:
            self._sockets.get(self.connection.session, set()).discard(self)
        super().on_close()

    async def on_message(self, fragment: str | bytes) -> None:
        """Receive a fragment of a message, unless the server has closed the connection."""
        if self.ws_connection is not None:
            await super().on_message(fragment)

    def check_fragment(self, fragment: str | bytes) -> None:
        """Reject messages before the session exists, and large buffers."""
        if self.receiver is None or self.connection is None:
            raise Rejected("a message before its session existed")
        if isinstance(fragment, bytes) and len(fragment) > MAX_BUFFER_BYTES:
            raise Rejected("a buffer that is too large")

    def check_header(self, header: Any) -> None:
        """Reject messages without an ID, and messages with too many buffers."""
        if not isinstance(header, dict) or not isinstance(header.get("msgid"), str) or len(header["msgid"]) > 1000:
            raise Rejected("a message without an ID")
        if header.get("num_buffers", 0) not in range(MAX_BUFFERS + 1):
            raise Rejected("a message with too many buffers")

    async def check_message(self, message: Message[Any]) -> bool:
        """Reject messages that our pages never send, and remove events that must not be applied."""
        if message.msgtype not in MESSAGE_TYPES:
            raise Rejected(f"a message of type {message.msgtype}")
        if message.msgtype != "PATCH-DOC":
            return True
        message.content = {"events": await self._filter_events(message, self.connection.session)}
        return bool(message.content["events"])

    async def _filter_events(self, message: Message[Any], session: ServerSession) -> list[dict[str, Any]]:
        sizes = {str(buffer.id): len(buffer.data) for buffer in message.buffers}
        try:
            return filter_patch(session.document, message.content, sizes)
        except Rejected:
            # A running callback may have sent a new model to the browser before adding it to the page: check again
            # when the callback has ended.
            events: list[dict[str, Any]] = []
            await session.with_document_locked(
                lambda: events.extend(filter_patch(session.document, message.content, sizes))
            )
            return events

    def reject(self, error: Exception) -> None:
        """Close the session with all its websockets, and log the reason without the content of the message."""
        reason = (
            str(error) if isinstance(error, Rejected) else f"a message that cannot be read ({type(error).__name__})"
        )
        if self.connection is None:
            log.warning("Closed the connection of a browser that sent %s", reason)
            self.close(POLICY_VIOLATION, "not allowed")
            return
        session = self.connection.session
        log.warning("Closed the session of a browser that sent %s", reason)
        session.request_expiration()
        for socket in {self, *self._sockets.get(session, ())}:
            socket.close(POLICY_VIOLATION, "not allowed")
