"""Fixtures of the service tests: a data folder and a trained model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.services import Services, open_services
from tests.support.small_training import OPTIONS, TEXT, Trained


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Services of a new data folder."""
    with open_services(tmp_path / "home", environ={}) as services:
        yield services


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """A trained model shared by all tests that only read it."""
    with open_services(tmp_path_factory.mktemp("trained"), environ={}) as services:
        model = services.training.start(TEXT, name="ducks", options=OPTIONS)
        yield Trained(services, services.training.wait(model.id))
