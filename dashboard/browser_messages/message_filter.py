"""Checks each message of a browser before Bokeh decodes it, and closes the session of one that breaks the rules.

`check` reads the JSON of a patch as it came: models by id, values as plain JSON. It decodes nothing, since decoding
can already make models, decompress bytes and call setters. The same check guards served pages (`SafeWSHandler`) and
pages that Panel draws in a notebook's cell (`dashboard/views/page.py`).
"""

import logging
from collections.abc import Mapping
from typing import Any

from bokeh.document import Document
from bokeh.model import Model
from bokeh.protocol.message import Message
from bokeh.server.connection import ServerConnection
from bokeh.server.protocol_handler import ProtocolHandler
from bokeh.server.session import ServerSession
from panel.io.server import WSHandler

from dashboard.browser_messages.allowed_properties import (
    Binary,
    Rejected,
    Verdict,
    is_dropped,
    judge_click,
    judge_message,
    judge_property,
)

LARGEST_MESSAGE = 16 << 20
"""Bytes of a websocket message; the longest honest one is a pasted text of five million characters."""
LARGEST_BUFFER = 2 << 20
"""Bytes of a piece of a file that is uploaded."""
MOST_BUFFERS = 16
MOST_EVENTS = 1000
DEEPEST = 8
"""How deep lists and maps may lie in each other."""
MOST_VALUES = 1000
"""Values in one list or map."""
POLICY_VIOLATION = 1008
"""Websocket close code of RFC 6455."""

IGNORED_EVENTS = {"connection_lost"}
DOCUMENT_EVENTS = {"document_ready", "client_reconnected"}

log = logging.getLogger(__name__)


