"""Fixtures of the services' tests: an open data folder, a small text, small options, a trained model."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from charrnn.core.records import Corpus, Model
from charrnn.services import Services, open_services

TEXT = "".join(f"{number} little ducks went out to play, over the hill and far away.\n" for number in range(9, 0, -1))

OPTIONS = {
    "cell": "gru",
    "num_seqs": 3,
    "num_steps": 7,
    "lstm_size": 5,
    "num_layers": 1,
    "max_steps": 8,
    "eval_every_n": 2,
    "save_every_n": 5,
    "log_every_n": 4,
    "sample_every_n": 6,
}
"""A training of a second or two, nearly all of it for compiling."""


def corpus_record() -> Corpus:
    """A text's row, without its files."""
    return Corpus("5" * 64, "ducks", 630, 620, 35, 9, "utf-8", "lf", datetime(2024, 2, 28))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A new data folder."""
    with open_services(tmp_path / "home", environ={}) as services:
        yield services


@dataclass(frozen=True)
class Trained:
    """An open data folder with a model whose training is complete."""

    services: Services
    model: Model


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """One trained model for all tests that only read."""
    with open_services(tmp_path_factory.mktemp("trained"), environ={}) as services:
        model = services.training.start(TEXT, name="ducks", options=OPTIONS)
        yield Trained(services, services.training.wait(model.id))
