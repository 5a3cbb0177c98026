"""Fixtures of the dashboard's tests: a data folder, a hub, a session without a page; a server and a real Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from charrnn.core.records import Model
from charrnn.services import Services, open_services
from dashboard.live.hub import Hub
from dashboard.live.session import Session
from tests.services.conftest import OPTIONS, TEXT

PATIENCE = 120
"""Seconds that anything may take on a busy machine."""


def wait_until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for a condition; the wait is no longer than needed."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A new data folder."""
    with open_services(tmp_path / "home", environ={}) as services:
        yield services


@pytest.fixture
def hub(services: Services) -> Iterator[Hub]:
    """What follows models."""
    hub = Hub(services)
    yield hub
    hub.close()


@pytest.fixture
def session(services: Services, hub: Hub) -> Iterator[Session]:
    """A visitor without a page: `session.drain()` is what a page would have called."""
    session = Session(services, hub, lambda: None)
    yield session
    session.close()


@dataclass(frozen=True)
class Trained:
    """A data folder with a trained model; copy it before changing it."""

    home: Path
    model: Model


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One model that was trained for a second or two."""
    home = tmp_path_factory.mktemp("trained")
    with open_services(home, environ={}) as services:
        model = services.training.start(TEXT, name="ducks", options=OPTIONS)
        return Trained(home, services.training.wait(model.id))


@pytest.fixture
def home(trained: Trained, tmp_path: Path) -> Path:
    """A copy of that data folder."""
    return Path(shutil.copytree(trained.home, tmp_path / "copy"))


class Server:
    """`python -m dashboard` on a free port of this machine."""

    def __init__(self, home: Path, *flags: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "dashboard", "--home", str(home), "--port", str(self.port), *flags]
        self.start()

    def start(self) -> None:
        """Begin to serve, and wait for the port."""
        self.process = subprocess.Popen(
            self._command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        wait_until(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.process.stdout and self.process.stdout.read()
        return listens(self.port)

    def stop(self) -> str:
        """End it as a service manager would; return what it printed."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, output
        # no real browser may ever send what is taken for an attack
        assert "Closed the" not in output, output
        return output


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Begins servers; they end with the test."""
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
def shared(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave `ducks`, its trained model, as it is; it takes at most 1 MB."""
    home = Path(shutil.copytree(trained.home, tmp_path_factory.mktemp("shared") / "copy"))
    with open_services(home, environ={}) as services:
        services.models.create("drakes", options={"cell": "lstm"})
        services.models.create("teals")
    server = Server(home, "--max-upload-mb", "1")
    yield server
    assert "Traceback" not in server.stop()


@contextmanager
def browser() -> Iterator[Browser]:
    """A real browser, found by its name.

    Raises:
        FileNotFoundError: There is none.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise FileNotFoundError(
            "Chromium is not installed: run scripts/packages as root, or install it from your system."
        )
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages; fails the test when one of them logs an error or asks for anything from elsewhere."""
    complaints: list[str] = []
    contexts = []

    def complain(words: str, may_say: str) -> None:
        if not may_say or may_say not in words:
            complaints.append(words)

    def open_page(url: str, *, width: int = 1280, height: int = 1000, dark: bool = False, may_say: str = "") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.on("console", lambda m: complain(m.text, may_say) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: complaints.append(f"asked for {r.url}") if is_elsewhere(r.url) else None)
        page.goto(url)
        page.get_by_role("tab", name="Library").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def is_elsewhere(url: str) -> bool:
    """Tell whether an address leads out of this machine."""
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))


def barriers(page: Page) -> dict[str, list[str]]:
    """Return what axe finds serious on a page: rules, and the markup that breaks them."""
    found = Axe().run(page).response["violations"]
    return {
        v["id"]: [n["html"][:120] + n["failureSummary"] for n in v["nodes"]]
        for v in found
        if v["impact"] in ("serious", "critical")
    }
