"""Test compose.yaml with podman-compose."""

import json
import re
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page, expect

from tests.container.conftest import free_port, log_in
from tests.container.engine import IMAGE, ROOT, Engine
from tests.container.test_journey import LAST_STEP, last_step, train
from tests.dashboard.test_journey import press
from tests.support.waiting import TIMEOUT, wait_until

MARIADB = "localhost/charrnn-test-mariadb:latest"


class Compose:
    """`podman-compose` with only compose.yaml, as with a published image."""

    def __init__(self, engine: Engine, folder: Path):
        self.engine, self.folder, self.port = engine, folder, free_port()
        self.project = f"charrnn-test-{secrets.token_hex(3)}"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://localhost:{self.port}"
        shutil.copy(ROOT / "compose.yaml", folder)
        self._environment = engine.environment | {
            "CHARRNN_IMAGE": IMAGE, "CHARRNN_DATABASE_IMAGE": MARIADB, "CHARRNN_PUBLISHED_PORT": str(self.port),
        }  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("podman-compose")), "--project-name", self.project, *arguments]

    def run(self, *arguments: str) -> str:
        return self._run(self.command(*arguments), self._environment)

    def backup(self, *arguments: str) -> str:
        """Run deploy/backup-compose."""
        environment = self._environment | {"COMPOSE": " ".join(self.command())}
        return self._run([str(ROOT / "deploy/backup-compose"), *arguments], environment)

    def _run(self, command: list[str], environment: dict[str, str]) -> str:
        result = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def up(self) -> None:
        """Start all services in the foreground and wait until the dashboard is ready."""
        self._log = (self.folder / "log").open("w")
        self._process = subprocess.Popen(
            self.command("up", "--no-build"), cwd=self.folder, env=self._environment, stdout=self._log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait_until(self.is_ready)

    def is_ready(self) -> bool:
        assert self._process and self._process.poll() is None, (self.folder / "log").read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def interrupt(self) -> None:
        """Press Ctrl-C, if the services are running."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=TIMEOUT)
            self._log.close()
            self._process = None

    def remove(self) -> None:
        """Remove containers, networks and volumes; podman-compose leaves some volumes."""
        self.run("down", "--volumes", "--timeout", "2")
        left = self.engine.podman("volume", "ls", "--quiet", "--filter", f"name={self.project}_").split()
        if left:
            self.engine.podman("volume", "rm", *left)

    def login(self) -> tuple[str, str]:
        found = re.search(r"Created the user (\S+) with the password (\S+)", (self.folder / "log").read_text())
        assert found
        return found[1], found[2]

    def containers(self) -> list[dict[str, Any]]:
        names = self.engine.podman(
            "ps", "--all", "--quiet", "--filter", f"label=io.podman.compose.project={self.project}"
        )
        return json.loads(self.engine.podman("inspect", *names.split()))


@pytest.fixture(scope="module")
def mariadb(engine: Engine, image: str) -> str:
    """Build a replacement for the official MariaDB image."""
    folder = str(Path(__file__).with_name("mariadb"))
    engine.buildah("build", "--isolation=chroot", "--pull-never", "--layers", "--tag", MARIADB, folder)
    return MARIADB


@pytest.fixture
def compose(engine: Engine, mariadb: str, tmp_path: Path) -> Iterator[Compose]:
    compose = Compose(engine, tmp_path)
    yield compose
    compose.interrupt()
    compose.remove()


def test_a_training_survives_ctrl_c_and_compose_up_again_and_a_backup_restores_it(
    compose: Compose, open_page: Callable[[str], Page], tmp_path: Path
) -> None:
    compose.up()
    passwords = [compose.engine.podman("exec", each["Id"], "sh", "-c", READ) for each in compose.containers()
                 if each["State"]["Running"]]  # fmt: skip
    page = open_page(f"{compose.url}/?tab=text")
    log_in(page, *compose.login())
    address = train(page, tmp_path)
    page.goto("about:blank")
    compose.interrupt()

    compose.up()
    page.goto(address)
    expect(page.locator(".state.interrupted")).to_be_visible()
    before = last_step(page)
    press(page, "Resume")
    page.wait_for_function(f"before => ({LAST_STEP})() > before", arg=before)
    page.goto("about:blank")

    assert_hardened(compose.containers())
    values = {line for text in passwords for line in text.split()}
    assert len(values) == 2, "the passwords of root and of the dashboard; the dashboard can read one of them"
    for each in compose.containers():
        shown = json.dumps(each) + compose.engine.podman("logs", each["Id"], check=False)
        assert not [value for value in values if value in shown]

    compose.backup("save", "saved")
    compose.interrupt()
    compose.remove()
    compose.backup("restore", "saved")
    compose.up()
    page.goto(address)
    expect(page.locator(".state.interrupted")).to_be_visible()
    assert last_step(page) > before
    page.goto("about:blank")
    compose.interrupt()


READ = "cat /run/charrnn/* 2>/dev/null || true"


def assert_hardened(containers: list[dict[str, Any]]) -> None:
    """Check the privileges of each container."""
    assert {each["Config"]["Labels"]["com.docker.compose.service"] for each in containers} == {
        "secrets", "database", "dashboard",
    }  # fmt: skip
    for each in containers:
        assert each["HostConfig"]["ReadonlyRootfs"]
        assert each["EffectiveCaps"] in (None, [])
        assert "no-new-privileges" in each["HostConfig"]["SecurityOpt"]
        assert each["Config"]["User"].partition(":")[0] not in ("", "0", "root")


def test_compose_contains_no_secret_and_publishes_on_loopback_only() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    variables = {name for each in services.values() for name in each.get("environment", {})}
    assert not [name for name in variables if "PASSWORD" in name and not name.endswith("_FILE")]
    assert [port for each in services.values() for port in each.get("ports", ())] == [
        "127.0.0.1:${CHARRNN_PUBLISHED_PORT:-8080}:8080"
    ]
    assert {name: each["restart"] for name, each in services.items()} == {
        "secrets": "no", "database": "unless-stopped", "dashboard": "unless-stopped",
    }  # fmt: skip
    # The only condition that podman-compose supports with every version of Podman.
    assert services["dashboard"]["depends_on"] == {"database": {"condition": "service_started"}}


def test_podman_compose_parses_the_file(compose: Compose) -> None:
    loaded = yaml.safe_load(compose.run("config"))
    assert set(loaded["services"]) == {"secrets", "database", "dashboard"}
    assert loaded["services"]["dashboard"]["image"] == IMAGE
