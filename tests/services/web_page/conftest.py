"""Fixtures that create pages of random networks and open them offline, from a file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from charrnn.core.vocabulary import Vocabulary
from charrnn.model.network.network import Network
from charrnn.services.web_page.packed_weights import Format
from charrnn.services.web_page.page import WebPage, render
from tests.support.tiny_networks import tiny
from tests.support.waiting import TIMEOUT

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[..., tuple[Network, Path]]:
    """Return a function that creates a random network and the page of it."""

    def create(
        format: Format = "int8", characters: str = "eab \nd", name: str = "ducks", **options: Any
    ) -> tuple[Network, Path]:
        values = tiny(**options)
        network = Network(values, len(characters) + 1)
        draw = np.random.default_rng(values["seed"])
        for weight in network.weights:
            weight.assign(draw.normal(0, 0.9, weight.shape))
        weights = {weight.path: weight.numpy() for weight in network.weights}
        path = tmp_path / f"{format}.html"
        html = render(WebPage(name, values, Vocabulary(characters), weights, step=7, loss=1.25), format)
        path.write_text(html, "utf-8", newline="")
        return network, path

    return create


@pytest.fixture
def open_file(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page offline; the test fails if one writes to the console or requests anything."""
    complaints: list[str] = []
    contexts = []

    def open_file(path: Path, *, dark: bool = False, phone: bool = False) -> Page:
        context = chromium.new_context(
            offline=True, color_scheme="dark" if dark else "light", has_touch=phone,
            viewport=PHONE if phone else {"width": 1280, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(1000 * TIMEOUT)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: None if request.url == path.as_uri() else complaints.append(request.url))
        page.goto(path.as_uri())
        page.get_by_text("Ready.").wait_for()
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert not complaints
