"""A server in this process, and the end of raw connections to it."""

from collections.abc import Iterator

import pytest

from charrnn.services import Services, open_services
from dashboard.server.login_providers import Logins
from tests.support.in_process_server import ServerClient, opened
from tests.support.raw_browser import RawBrowser
from tests.support.trained_home import TrainedHome


@pytest.fixture(scope="module", autouse=True)
def end_of_all_visits() -> Iterator[None]:
    """Close the connections of a module's tests."""
    yield
    RawBrowser.end_all()


@pytest.fixture(scope="module")
def services(trained: TrainedHome) -> Iterator[Services]:
    """The services of the folder with a trained model, which no test changes."""
    with open_services(trained.home, environ={}) as services:
        yield services


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[ServerClient]:
    """A server without logins."""
    yield from opened(services, Logins())
