"""The dashboard in a notebook's cell: served inside the kernel, on this machine only, and shown in a frame.

A frame keeps moving while other cells run, which Panel's own rendering in a cell does only within limits.
"""

import html
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from charrnn.core.records import Model
from charrnn.services import Services, open_services
from dashboard.page import build_page
from dashboard.server import Studio, free_port, serve

ADDRESS, FIRST_PORT = "127.0.0.1", 5106


@dataclass(frozen=True)
class Frame:
    """A served page, shown where a notebook shows a value."""

    url: str
    height: int

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{html.escape(self.url)}" title="Char-RNN Studio" width="100%" height="{self.height}" '
            f'style="border: 1px solid #8884; border-radius: 8px" allow="clipboard-write"></iframe>'
        )


class Dashboard:
    """The whole dashboard as a cell's value; its parts alone as attributes and methods.

    Args:
        home: Data folder; the usual one if missing.
        services: Services that are open already, instead of `home`.
        inline: Let Panel draw in the cell itself, instead of a frame. Nothing keeps that up to date, lists and
            curves included: news needs a server's session, and Panel's updates to a cell get mixed up when two threads
            send at once. It is good for bringing in a text and setting options; use the frame for all that moves.
        height: Height of the frame in pixels.
    """

    def __init__(
        self,
        home: str | Path | None = None,
        *,
        services: Services | None = None,
        inline: bool = False,
        height: int = 860,
    ):
        self.services = services or open_services(home)
        self._inline, self._height = inline, height
        self._studio = Studio.open(self.services)
        self._server: Any = None
        self.url = ""
        """Where it is served, once it was shown; opens in a browser's tab as well."""

    @property
    def library(self) -> Frame:
        """All models."""
        return self._part("library")

    @property
    def text(self) -> Frame:
        """Bring a text in."""
        return self._part("text")

    @property
    def write(self) -> Frame:
        """Write with the newest model."""
        return self.sampler(next(iter(self.services.models.all()), None))

    def training(self, model: Model | str) -> Frame:
        """A model's training: buttons, progress, loss, samples, log."""
        return self._part("training", model)

    def loss(self, model: Model | str) -> Frame:
        """A model's loss plot, live."""
        return self._part("loss", model, height=480)

    def log(self, model: Model | str) -> Frame:
        """A model's log, live."""
        return self._part("log", model, height=400)

    def sampler(self, model: Model | str | None) -> Frame:
        """Write with a model."""
        return self._part("write", model)

    def close(self) -> None:
        """End the server in this kernel; trainings go on until the services close."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._studio.close()

    def _part(self, part: str, model: Model | str | None = None, *, height: int = 0) -> Frame:
        chosen = self.services.models.get(model) if isinstance(model, str) else model
        query = {"part": part, **({"model": chosen.id} if chosen else {})}
        return Frame(f"{self._serve()}/?{urlencode(query)}", height or self._height)

    def _serve(self) -> str:
        if self._server is None:
            port = free_port(ADDRESS, FIRST_PORT)
            self._server = serve(self._studio, address=ADDRESS, port=port, threaded=True, verbose=False)
            self.url = f"http://{ADDRESS}:{port}"
        return self.url

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if self._inline:
            page = build_page(self.services, self._studio.hub, max_upload_bytes=self._studio.max_upload_bytes)
            show: Callable[..., Any] = page._repr_mimebundle_
            return show(include, exclude)
        return {"text/html": Frame(self._serve() + "/", self._height)._repr_html_()}