def check(document: Document, content: Any, buffers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the events of a patch that may be applied, in a form that names models by id only.

    Args:
        document: The page.
        content: JSON content of a `PATCH-DOC` message.
        buffers: Number of bytes that came beside the message, by buffer id.

    Raises:
        Rejected: The browser may not send this.
    """
    if not isinstance(content, dict) or content.keys() != {"events"} or not isinstance(content["events"], list):
        raise Rejected("a patch that is not a list of events")
    if len(content["events"]) > MOST_EVENTS:
        raise Rejected("a patch of too many events")
    kept = [_checked(document, event, buffers) for event in content["events"]]
    return [event for event in kept if event is not None]


def _checked(document: Document, event: Any, buffers: Mapping[str, int]) -> dict[str, Any] | None:
    match event:
        case {"kind": "ModelChanged", "model": reference, "attr": str(name), "new": value}:
            if (model := _model(document, reference)) is None:
                return None
            if is_dropped(model, name):
                return None
            plain = _plain(value, buffers)
            if judge_property(model, name, plain) is Verdict.DROP:
                return None
            return {"kind": "ModelChanged", "model": {"id": model.id}, "attr": name, "new": plain}
        case {
            "kind": "MessageSent",
            "msg_type": "bokeh_event",
            "msg_data": {"type": "event", "name": str(name)} as sent,
        }:
            return _checked_event(document, name, sent.get("values"), buffers)
        case {"kind": str(kind)}:
            raise Rejected(f"an event of kind {kind:.30}")
    raise Rejected("an event without a kind")


def _checked_event(document: Document, name: str, values: Any, buffers: Mapping[str, int]) -> dict[str, Any] | None:
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
        judge_message(model, _plain(entries.get("data"), buffers))
        return _event(name, [reference, ["data", entries["data"]]])
    if judge_click(model, entries.get("node")) is Verdict.DROP:
        return None
    return _event(name, [reference, ["node", entries["node"]], ["data", {"type": "map"}]])


def _event(name: str, entries: list[Any]) -> dict[str, Any]:
    values = {"type": "map", "entries": entries}
    return {
        "kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": {"type": "event", "name": name, "values": values},
    }  # fmt: skip


def _model(document: Document, reference: Any) -> Model | None:
    """Return the model that a reference names; `None` for one that was on the page and is not any more."""
    if not isinstance(reference, dict) or not isinstance(model_id := reference.get("id"), str):
        raise Rejected("a reference without an id")
    model = document.models.get_by_id(model_id)
    if model is None and not document.models.seen(model_id):
        raise Rejected("a model that was never on the page")
    return model


def _entries(values: Any) -> dict[str, Any]:
    """Return the entries of a map; a name that is there twice counts with its last value, as in Bokeh."""
    match values:
        case {"type": "map", **rest} if rest.keys() <= {"entries"}:
            pairs = rest.get("entries", [])
            if isinstance(pairs, list) and len(pairs) <= MOST_VALUES and all(_is_pair(pair) for pair in pairs):
                return dict(pairs)
    raise Rejected("a map that is none")


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)


def _plain(value: Any, buffers: Mapping[str, int], depth: int = 0) -> Any:
    """Return a value without Bokeh's wrappings; of bytes, only how many they are."""
    if depth > DEEPEST:
        raise Rejected("lists that lie too deep in each other")
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            if len(value) > MOST_VALUES:
                raise Rejected("a list of too many values")
            return [_plain(each, buffers, depth + 1) for each in value]
        case {"type": "map"}:
            return {name: _plain(each, buffers, depth + 1) for name, each in _entries(value).items()}
        case {"type": "bytes", "data": {"id": str(buffer_id)}} if buffer_id in buffers:
            return Binary(buffers[buffer_id])
        case {"type": "typed_array", "array": {"type": "bytes"} as array, "dtype": "uint8", "order": "little" | "big"}:
            return _plain(array, buffers, depth + 1)
        case {"type": str(kind)}:
            raise Rejected(f"a value of type {kind:.30}")
    raise Rejected("a value of an unknown form")


class SafeProtocol(ProtocolHandler):
    """Takes what honest browsers send: they fetch the page and patch it. They never push a page or ask for more."""

    def __init__(self) -> None:
        super().__init__()
        for name in self._handlers.keys() - {"PULL-DOC-REQ", "PATCH-DOC"}:
            del self._handlers[name]

    async def handle(self, message: Message[Any], connection: ServerConnection) -> Any:
        """Check a message and hand it on to Bokeh; close the session of one that is rejected."""
        try:
            if message.msgtype not in self._handlers:
                raise Rejected(f"a message of type {message.msgtype}")
            if message.msgtype == "PATCH-DOC":
                message.content = {"events": await self._check(message, connection.session)}
                if not message.content["events"]:
                    return connection.ok(message)
        except Rejected as error:
            close_session(connection, str(error))
            return None
        return await super().handle(message, connection)

    async def _check(self, message: Message[Any], session: ServerSession) -> list[dict[str, Any]]:
        sizes = {str(buffer.id): len(buffer.data) for buffer in message.buffers}
        try:
            return check(session.document, message.content, sizes)
        except Rejected:
            # a callback may have sent a new model to the browser that it has not added to the page yet
            found: list[list[dict[str, Any]]] = []
            await session.with_document_locked(lambda: found.append(check(session.document, message.content, sizes)))
            return found[0] if found else []


def close_session(connection: ServerConnection, reason: str) -> None:
    """Close a browser's session with all its websockets, and log why; on the server's own thread."""
    session = connection.session
    log.warning("Closed the session of a browser that sent %s", reason)
    session.request_expiration()
    for other in {connection, *session._subscribed_connections}:
        other._socket.close(POLICY_VIOLATION, "not allowed")


class SafeWSHandler(WSHandler):
    """The websocket of our pages: bounded messages, each of them checked, and nothing of them in the log."""

    _protocol = SafeProtocol()

    async def on_message(self, fragment: str | bytes) -> None:
        """Take a part of a message; once the server has closed the connection, what still comes is not read."""
        if self.ws_connection is not None:
            await super().on_message(fragment)

    async def _receive(self, fragment: str | bytes) -> Message[Any] | None:
        try:
            return await self._assembled(fragment)
        except Rejected as error:
            self._reject(str(error))
        except Exception as error:  # whatever was sent; Bokeh would write all of it to the log
            self._reject(f"a message that cannot be read ({type(error).__name__})")
        return None

    async def _assembled(self, fragment: str | bytes) -> Message[Any] | None:
        if self.receiver is None or self.connection is None:
            raise Rejected("a message before its session was there")
        if isinstance(fragment, bytes) and len(fragment) > LARGEST_BUFFER:
            raise Rejected("a piece of a file that is too large")
        message = await self.receiver.consume(fragment)
        begun = self.receiver._partial
        if begun is not None:
            _check_header(begun.header)
        return message

    async def _handle(self, message: Message[Any]) -> Any:
        return await self._protocol.handle(message, self.connection) if self.connection else None

    def _reject(self, reason: str) -> None:
        if self.connection is not None:
            close_session(self.connection, reason)
        else:
            log.warning("Closed the connection of a browser that sent %s", reason)
            self.close(POLICY_VIOLATION, "not allowed")


def _check_header(header: Any) -> None:
    if not isinstance(header, dict) or not isinstance(header.get("msgid"), str) or len(header["msgid"]) > 1000:
        raise Rejected("a message without an id")
    if header.get("num_buffers", 0) not in range(MOST_BUFFERS + 1):
        raise Rejected("a message of too many parts")
