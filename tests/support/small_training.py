"""Provide a text and options for trainings that take a second or two."""

from dataclasses import dataclass
from datetime import datetime

from charrnn.core.records import Corpus, Model
from charrnn.services import Services

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
"""Options of a training that takes a second or two, mostly to compile."""


def corpus_record() -> Corpus:
    """Return the record of a corpus without files."""
    return Corpus("5" * 64, "ducks", 630, 620, 35, 9, "utf-8", "lf", datetime(2024, 2, 28))


@dataclass(frozen=True)
class Trained:
    """An open data folder with a trained model."""

    services: Services
    model: Model
