"""Serve the websocket of a page: check its token and login, and limit the size of messages."""

from typing import Any

from bokeh.protocol.message import Message
from bokeh.util.token import check_token_signature, get_token_payload

from dashboard.browser_messages.message_filter import MAX_MESSAGE_BYTES, POLICY_VIOLATION, FilteredWebSocket
from dashboard.server.auth import LOGIN, Authenticator, Login, login_from_json

MAX_BYTES_BEFORE_SESSION = 64 * 1024
"""Limit of a message before the session exists, when browsers send none."""
MAX_TOTAL_BYTES = 24 * 1024 * 1024
"""Limit of a message with all its buffers."""
TOO_BIG = 1009
"""Websocket close code of RFC 6455."""


class PageWebSocket(FilteredWebSocket):
    """The websocket of a page."""

    def __init__(self, *args: Any, **kwargs: Any):
        self._login: Login | None = None
        self._received = 0
        self._has_ended = self._has_responded = False
        super().__init__(*args, **kwargs)

    @property
    def max_message_size(self) -> int:
        """Limit of a message before the session exists."""
        return MAX_BYTES_BEFORE_SESSION

    async def prepare(self) -> None:
        """Reject tokens that this server did not sign, or that belong to another login."""
        await super().prepare()
        if self._has_responded:
            return
        payload = self._payload()
        auth = self.application.auth_provider
        if payload is not None and isinstance(auth, Authenticator):
            self._login = auth.login_of(self.request)
            if self._login is None or login_from_json(payload.get(LOGIN)) != self._login:
                payload = None
        if payload is None:
            self.set_status(403)
            self.finish()

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """Remember that the request got a response instead of a websocket."""
        self._has_responded = True
        return super().finish(*args, **kwargs)

    def _payload(self) -> dict[str, Any] | None:
        """Return the payload of the page's token; `None` if this server did not sign it."""
        token = self.request.headers.get("Sec-WebSocket-Protocol", "").partition(",")[2].strip()
        signing = {"secret_key": self.application.secret_key, "signed": self.application.sign_sessions}
        try:
            # Check the signature first: a forged payload might decompress to gigabytes.
            return get_token_payload(token) if check_token_signature(token, **signing) else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Register the page with its login."""
        super().open(*args, **kwargs)
        if self._login:
            self.application.auth_provider.register(self._login, self)

    async def connected(self) -> None:
        """Allow larger messages."""
        await super().connected()
        if self.ws_connection is not None:
            self.ws_connection.params.max_message_size = MAX_MESSAGE_BYTES
            self.ws_connection.stream.max_buffer_size = 2 * MAX_TOTAL_BYTES

    async def on_message(self, message: str | bytes) -> None:
        """Receive a fragment of a message; close the connection if the session does not exist yet."""
        if self._has_ended:
            return
        if self.receiver is None:
            self.close(POLICY_VIOLATION, "too early")
            return
        self._received += len(message)
        if self._received > MAX_TOTAL_BYTES:
            self._has_ended = True
            self.close(TOO_BIG, "message too big")
            return
        await super().on_message(message)

    async def check_message(self, message: Message[Any]) -> bool:
        """Reset the byte counter for the next message."""
        self._received = 0
        return await super().check_message(message)

    def end(self) -> None:
        """Close the page because its login has ended."""
        self._has_ended = True
        if self.connection is not None:
            self.connection.session.request_expiration()
        self.close(POLICY_VIOLATION, "logged out")

    def on_close(self) -> None:
        """Unregister the page."""
        if self._login:
            self.application.auth_provider.unregister(self._login, self)
        # A server that stops discards its sessions before it closes their connections.
        if self.connection is None or self.connection._session is not None:
            super().on_close()
