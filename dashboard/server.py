"""The dashboard's server: services and hub once a process, a page for each visitor, TensorFlow in the background."""

import socket
from dataclasses import dataclass
from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.services import Services
from dashboard import front
from dashboard.hub import Hub
from dashboard.page import build_page

TITLE = "Char-RNN Studio"
MAX_UPLOAD_MB = 50
"""Largest text that is taken from a browser, if not said otherwise."""


@dataclass
class Studio:
    """What all pages of a process share."""

    services: Services
    hub: Hub
    max_upload_bytes: int
    _prepares: bool = False

    @classmethod
    def open(cls, services: Services, *, max_upload_mb: int = MAX_UPLOAD_MB) -> "Studio":
        """Begin to serve the services' models."""
        return cls(services, Hub(services), max_upload_mb * 1_000_000)

    def page(self, part: str = "", model_id: str = "") -> pui.Page:
        """Build a new visitor's page; the first one that a browser shows also has TensorFlow imported.

        Args:
            part: One of the page's parts, alone; what the address asks for if empty.
            model_id: The model to look at; the one in the address if empty.
        """
        page = build_page(self.services, self.hub, max_upload_bytes=self.max_upload_bytes, part=part, model_id=model_id)
        if not self._prepares:
            pn.state.onload(self._prepare)
        return page

    def _prepare(self) -> None:
        if not self._prepares:
            self._prepares = True
            self.hub.load(self.services.prepare)

    def close(self) -> None:
        """End the hub; the services stay open."""
        self.hub.close()


def free_port(address: str, port: int) -> int:
    """Return the port, or the next one that nobody listens on; any free one for 0.

    Raises:
        OSError: None of the next hundred is free, or the address is not this machine's.
    """
    for candidate in range(port, min(port + 100, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, candidate))
            except OSError as error:
                failure = error
                continue
            return int(probe.getsockname()[1])
    raise failure


def url_here(address: str, port: int) -> str:
    """Return where a server that listens on an address is found from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(studio: Studio, *, address: str, port: int, **options: Any) -> Any:
    """Serve pages; arguments as for `panel.serve`."""
    front.install()
    names = {address, "localhost", "127.0.0.1"} if address in ("127.0.0.1", "localhost") else {address}
    return pn.serve(
        {"/": studio.page},
        address=address,
        port=port,
        title=TITLE,
        show=False,
        websocket_origin=[f"{name}:{port}" for name in names] if address not in ("0.0.0.0", "::") else ["*"],
        **options,
    )
