"""Check trainings, texts and models against the limits of a user."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.core.batches import epoch_limit
from charrnn.core.limits import Limits
from charrnn.core.network_cost import num_parameters, training_bytes
from charrnn.core.ngrams import MAX_CHARACTERS, ngram_bytes
from charrnn.core.records import Corpus
from charrnn.services.cost_estimate import count_steps
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

    def check_training(self, options: Mapping[str, Any], corpus: Corpus, num_running: int, model_id: str = "") -> None:
        """Check whether a training may start.

        Args:
            options: Validated training options.
            corpus: The text, long enough for the options.
            num_running: Number of trainings that run in this process.
            model_id: The model, if it exists already; its checkpoints will be replaced.

        Raises:
            LimitExceeded: The network is too large, the training needs too much memory or disk space or logs too many
                lines, or too many trainings are running.
        """
        lines = estimate_log_lines(options, corpus.num_characters)
        self.limits.check("max_log_lines", lines, f"This training would log about {lines:,} lines (see log_every_n)")
        running = f"With this one, {num_running + 1} trainings would run at the same time"
        self.limits.check("max_trainings", num_running + 1, running)
        num_classes = min(corpus.num_distinct, options["max_vocab"]) + 1
        weights, memory = num_parameters(options, num_classes), training_bytes(options, num_classes)
        memory += ngram_bytes(corpus.num_characters, options["ngram_order"])
        self.check_weights(weights)
        self.limits.check("max_memory_mb", memory / 1e6, f"This training needs about {memory / 1e6:,.0f} MB of memory")
        new = max(1, CHECKPOINTS - len(self.history.checkpoints(model_id)))
        # A checkpoint with n-grams contains their text, two bytes per character if there are thousands of classes.
        text = 2 * min(corpus.num_characters, MAX_CHARACTERS) if options["ngram_order"] else 0
        self.check_space((4 * CHECKPOINT_NUMBERS * weights + text) * new, "training")

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
