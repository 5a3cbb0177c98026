"""Show the dashboard in a notebook cell, as a frame with a page that the kernel serves.

The frame is updated while other cells run. If the browser cannot reach the machine of the kernel, Panel can render the
page inside the cell, over the connection of the notebook, with the limitations documented at `Dashboard`.
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
    """A frame with a served page, as the value of a cell."""

    url: str
    height: int

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{html.escape(self.url)}" title="Char-RNN Studio" width="100%" height="{self.height}" '
            f'style="border: 1px solid #8884; border-radius: 8px" allow="clipboard-write"></iframe>'
        )


@dataclass(frozen=True)
class InlinePage:
    """A page that Panel renders inside a cell, and builds anew each time it is displayed."""

    build: Callable[[], Any]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.build()._repr_mimebundle_(include, exclude)


class Dashboard:
    """The dashboard as the value of a cell, with its parts as attributes and methods.

    Args:
        home: Data folder; the default one if missing.
        services: Open services, instead of `home`.
        inline: Render the page inside the cell instead of a frame, if the browser runs on another machine than the
            kernel. Updates arrive over the connection of the notebook, up to four times per second, and wait until
            queued cells have run; with JupyterLab before 4.4 or ipykernel before 7, they also wait for running cells.
            The URL does not contain the state. End cells with `plt.show()`: figures that are shown automatically at the
            end of a cell may get lost during updates (https://github.com/ipython/ipykernel/issues/1564).
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
        """URL of the dashboard, which can also be opened in a browser tab; empty until the dashboard is displayed."""

    @property
    def library(self) -> Frame | InlinePage:
        """The list of all models."""
        return self._part("library")

    @property
    def text(self) -> Frame | InlinePage:
        """The view that chooses a text."""
        return self._part("text")

    @property
    def write(self) -> Frame | InlinePage:
        """The view that generates text, with the newest model."""
        return self.sampler(next(iter(self.services.models.all()), None))

    def training(self, model: Model | str) -> Frame | InlinePage:
        """Return the training of a model: buttons, progress, loss, samples and log."""
        return self._part("training", model)

    def loss(self, model: Model | str) -> Frame | InlinePage:
        """Return the live loss of a model."""
        return self._part("loss", model, height=480)

    def log(self, model: Model | str) -> Frame | InlinePage:
        """Return the live log of a model."""
        return self._part("log", model, height=400)

    def sampler(self, model: Model | str | None) -> Frame | InlinePage:
        """Return the view that generates text with a model."""
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
