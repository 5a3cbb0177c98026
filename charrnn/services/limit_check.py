"""Check trainings, texts and models against the limits of a user."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.core.batches import epoch_limit
from charrnn.core.errors import LimitExceeded
from charrnn.core.limits import Limits
from charrnn.core.network_cost import num_parameters
from charrnn.core.ngrams import MAX_CHARACTERS
from charrnn.core.records import Corpus
from charrnn.core.system_resources import memory_bytes
from charrnn.services.cost_estimate import count_steps, training_memory
from charrnn.services.insight_cache import InsightCache
from charrnn.store.corpora import CorpusStore
from charrnn.store.corpus_files import CorpusFiles
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryStore

CHECKPOINTS = 4
"""Number of checkpoints of a model that can exist at the same time: those that are kept, and one being written."""
CHECKPOINT_NUMBERS = 3
"""Numbers stored in a checkpoint per weight: the weight and two moments."""
FASTEST_STEPS = 1000
"""Steps per second of the smallest networks."""


def estimate_log_lines(options: Mapping[str, Any], num_characters: int) -> int:
    """Estimate how many lines a training logs: losses, validations, samples and checkpoints."""
    per_epoch, steps = count_steps(options, num_characters)
    if options["fit_steps"] and options["max_minutes"]:  # the time limit determines the steps, up to the last epoch
        steps = epoch_limit(options, per_epoch) or options["max_minutes"] * 60 * FASTEST_STEPS
    if options["max_minutes"]:
        steps = min(steps, int(options["max_minutes"] * 60 * FASTEST_STEPS))
    intervals = (options["log_every_n"], options["eval_every_n"], options["sample_every_n"], options["save_every_n"])
    return int(sum(steps // interval for interval in intervals if interval))


@dataclass(frozen=True)
class LimitCheck:
    """Check trainings, texts and models against the limits of a user.

    Args:
        limits: Set by the administrator.
        files: The text files.
        insights: Stored results of analyses.
        owner: The user whose texts and models count; `None` counts those of all users.
    """

    limits: Limits
    models: ModelStore
    corpora: CorpusStore
    history: HistoryStore
    files: CorpusFiles
    insights: InsightCache
    owner: str | None = None

    def check_training(self, options: Mapping[str, Any], corpus: Corpus, num_waiting: int, model_id: str = "") -> None:
        """Check whether a training may be queued; whether it can start now is decided by the queue.

        Args:
            options: Validated training options.
            corpus: The text, long enough for the options.
            num_waiting: Number of the user's trainings that wait already.
            model_id: The model, if it exists already; its checkpoints will be replaced.

        Raises:
            LimitExceeded: The network is too large, the training needs more memory than this machine has for
                trainings, or too much disk space, or logs too many lines, or too many trainings are waiting.
        """
        lines = estimate_log_lines(options, corpus.num_characters)
        self.limits.check("max_log_lines", lines, f"This training would log about {lines:,} lines (see log_every_n)")
        waiting = f"With this one, {num_waiting + 1} of your trainings would wait"
        self.limits.check("max_queued", num_waiting + 1, waiting)
        num_classes = min(corpus.num_distinct, options["max_vocab"]) + 1
        weights = num_parameters(options, num_classes)
        self.check_weights(weights)
        self._check_memory(
            training_memory(options, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
        )
        new = max(1, CHECKPOINTS - len(self.history.checkpoints(model_id)))
        # A checkpoint with n-grams contains their text, two bytes per character if there are thousands of classes.
        text = 2 * min(corpus.num_characters, MAX_CHARACTERS) if options["ngram_order"] else 0
        self.check_space((4 * CHECKPOINT_NUMBERS * weights + text) * new, "training")

    def _check_memory(self, needed: int) -> None:
        """Check whether a training fits into memory when no other training runs."""
        what = f"This training needs about {needed / 1e6:,.0f} MB of memory"
        self.limits.check("max_memory_mb", needed / 1e6, what)
        if memory_bytes() and needed > memory_bytes():
            raise LimitExceeded(
                f"{what}, but this machine has {memory_bytes() / 1e6:,.0f} MB, so it could never start. Lower "
                f"num_seqs, num_steps, lstm_size or num_layers."
            )

    def check_weights(self, weights: int) -> None:
        """Check the number of weights of a network.

        Raises:
            LimitExceeded: The network has too many weights.
        """
        self.limits.check("max_parameters", weights, f"This network has {weights:,} weights")

    def check_space(self, needed: int, item: str, *, exclude: str = "") -> None:
        """Check whether something fits into the disk quota.

        Args:
            needed: Size in bytes.
            item: Name of the item for the error message, for example `text`.
            exclude: Id of a corpus to exclude from the used space, because it is the one to be stored.

        Raises:
            LimitExceeded: It does not fit.
        """
        if not self.limits.max_disk_mb:
            return
        used = self.used_bytes(exclude=exclude)
        message = f"With this {item}, your texts and models take {(used + needed) / 1e6:,.1f} MB of the disk"
        self.limits.check("max_disk_mb", (used + needed) / 1e6, message)

    def used_bytes(self, *, exclude: str = "") -> int:
        """Return the disk space of all texts and models, including deleted models that can be restored.

        A text counts with its encoded copies, once for each user who has it.
        """
        texts = [corpus.id for corpus in self.corpora.list(owner=self.owner) if corpus.id != exclude]
        models = [model.id for model in self.models.list(owner=self.owner, include_deleted=True)]
        of_models = sum(self.history.used_bytes(model) + self.insights.used_bytes(model) for model in models)
        return sum(map(self.files.used_bytes, texts)) + of_models
