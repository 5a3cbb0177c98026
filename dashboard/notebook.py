"""The dashboard in a notebook's cell: served inside the kernel, on this machine only, and shown in a frame.

A frame keeps moving while other cells run, whatever they do. Where the browser cannot reach the kernel's computer,
Panel draws in the cell itself, over the notebook's connection, within the limits that `Dashboard` names.
"""

import html
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import panel as pn

from charrnn.core.records import Model
from charrnn.services import Services, open_services
from dashboard import patches
from dashboard.server.server import Studio, free_port, serve

ADDRESS = "127.0.0.1"


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


@dataclass(frozen=True)
class Drawing:
    """A page that Panel draws in the cell itself; each time it is shown is a page of its own."""

    draw: Callable[[], Any]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.draw()._repr_mimebundle_(include, exclude)


class Dashboard:
    """The whole dashboard as a cell's value; its parts alone as attributes and methods.

    Args:
        home: Data folder; the usual one if missing.
        services: Services that are open already, instead of `home`.
        inline: Let Panel draw in the cell itself, instead of a frame: for a notebook whose kernel is not on the
            computer of the browser, where a frame finds nothing. Live over the notebook's own connection, up to four
            times a second. What was drawn while more cells wait to run begins to move when they are done; an older
            JupyterLab (before 4.4) or kernel (before 7) is still whenever a cell runs. No links hold its state. End a
            cell with `plt.show()` to see its figure: what libraries show by themselves when a cell ends may get lost
            while a drawing moves (ipykernel's issue 1564).
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
        if inline:
            pn.extension()
            patches.apply(notebook=True)
        self.url = ""
        """Where it is served, once it was shown; opens in a browser's tab as well."""

    @property
    def library(self) -> Frame | Drawing:
        """All models."""
        return self._part("library")

    @property
    def text(self) -> Frame | Drawing:
        """Bring a text in."""
        return self._part("text")

    @property
    def write(self) -> Frame | Drawing:
        """Write with the newest model."""
        return self.sampler(next(iter(self.services.models.all()), None))

    def training(self, model: Model | str) -> Frame | Drawing:
        """A model's training: buttons, progress, loss, samples, log."""
        return self._part("training", model)

    def loss(self, model: Model | str) -> Frame | Drawing:
        """A model's loss plot, live."""
        return self._part("loss", model, height=480)

    def log(self, model: Model | str) -> Frame | Drawing:
        """A model's log, live."""
        return self._part("log", model, height=400)

    def sampler(self, model: Model | str | None) -> Frame | Drawing:
        """Write with a model."""
        return self._part("write", model)

    def close(self) -> None:
        """End the server in this kernel; trainings go on until the services close."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._studio.close()

    def _part(self, part: str, model: Model | str | None = None, *, height: int = 0) -> Frame | Drawing:
        chosen = self.services.models.resolve(model) if isinstance(model, str) else model
        if self._inline:
            return Drawing(lambda: self._studio.page(part, chosen.id if chosen else ""))
        query = {"part": part, **({"model": chosen.id} if chosen else {})}
        return Frame(f"{self._serve()}/?{urlencode(query)}", height or self._height)

    def _serve(self) -> str:
        if self._server is None:
            port = free_port(ADDRESS, 0)
            self._server = serve(self._studio, address=ADDRESS, port=port, threaded=True, framed=True)
            self.url = f"http://{ADDRESS}:{port}"
        return self.url

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if self._inline:
            return Drawing(self._studio.page)._repr_mimebundle_(include, exclude)
        return {"text/html": Frame(self._serve() + "/", self._height)._repr_html_()}
