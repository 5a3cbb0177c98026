"""Health checks for load balancers and container engines."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.core.errors import StoreUnavailable
from charrnn.services import Services, bootstrap, open_services
from dashboard.server import health
from tests.support.in_process_server import ServerClient, logins_in, opened
from tests.support.waiting import wait_until


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with open_services(tmp_path, environ={}) as services:
        yield services


@pytest.fixture
def client(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerClient]:
    """A server with users, whose results are not cached."""
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)
    yield from opened(services, logins_in(tmp_path))


@pytest.mark.parametrize("path", health.PATHS)
@pytest.mark.parametrize("host", ["localhost", "10.0.0.7:8080", "any.example"])
def test_health_checks_respond_to_any_host_without_a_login(client: ServerClient, path: str, host: str) -> None:
    status, headers, text = client.ask("GET", path, Host=host)
    assert (status, text, headers["Cache-Control"]) == (200, "ok\n", "no-store")
    assert client.ask("HEAD", path, Host=host)[::2] == (200, "")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert client.ask(method, path)[0] == 405
        assert client.ask(method, path, Host="any.example")[0] in (403, 405)


def test_readiness_reports_a_full_disk(client: ServerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(Path())
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda path: usage._replace(free=bootstrap.MIN_FREE_BYTES - 1))
    assert client.ask("GET", "/readyz")[::2] == (503, "not ready: disk\n")
    assert client.ask("GET", "/healthz")[0] == 200


def test_readiness_reports_an_older_database(
    client: ServerClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services._database, "is_current", lambda: False)
    assert client.ask("GET", "/readyz")[::2] == (503, "not ready: schema\n")


def test_readiness_reports_an_unreachable_database_without_its_address(
    client: ServerClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> bool:
        raise StoreUnavailable("mysql://ann@db.example cannot be reached")

    monkeypatch.setattr(services._database, "is_current", away)
    assert client.ask("GET", "/readyz")[::2] == (503, "not ready: database\n")


def test_a_hanging_database_delays_nothing_and_is_queried_once(
    client: ServerClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, asked = threading.Event(), []

    def wait() -> bool:
        asked.append(threading.current_thread())
        return frozen.wait(60)

    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(services._database, "is_current", wait)
    for _ in range(3):
        assert client.ask("GET", "/readyz")[::2] == (503, "not ready: timeout\n")
        assert client.ask("GET", "/healthz")[0] == 200
    assert len(asked) == 1 and asked[0].daemon
    frozen.set()
    wait_until(lambda: client.ask("GET", "/readyz")[0] == 200)
