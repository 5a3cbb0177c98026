"""Fixtures: a server in this process, and raw websocket connections to it."""

from collections.abc import Iterator

import pytest

from charrnn.services import Services, open_services
from dashboard.server.login_providers import LoginSettings
from tests.support.in_process_server import ServerClient, opened
from tests.support.raw_browser import RawBrowser
from tests.support.trained_home import TrainedHome


@pytest.fixture(scope="module", autouse=True)
def close_connections() -> Iterator[None]:
    """Close the connections of a module's tests."""
    yield
    RawBrowser.end_all()


@pytest.fixture(scope="module")
def services(trained: TrainedHome) -> Iterator[Services]:
    """Services with a trained model, which no test changes."""
    with open_services(trained.home, environ={}) as services:
        yield services


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[ServerClient]:
    """A server without logins."""
    yield from opened(services, LoginSettings())
