"""Send arbitrary messages of Bokeh's protocol over a real websocket, without a browser."""

import asyncio
import inspect
import json
import re
import socket
import struct
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bokeh.core.property.descriptors import UnsetValueError
from bokeh.document import Document
from bokeh.model import Model
from bokeh.util.token import get_session_id
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from dashboard.browser_messages.allowed_properties import component_of
from tests.support.in_process_server import ServerClient
from tests.support.waiting import TIMEOUT, wait_until


class RawBrowser:
    """One visit to a page, from the GET request to the end of its websocket.

    Args:
        client: The server, in this process.
        query: Query string, such as `?tab=write`.
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread

    def __init__(self, client: ServerClient, query: str = ""):
        address = f"http://127.0.0.1:{client.port}/{query}"
        page = urllib.request.urlopen(address, timeout=TIMEOUT).read().decode()
        token = re.search(r'"token":"([^"]+)"', page)[1]
        self.close_code: int | None = None
        self._socket: WebSocketClientConnection = self._run(
            lambda: websocket_connect(
                f"ws://127.0.0.1:{client.port}/ws", subprotocols=["bokeh", token], max_message_size=10**9
            )
        )
        for _ in range(3):  # the first message of the server has three parts
            self._run(self._socket.read_message)
        self.document: Document = client.server.get_session("/", get_session_id(token)).document
        self._reading = asyncio.run_coroutine_threadsafe(self._read(), self._loop)
        self.patch(event("document_ready"))

    @classmethod
    def _run(cls, function: Callable[[], Any]) -> Any:
        if cls._loop is None:  # Playwright runs an event loop on this thread
            cls._loop = asyncio.new_event_loop()
            cls._thread = threading.Thread(target=cls._loop.run_forever, name="raw browsers", daemon=True)
            cls._thread.start()
        return asyncio.run_coroutine_threadsafe(_result_of(function), cls._loop).result(TIMEOUT)

    @classmethod
    def end_all(cls) -> None:
        """Stop the thread that all visits share."""
        if cls._loop is not None:
            cls._loop.call_soon_threadsafe(cls._loop.stop)
            cls._thread.join()
            cls._loop.close()
            cls._loop = None

    async def _read(self) -> None:
        while await self._socket.read_message() is not None:
            pass
        self.close_code = self._socket.close_code

    def send(self, *parts: str | bytes) -> None:
        """Send raw parts of a message; parts that a closed connection rejects are lost."""

        async def send() -> None:
            for part in parts:
                await self._socket.write_message(part, binary=isinstance(part, bytes))

        try:
            self._run(send)
        except WebSocketClosedError:
            pass

    def message(self, kind: str, content: str, *buffers: tuple[str, bytes]) -> None:
        """Send a complete message."""
        header = {"msgid": "1", "msgtype": kind, "num_buffers": len(buffers)}
        parts = [part for name, data in buffers for part in (json.dumps({"id": name}), data)]
        self.send(json.dumps(header), "{}", content, *parts)

    def patch(self, *events: dict[str, Any], buffers: tuple[tuple[str, bytes], ...] = ()) -> None:
        """Send a patch with events."""
        self.message("PATCH-DOC", json.dumps({"events": events}), *buffers)

    def wait_for_close(self) -> int | None:
        """Wait until the server closes the connection, and return the close code."""
        self._reading.result(TIMEOUT)
        self._run(self._socket.close)
        return self.close_code

    def reset(self) -> None:
        """Reset the connection without a close frame, as if the machine were switched off."""
        stream = self._socket.protocol.stream

        def reset_stream() -> None:
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()
            self._socket.close()

        self._run(reset_stream)

    def close(self) -> None:
        """Leave the page."""
        self._run(self._socket.close)
        wait_until(self._reading.done)


def change(model_id: str, name: str, value: Any) -> dict[str, Any]:
    """Return the event that a browser sends when a property of a model changes."""
    return {"kind": "ModelChanged", "model": {"id": model_id}, "attr": name, "new": value}


def event(name: str, **values: Any) -> dict[str, Any]:
    """Return the message that a browser sends for a Bokeh event."""
    entries = [[key, value] for key, value in values.items()]
    data = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
    return {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data}


def mapped(**entries: Any) -> dict[str, Any]:
    """Return a map in Bokeh's serialization."""
    return {"type": "map", "entries": [[key, value] for key, value in entries.items()]}


def with_component(document: Document, component: str) -> Model:
    """Wait for a component on a page; return its data model, or the model itself."""

    def find() -> Model | None:
        return next((model for model in list(document.models) if component_of(model) == component), None)

    wait_until(find)
    return find()


def with_label(document: Document, label: str) -> Model:
    """Wait for a component with a label on a page; return the model that the browser sends messages about."""

    def has_label(model: Model) -> bool:
        with suppress(UnsetValueError):  # another thread is building it
            return getattr(getattr(model, "data", None), "label", "") == label
        return False

    def find() -> Model | None:
        return next((model for model in list(document.models) if has_label(model)), None)

    wait_until(find)
    return find()


async def _result_of(function: Callable[[], Any]) -> Any:
    result = function()
    return await result if inspect.isawaitable(result) else result
