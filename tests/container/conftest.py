"""Fixtures for the container image: an engine, the image, and containers that are removed after the test."""

import json
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import URL

from charrnn.store.database_url import parse_url
from tests.container.engine import IMAGE, Engine, missing
from tests.support.database_servers import new_database
from tests.support.waiting import TIMEOUT, wait_until

CANARY = "index-of-nobody-else"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Podman and buildah; the tests fail if they are missing."""
    if reason := missing():
        pytest.fail(reason, pytrace=False)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    engine = Engine(cache / "charrnn-studio-tests")
    yield engine
    engine.prune()


@pytest.fixture(scope="session")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of this checkout, built with a secret that must not be in it."""
    engine.make_base()
    settings = tmp_path_factory.mktemp("secret") / "pip.conf"
    index = os.environ.get("PIP_INDEX_URL", "")
    settings.write_text(f"# {CANARY}\n" + (f"[global]\nindex-url = {index}\n" if index else ""))
    start = time.monotonic()
    engine.build(PIP_INDEX_URL="", PIP_CONFIG_FILE=str(settings))
    print(f"The image was built in {time.monotonic() - start:.0f} s.")
    return IMAGE


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Container:
    """A dashboard in a container with a read-only root, on a free port of this machine."""

    engine: Engine
    name: str
    port: int
    flags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> "Container":
        """Create the container and wait until it responds."""
        self.engine.podman("run", "--detach", "--name", self.name, *self.flags, IMAGE, *arguments)
        self.wait_healthy()
        return self

    def start_again(self) -> None:
        """Start the container again."""
        self.engine.podman("start", self.name)
        self.wait_healthy()

    def wait_healthy(self) -> None:
        """Wait until its health check succeeds."""
        wait_until(self.is_healthy)

    def is_healthy(self) -> bool:
        """Run the HEALTHCHECK of the image, because no service manager does that here."""
        assert self.is_running(), self.log()
        return "unhealthy" not in self.engine.podman("healthcheck", "run", self.name, check=False)

    def is_running(self) -> bool:
        """Return whether its process is running."""
        return self.state()["Running"]

    def state(self) -> dict[str, object]:
        """Return the state that podman reports."""
        return json.loads(self.engine.podman("inspect", self.name))[0]["State"]

    def log(self) -> str:
        """Return its complete output."""
        return self.engine.podman("logs", self.name, check=False)

    def login(self) -> tuple[str, str]:
        """Return the user and the password that the first start printed."""
        found = re.search(r"Created the user (\S+) with the password (\S+)", self.log())
        assert found, self.log()
        return found[1], found[2]

    def exec(self, *command: str) -> str:
        """Run a command in the container."""
        return self.engine.podman("exec", self.name, *command)

    def kill(self) -> None:
        """Kill the container, as a power cut would."""
        self.engine.podman("kill", "--signal", "KILL", self.name)
        wait_until(lambda: not self.is_running())

    def stop(self) -> tuple[float, object]:
        """Stop the container like `docker stop`; return the seconds it took and the exit code."""
        start = time.monotonic()
        self.engine.podman("stop", "--time", "30", self.name)
        return time.monotonic() - start, self.state()["ExitCode"]


@contextmanager
def containers(engine: Engine) -> Iterator[Callable[..., Container]]:
    """Yield a function that creates containers with a volume each; remove both afterwards."""
    created: list[Container] = []

    def container(environment: dict[str, str] | None = None, volume: str = "", **flags: str) -> Container:
        name, port = f"studio-{secrets.token_hex(4)}", free_port()
        variables = {"CHARRNN_PORT": str(port), "CHARRNN_ADDRESS": "127.0.0.1", **(environment or {})}
        options = {"network": "host", "volume": f"{volume or name}:/data", **flags}
        created.append(
            Container(
                engine, name, port,
                ["--read-only", "--tmpfs", "/tmp:rw,noexec,nosuid,nodev", "--cap-drop=all",
                 "--security-opt=no-new-privileges", *(f"--{key}={value}" for key, value in options.items()),
                 *(f"--env={key}={value}" for key, value in variables.items())],
            )
        )  # fmt: skip
        return created[-1]

    try:
        yield container
    finally:
        for each in created:
            engine.podman("rm", "--force", "--time", "1", each.name, check=False)
            engine.podman("volume", "rm", "--force", each.name, check=False)


@pytest.fixture
def container(engine: Engine, image: str) -> Iterator[Callable[..., Container]]:
    """Create containers that are removed after the test."""
    with containers(engine) as container:
        yield container


@pytest.fixture(scope="session")
def default_container(engine: Engine, image: str) -> Iterator[Container]:
    """A container with default settings, for tests that do not change it."""
    with containers(engine) as container:
        yield container().start()


@pytest.fixture
def mariadb(server_urls: Callable[[str], URL]) -> Iterator[str]:
    """URL of an empty database on a real server."""
    with new_database(server_urls("mariadb")) as url:
        yield url


@pytest.fixture
def studio_database(mariadb: str) -> Iterator[dict[str, str]]:
    """The MYSQL_ variables of an empty database on a real server, with a user and a password."""
    url = parse_url(mariadb)
    user, password = f"studio_{secrets.token_hex(3)}", secrets.token_urlsafe(12)
    login = {"host": url.host, "port": url.port or 3306, "user": url.username, "password": url.password or ""}
    with pymysql.connect(**login) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'")
        cursor.execute(f"GRANT ALL ON {url.database}.* TO '{user}'@'%'")
        yield {
            "MYSQL_HOST": str(url.host), "MYSQL_PORT": str(url.port), "MYSQL_USER": user, "MYSQL_PASSWORD": password,
            "MYSQL_DATABASE": str(url.database),
        }  # fmt: skip
        cursor.execute(f"DROP USER '{user}'@'%'")


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[[str], Page]]:
    """Open pages; fail the test if one of their scripts fails."""
    errors: list[str] = []
    contexts = []

    def open_page(url: str) -> Page:
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce"))
        contexts[-1].set_default_timeout(1000 * TIMEOUT)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


def log_in(page: Page, user: str, password: str) -> None:
    """Log in on the login page."""
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("navigation", name="Models")).to_be_visible(timeout=1000 * TIMEOUT)
