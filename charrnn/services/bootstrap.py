"""Open a data folder and create its services."""

import atexit
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from charrnn.core.atomic_files import sweep
from charrnn.core.errors import StoreError
from charrnn.core.limits import Limits
from charrnn.core.options import checked
from charrnn.services.checkpoint_manager import CheckpointManager
from charrnn.services.checkpoint_recovery import CheckpointRecovery
from charrnn.services.corpora import Corpora
from charrnn.services.cost_estimate import measure_speed
from charrnn.services.inside import Inside
from charrnn.services.insight_cache import InsightCache
from charrnn.services.limit_check import LimitCheck
from charrnn.services.models import Models
from charrnn.services.queue_forecast import QueueForecast
from charrnn.services.settings import Settings
from charrnn.services.text_copies import TextCopies
from charrnn.services.text_generation import TextGeneration
from charrnn.services.text_reading import TextReading
from charrnn.services.training import Trainings
from charrnn.services.training_launcher import TrainingLauncher
from charrnn.services.training_queue import TrainingQueue
from charrnn.store.corpora import CorpusStore
from charrnn.store.corpus_files import CorpusFiles
from charrnn.store.database import Database
from charrnn.store.database_url import parse_url, url_from_environment
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore
from charrnn.store.training_queue import QueueStore

MIN_FREE_BYTES = 100_000_000
"""Free disk space required by the readiness check; a checkpoint takes tens of megabytes."""


@dataclass(frozen=True)
class Services:
    """The services of one data folder. Close them when done, or use them as a context manager."""

    settings: Settings
    corpora: Corpora
    models: Models
    training: Trainings
    queue: TrainingQueue
    writing: TextGeneration
    copies: TextCopies
    reading: TextReading
    inside: Inside
    limits: Limits
    _database: Database
    _limit_check: LimitCheck

    @property
    def user(self) -> str:
        """Name of the user whose models and texts these are; empty for those of all users."""
        return self._limit_check.owner or ""

    def seen_by(self, owner: str) -> Self:
        """Return services that are restricted to the models and texts of one user.

        Close the original services, not the returned ones.
        """
        limit_check = replace(self._limit_check, owner=owner)
        models, corpora = self.models.seen_by(owner, limit_check), self.corpora.seen_by(owner, limit_check)
        training = self.training.seen_by(models, corpora, limit_check)
        writing = self.writing.seen_by(models, limit_check)
        copies = self.copies.seen_by(models, corpora, writing)
        return replace(
            self,
            models=models,
            corpora=corpora,
            training=training,
            queue=self.queue.seen_by(models),
            writing=writing,
            copies=copies,
            reading=self.reading.seen_by(models, writing, copies),
            inside=self.inside.seen_by(models, corpora, writing, limit_check),
            _limit_check=limit_check,
        )

    def prepare(self) -> None:
        """Import TensorFlow and measure the speed of this machine, so that the first request does not wait for them.

        Takes 5 to 15 seconds the first time; call it on a background thread.
        """
        from charrnn.model import generation, training  # noqa: F401

        checked("sampling", {})  # imports the validator, which is also lazy
        measure_speed()

    def not_ready(self) -> list[str]:
        """Return the failed readiness checks: any of `database`, `schema` and `disk`.

        Waits for the database as long as other queries do.
        """
        failed = []
        try:
            if not self._database.is_current():
                failed.append("schema")
        except StoreError:
            failed.append("database")
        if shutil.disk_usage(self.settings.home).free < MIN_FREE_BYTES or not os.access(self.settings.home, os.W_OK):
            failed.append("disk")
        return failed

    def close(self) -> None:
        """End the trainings of this process as `interrupted`, each with a checkpoint, and close the database."""
        atexit.unregister(self.close)
        self.training.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_services(
    home: str | Path | None = None,
    *,
    database_url: str | None = None,
    environ: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Services:
    """Open a data folder and its database; create them if missing.

    Args:
        home: Data folder; `CHARRNN_HOME` or the platform's user data folder if missing.
        database_url: URL of the database; from the environment if missing, else a SQLite file in the data folder.
        environ: Environment variables; those of the process if missing.
        limits: Limits of each user; from the environment if missing.

    Raises:
        StudioError: The data folder cannot be created or written.
        StoreError: The database cannot be reached, or its schema has another version.
    """
    settings = Settings.read(environ, home=home)
    limits = limits or Limits.read(settings.environ)
    database = Database.open(database_url or url_from_environment(settings.environ, settings.home))
    history = HistoryStore(database)
    checkpoints = CheckpointManager(settings.checkpoints, history)
    model_store, corpus_store = ModelStore(database), CorpusStore(database)
    files = CorpusFiles(settings.corpora)
    insights = InsightCache(settings.checkpoints)
    limit_check = LimitCheck(limits, model_store, corpus_store, history, files, insights)
    corpora = Corpora(files, corpus_store, limit_check)
    models = Models(model_store, history, checkpoints, limit_check)
    recovery = CheckpointRecovery(model_store, history, checkpoints)
    forecast = QueueForecast(QueueStore(database), corpus_store, history, limits)
    launcher = TrainingLauncher(
        LeaseStore(database), forecast, history=history, checkpoints=checkpoints, recovery=recovery, models=models,
        corpora=corpora,
    )  # fmt: skip
    launcher.end_dead()
    training, queue = Trainings(launcher, models, corpora, limit_check), TrainingQueue(launcher, models)
    recovery.adopt_all()
    for folder in (settings.corpora, *settings.checkpoints.iterdir()):
        sweep(folder)
    writing = TextGeneration(models, history, checkpoints, limit_check)
    copies = TextCopies(models, corpora, writing, limits)
    reading = TextReading(models, writing, copies, limits)
    inside = Inside(models, corpora, writing, insights, limit_check)
    services = Services(
        settings, corpora, models, training, queue, writing, copies, reading, inside, limits, database, limit_check
    )
    atexit.register(services.close)
    return services


def upgrade_database(
    home: str | Path | None = None, *, database_url: str | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Upgrade the schema of a database to this version; arguments as for `open_services`.

    Raises:
        StoreError: The database cannot be reached, belongs to another program, or was created by a newer version.
    """
    settings = Settings.read(environ, home=home)
    database = Database(database_url or url_from_environment(settings.environ, settings.home))
    try:
        database.upgrade()
    finally:
        database.close()


def reject_password(database_url: str | None) -> None:
    """Reject a database URL from the command line if it contains a password.

    Raises:
        StoreError: The URL contains a password, or is invalid.
    """
    if database_url and parse_url(database_url).password:
        raise StoreError(
            "The database URL contains a password, which every user of this machine can see in the list of processes. "
            "Set CHARRNN_DATABASE_URL, or MYSQL_HOST, MYSQL_USER and MYSQL_PASSWORD, instead of --database."
        )


def locations(
    home: str | Path | None = None, *, database_url: str | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Path, str]:
    """Return the data folder and the database URL without its password; arguments as for `open_services`.

    Does not connect to the database.

    Raises:
        StudioError: The data folder cannot be created or written.
        StoreError: The URL is invalid.
    """
    settings = Settings.read(environ, home=home)
    url = parse_url(database_url or url_from_environment(settings.environ, settings.home))
    return settings.home, url.render_as_string(hide_password=True)
