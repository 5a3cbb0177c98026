"""Fixtures: data folders, hubs, sessions without a page, servers, and pages in Chromium."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from charrnn.services import Services, open_services
from dashboard.live.hub import Hub
from dashboard.live.session import Session
from tests.support.browser import is_external
from tests.support.dashboard_server import Server
from tests.support.navigation import wait_for_menu
from tests.support.small_training import OPTIONS, TEXT
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A new data folder."""
    with open_services(tmp_path / "home", environ={}) as services:
        yield services


@pytest.fixture
def hub(services: Services) -> Iterator[Hub]:
    """The hub of the process."""
    hub = Hub(services)
    yield hub
    hub.close()


@pytest.fixture
def session(services: Services, hub: Hub) -> Iterator[Session]:
    """A session without a page, which would call `session.update()`."""
    session = Session(services, hub, lambda: None)
    yield session
    session.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedHome:
    """A data folder with a trained model."""
    home = tmp_path_factory.mktemp("trained")
    with open_services(home, environ={}) as services:
        model = services.training.start(TEXT, name="ducks", options=OPTIONS)
        return TrainedHome(home, services.training.wait(model.id))


@pytest.fixture
def home(trained: TrainedHome, tmp_path: Path) -> Path:
    """A copy of that data folder."""
    return Path(shutil.copytree(trained.home, tmp_path / "copy"))


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Return a function that starts servers; they end with the test."""
    servers: list[Server] = []

    def serve(home: Path, *flags: str) -> Server:
        servers.append(Server(home, *flags))
        return servers[-1]

    yield serve
    for server in servers:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def server(home: Path, serve: Callable[..., Server]) -> Server:
    """A server of a data folder with a trained model."""
    return serve(home)


@pytest.fixture(scope="session")
def shared(trained: TrainedHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server shared by tests that do not change its trained model `ducks`; it limits texts to 1 MB."""
    home = Path(shutil.copytree(trained.home, tmp_path_factory.mktemp("shared") / "copy"))
    with open_services(home, environ={}) as services:
        services.models.create("drakes", options={"cell": "lstm"})
        services.models.create("teals")
    server = Server(home, "--max-upload-mb", "1")
    yield server
    assert "Traceback" not in server.stop()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens pages; the test fails if one logs an error or loads from another machine."""
    complaints: list[str] = []
    contexts = []

    def report(text: str, allowed_error: str) -> None:
        if not allowed_error or allowed_error not in text:
            complaints.append(text)

    def open_page(
        url: str, *, width: int = 1280, height: int = 1000, dark: bool = False, allowed_error: str = ""
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(1000 * TIMEOUT)
        page = context.new_page()
        page.on("console", lambda m: report(m.text, allowed_error) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: complaints.append(f"asked for {r.url}") if is_external(r.url) else None)
        page.goto(url)
        wait_for_menu(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
