"""A text and options for trainings that take a second or two."""

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
"""A training of a second or two, nearly all of it for compiling."""


def corpus_record() -> Corpus:
    """A text's row, without its files."""
    return Corpus("5" * 64, "ducks", 630, 620, 35, 9, "utf-8", "lf", datetime(2024, 2, 28))


@dataclass(frozen=True)
class Trained:
    """An open data folder with a model whose training is complete."""

    services: Services
    model: Model
