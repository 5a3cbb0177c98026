"""Serve the websocket of a page: bound to the login that loaded the page, closed when it ends, limited in size."""

from typing import Any

from bokeh.protocol.message import Message
from bokeh.util.token import check_token_signature, get_token_payload

from dashboard.browser_messages.message_filter import LARGEST_MESSAGE, POLICY_VIOLATION, FilteredWebSocket
from dashboard.server.auth import LOGIN, Gate, Login, read_login

BYTES_BEFORE_SESSION = 64 * 1024
"""Largest message before the session exists; browsers send none."""
BYTES_OF_MESSAGE = 24 * 1024 * 1024
"""Largest message with all its buffers."""
TOO_BIG = 1009


class PageWebSocket(FilteredWebSocket):
    """The websocket of a page."""

    def __init__(self, *args: Any, **kwargs: Any):
        self._login: Login | None = None
        self._received = 0
        self._ended = self._is_answered = False
        super().__init__(*args, **kwargs)

    @property
    def max_message_size(self) -> int:
        """The largest message before the session exists."""
        return BYTES_BEFORE_SESSION

    async def prepare(self) -> None:
        """Reject tokens that this server did not sign, or that belong to another login."""
        await super().prepare()
        if self._is_answered:
            return
        payload = self._payload()
        gate = self.application.auth_provider
        if payload is not None and isinstance(gate, Gate):
            self._login = gate.login_of(self.request)
            if self._login is None or read_login(payload.get(LOGIN)) != self._login:
                payload = None
        if payload is None:
            self.set_status(403)
            self.finish()

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """Remember that the request was answered without a websocket."""
        self._is_answered = True
        return super().finish(*args, **kwargs)

    def _payload(self) -> dict[str, Any] | None:
        """Return the content of the page's token; `None` if this server did not sign it."""
        token = self.request.headers.get("Sec-WebSocket-Protocol", "").partition(",")[2].strip()
        signing = {"secret_key": self.application.secret_key, "signed": self.application.sign_sessions}
        try:
            # In this order: a token that was not signed here might unpack to gigabytes.
            return get_token_payload(token) if check_token_signature(token, **signing) else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Register the page with its login."""
        super().open(*args, **kwargs)
        if self._login:
            self.application.auth_provider.opened(self._login, self)

    async def connected(self) -> None:
        """Allow larger messages."""
        await super().connected()
        if self.ws_connection is not None:
            self.ws_connection.params.max_message_size = LARGEST_MESSAGE
            self.ws_connection.stream.max_buffer_size = 2 * BYTES_OF_MESSAGE

    async def on_message(self, message: str | bytes) -> None:
        """Receive a part of a message, once the session exists."""
        if self._ended:
            return
        if self.receiver is None:
            self.close(POLICY_VIOLATION, "too early")
            return
        self._received += len(message)
        if self._received > BYTES_OF_MESSAGE:
            self._ended = True
            self.close(TOO_BIG, "message too big")
            return
        await super().on_message(message)

    async def check_message(self, message: Message[Any]) -> bool:
        """Count the bytes of the next message from zero."""
        self._received = 0
        return await super().check_message(message)

    def end(self) -> None:
        """Close the page because its login ended."""
        self._ended = True
        if self.connection is not None:
            self.connection.session.request_expiration()
        self.close(POLICY_VIOLATION, "logged out")

    def on_close(self) -> None:
        """Unregister the page."""
        if self._login:
            self.application.auth_provider.closed(self._login, self)
        # a server that stops has let its sessions go before it closes their connections
        if self.connection is None or self.connection._session is not None:
            super().on_close()
