"""Add hooks to Bokeh's websocket handler, and ignore writes to browsers that have disconnected.

Bokeh's websocket handler has no public hooks between receiving a message and applying it. `HookedWebSocket` overrides
the private steps, and calls public methods that subclasses override.

A browser may disconnect at any moment. A failed write to it is not an error, but Panel raises one, and asyncio logs
another. `QuietProtocol` and `dispatch` suppress both.

Upstream: not reported. Remove `HookedWebSocket` when Bokeh can validate messages, and limit their size, before it
decodes them, and the rest when Panel ignores `WebSocketClosedError`.
"""

from asyncio import Future
from collections.abc import Sequence
from typing import Any

from bokeh.protocol.message import Message
from bokeh.protocol.receiver import Receiver
from panel.io import document as panel_document
from panel.io.server import WSHandler
from tornado.websocket import WebSocketClosedError, WebSocketProtocol13

from dashboard.patches.compatibility import require

_dispatch_tornado = panel_document.dispatch_tornado


class QuietProtocol(WebSocketProtocol13):
    """A websocket protocol that does not log an error for each message to a browser that has disconnected."""

    def write_message(self, *args: Any, **kwargs: Any) -> "Future[None]":
        """Write a message; the returned future still has the error."""
        written = super().write_message(*args, **kwargs)
        written.add_done_callback(lambda done: done.cancelled() or done.exception())
        return written


def dispatch(*args: Any, **kwargs: Any) -> "Sequence[Future[None]]":
    """Write events as Panel does, but stop without an error if the browser disconnects."""
    try:
        return _dispatch_tornado(*args, **kwargs)
    except WebSocketClosedError:
        return []


class HookedWebSocket(WSHandler):
    """Panel's websocket handler with hooks."""

    def get_websocket_protocol(self) -> WebSocketProtocol13 | None:
        """Return the protocol that writes to the browser."""
        protocol = super().get_websocket_protocol()
        return QuietProtocol(self, mask_outgoing=False, params=protocol.params) if protocol else None

    async def connected(self) -> None:
        """Handle a connection that has got its session."""

    def check_fragment(self, fragment: str | bytes) -> None:
        """Check a fragment of a message; raise an exception to reject it."""

    def check_header(self, header: Any) -> None:
        """Check the header of an incomplete message; raise an exception to reject it."""

    async def check_message(self, message: Message[Any]) -> bool:
        """Return whether to apply a message, which is acknowledged in any case; raise an exception to reject it."""
        return True

    def reject(self, error: Exception) -> None:
        """Handle a message that a check has rejected, or that Bokeh could not read."""

    async def _async_open(self, token: str) -> None:
        await super()._async_open(token)
        await self.connected()

    async def _receive(self, fragment: str | bytes) -> Message[Any] | None:
        try:
            self.check_fragment(fragment)
            message = await self.receiver.consume(fragment)
            if (partial := self.receiver._partial) is not None:
                self.check_header(partial.header)
        except Exception as error:  # Bokeh would log the whole message
            self.reject(error)
            return None
        return message

    async def _handle(self, message: Message[Any]) -> Any:
        if self.connection is None:
            return None
        try:
            is_applied = await self.check_message(message)
        except Exception as error:
            self.reject(error)
            return None
        return await super()._handle(message) if is_applied else self.connection.ok(message)


def apply() -> None:
    """Check that the overridden methods exist, and replace the function with which Panel writes events."""
    require(callable(getattr(panel_document, "dispatch_tornado", None)), "panel", "io.document has dispatch_tornado")
    for name in ("_async_open", "_receive", "_handle"):
        require(callable(getattr(WSHandler, name, None)), "bokeh", f"WSHandler has {name}")
    require("_partial" in Receiver.__init__.__code__.co_names, "bokeh", "Receiver has _partial")
    panel_document.dispatch_tornado = dispatch
