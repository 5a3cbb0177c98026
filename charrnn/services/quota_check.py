"""How much one user may have: the limits of `core.quotas`, held against what is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.core.network_cost import num_parameters, training_bytes
from charrnn.core.quotas import Limits
from charrnn.core.records import Corpus
from charrnn.services.cost_estimate import length
from charrnn.store.corpora import CorpusStore
from charrnn.store.corpus_files import CorpusFiles
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryStore

CHECKPOINTS = 4
"""Of one model that can lie on the disk at the same time: those that are kept, and one that is being written."""
CHECKPOINT_NUMBERS = 3
"""Numbers in a checkpoint for each weight: itself and two moments."""
FASTEST_STEPS = 1000
"""Steps that the smallest networks make in a second."""


def log_lines(options: Mapping[str, Any], num_characters: int) -> int:
    """Return about how many lines a training logs: its losses, validations, samples and checkpoints."""
    _, steps = length(options, num_characters)
    if options["max_minutes"]:
        steps = min(steps, int(options["max_minutes"] * 60 * FASTEST_STEPS))
    every = (options["log_every_n"], options["eval_every_n"], options["sample_every_n"], options["save_every_n"])
    return int(sum(steps // each for each in every if each))


@dataclass(frozen=True)
class Allowance:
    """What a user may still have.

    Args:
        limits: Set by whoever runs this.
        files: Where the texts lie.
        owner: Whose texts and models count; `None` for everybody's.
    """

    limits: Limits
    models: ModelStore
    corpora: CorpusStore
    history: HistoryStore
    files: CorpusFiles
    owner: str | None = None

    def check_training(self, options: Mapping[str, Any], corpus: Corpus, num_running: int, model_id: str = "") -> None:
        """Refuse a training that is too large, or one too many.

        Args:
            options: Training options, checked.
            corpus: Its text, long enough for the options.
            num_running: Trainings that run in this process.
            model_id: What is trained, if it is there already; its checkpoints are replaced one by one.

        Raises:
            LimitExceeded: It has too many weights, needs too much memory, logs too much, or leaves no room on the disk;
                or too many run already.
        """
        lines = log_lines(options, corpus.num_characters)
        self.limits.check("max_log_lines", lines, f"This training would log about {lines:,} lines (see log_every_n)")
        running = f"With this one, {num_running + 1} trainings would run at the same time"
        self.limits.check("max_trainings", num_running + 1, running)
        num_classes = min(corpus.num_distinct, options["max_vocab"]) + 1
        weights, memory = num_parameters(options, num_classes), training_bytes(options, num_classes)
        self.check_weights(weights)
        self.limits.check("max_memory_mb", memory / 1e6, f"This training needs about {memory / 1e6:,.0f} MB of memory")
        new = max(1, CHECKPOINTS - len(self.history.checkpoints(model_id)))
        self.check_room(4 * CHECKPOINT_NUMBERS * weights * new, "training")

    def check_weights(self, weights: int) -> None:
        """Refuse a network with too many weights.

        Raises:
            LimitExceeded: It has.
        """
        self.limits.check("max_parameters", weights, f"This network has {weights:,} weights")

    def check_room(self, needed: int, what: str, *, but: str = "") -> None:
        """Refuse what does not fit any more.

        Args:
            needed: Bytes.
            what: What needs them, for the message.
            but: Id of a text that does not count, since it is what is to be stored.

        Raises:
            LimitExceeded: There is not so much room.
        """
        if not self.limits.max_disk_mb:
            return
        used = self.used_bytes(but=but)
        words = f"With this {what}, your texts and models take {(used + needed) / 1e6:,.1f} MB of the disk"
        self.limits.check("max_disk_mb", (used + needed) / 1e6, words)

    def used_bytes(self, *, but: str = "") -> int:
        """Return how much texts take, and models, also those that can be restored: checkpoints, logs, curves, samples.

        A text counts with what it was encoded to, and for each user who has it.
        """
        texts = [corpus.id for corpus in self.corpora.list(owner=self.owner) if corpus.id != but]
        models = [model.id for model in self.models.list(owner=self.owner, include_deleted=True)]
        return sum(map(self.files.used_bytes, texts)) + sum(map(self.history.used_bytes, models))
