"""Show the dashboard in a notebook cell: served by the kernel on this machine, and shown in a frame.

A frame keeps updating while other cells run. If the browser cannot reach the kernel's machine, Panel can render the
dashboard inside the cell, over the notebook's connection, with the limits documented at `Dashboard`.
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
    """A served page as the value of a cell."""

    url: str
    height: int

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{html.escape(self.url)}" title="Char-RNN Studio" width="100%" height="{self.height}" '
            f'style="border: 1px solid #8884; border-radius: 8px" allow="clipboard-write"></iframe>'
        )


@dataclass(frozen=True)
class InlinePage:
    """A page that Panel renders inside the cell; a new page is built each time it is shown."""

    build: Callable[[], Any]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.build()._repr_mimebundle_(include, exclude)


class Dashboard:
    """The dashboard as the value of a cell; its parts are attributes and methods.

    Args:
        home: Data folder; the default one if missing.
        services: Open services, instead of `home`.
        inline: Render inside the cell instead of a frame, for a kernel on another machine than the browser. Updates
            arrive over the notebook's connection, up to four times a second, and wait until queued cells have run; with
            JupyterLab before 4.4 or ipykernel before 7, they wait for each running cell. The URL does not contain the
            state. End a cell with `plt.show()` to see its figure: figures that are shown automatically when a cell ends
            may get lost during updates (https://github.com/ipython/ipykernel/issues/1564).
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
        """URL of the dashboard once it was shown; it also opens in a browser tab."""

    @property
    def library(self) -> Frame | InlinePage:
        """All models."""
        return self._part("library")

    @property
    def text(self) -> Frame | InlinePage:
        """Choose a text."""
        return self._part("text")

    @property
    def write(self) -> Frame | InlinePage:
        """Generate text with the newest model."""
        return self.sampler(next(iter(self.services.models.all()), None))

    def training(self, model: Model | str) -> Frame | InlinePage:
        """The training of a model: buttons, progress, loss, samples and log."""
        return self._part("training", model)

    def loss(self, model: Model | str) -> Frame | InlinePage:
        """The loss of a model, live."""
        return self._part("loss", model, height=480)

    def log(self, model: Model | str) -> Frame | InlinePage:
        """The log of a model, live."""
        return self._part("log", model, height=400)

    def sampler(self, model: Model | str | None) -> Frame | InlinePage:
        """Generate text with a model."""
        return self._part("write", model)

    def close(self) -> None:
        """Stop the server in this kernel; trainings continue until the services are closed."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._studio.close()

    def _part(self, part: str, model: Model | str | None = None, *, height: int = 0) -> Frame | InlinePage:
        chosen = self.services.models.resolve(model) if isinstance(model, str) else model
        if self._inline:
            return InlinePage(lambda: self._studio.page(part, chosen.id if chosen else ""))
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
            return InlinePage(self._studio.page)._repr_mimebundle_(include, exclude)
        return {"text/html": Frame(self._serve() + "/", self._height)._repr_html_()}
