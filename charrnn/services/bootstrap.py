"""Builds all services of one data folder, once."""

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
from charrnn.core.options import checked
from charrnn.core.quotas import Limits
from charrnn.services.checkpoint_manager import Checkpoints
from charrnn.services.checkpoint_recovery import Recovery
from charrnn.services.corpora import Corpora
from charrnn.services.cost_estimate import speed
from charrnn.services.models import Library
from charrnn.services.quota_check import Allowance
from charrnn.services.settings import Settings
from charrnn.services.text_generation import Writing
from charrnn.services.training import Trainings
from charrnn.store.corpora import CorpusStore
from charrnn.store.corpus_files import CorpusFiles
from charrnn.store.database import Database
from charrnn.store.database_url import parse_url, url_from_environment
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore

NEEDED_BYTES = 100_000_000
"""Free room on the disk below which a program is not ready: a checkpoint takes tens of megabytes."""


@dataclass(frozen=True)
class Services:
    """Everything a user can do. Close it when done; as a context manager it closes itself."""

    settings: Settings
    corpora: Corpora
    models: Library
    training: Trainings
    writing: Writing
    limits: Limits
    _database: Database
    _allowance: Allowance

    @property
    def user(self) -> str:
        """Name of the user who sees these; empty where nobody is asked."""
        return self._allowance.owner or ""

    def seen_by(self, owner: str) -> Self:
        """Return what one user can do: nothing of what belongs to others is there. Only the whole is to be closed."""
        allowance = replace(self._allowance, owner=owner)
        models, corpora = self.models.seen_by(owner, allowance), self.corpora.seen_by(owner, allowance)
        training = self.training.seen_by(models, corpora, allowance)
        return replace(
            self, models=models, corpora=corpora, training=training, writing=self.writing.seen_by(models, allowance),
            _allowance=allowance,
        )  # fmt: skip

    def prepare(self) -> None:
        """Import TensorFlow and measure this machine, so that the first training or text need not wait for it.

        Takes 5 to 15 seconds the first time; meant for a background thread.
        """
        from charrnn.model.generation import generator  # noqa: F401
        from charrnn.model.training import training_loop  # noqa: F401

        checked("sampling", {})  # what checks options is imported late, too
        speed()

    def not_ready(self) -> list[str]:
        """Return what keeps this program from serving: `database`, `schema`, `disk`; nothing if it can.

        Waits for the database as long as any query does.
        """
        found = []
        try:
            if not self._database.is_current():
                found.append("schema")
        except StoreError:
            found.append("database")
        if shutil.disk_usage(self.settings.home).free < NEEDED_BYTES or not os.access(self.settings.home, os.W_OK):
            found.append("disk")
        return found

    def close(self) -> None:
        """End the trainings of this process as `interrupted`, each with a checkpoint, and close the database."""
        atexit.unregister(self.close)
        self.training.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_services(
    home: str | Path | None = None,
    *,
    database_url: str | None = None,
    environ: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Services:
    """Open a data folder and its database; both are made if missing.

    Args:
        home: Data folder; `CHARRNN_HOME` or the platform's user data folder if missing.
        database_url: Where the database is; from the environment, else a SQLite file in the data folder.
        environ: Environment variables; the process's own if missing.
        limits: What users are allowed; from the environment if missing.

    Raises:
        StudioError: The data folder cannot be made or written.
        StoreError: The database cannot be reached, or has another version.
    """
    settings = Settings.read(environ, home=home)
    limits = limits or Limits.read(settings.environ)
    database = Database.open(database_url or url_from_environment(settings.environ, settings.home))
    history = HistoryStore(database)
    checkpoints = Checkpoints(settings.checkpoints, history)
    models, texts = ModelStore(database), CorpusStore(database)
    files = CorpusFiles(settings.corpora)
    allowance = Allowance(limits, models, texts, history, files)
    corpora = Corpora(files, texts, allowance)
    library = Library(models, history, checkpoints, allowance)
    recovery = Recovery(models, history, checkpoints)
    training = Trainings(LeaseStore(database), history, library, corpora, checkpoints, recovery, allowance)
    training.notice_dead()
    recovery.adopt_all()
    for folder in (settings.corpora, *settings.checkpoints.iterdir()):
        sweep(folder)
    writing = Writing(library, history, checkpoints, allowance)
    services = Services(settings, corpora, library, training, writing, limits, database, allowance)
    atexit.register(services.close)
    return services


def upgrade_database(
    home: str | Path | None = None, *, database_url: str | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Bring a database to this program's version; arguments as for `open_services`.

    Raises:
        StoreError: The database cannot be reached, holds something else, or was made by a newer program.
    """
    settings = Settings.read(environ, home=home)
    database = Database(database_url or url_from_environment(settings.environ, settings.home))
    try:
        database.upgrade()
    finally:
        database.close()


def refuse_password(database_url: str | None) -> None:
    """Refuse a database's URL with a password in it, where it came from a command line.

    Raises:
        StoreError: There is one, or the URL cannot be understood.
    """
    if database_url and parse_url(database_url).password:
        raise StoreError(
            "The database's URL has a password in it, which everybody who lists the processes of this machine could "
            "read. Set CHARRNN_DATABASE_URL, or MYSQL_PASSWORD and its companions, instead of --database."
        )


def where(
    home: str | Path | None = None, *, database_url: str | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Path, str]:
    """Tell the data folder and the database's URL, its password hidden; arguments as for `open_services`.

    Connects to nothing, so that it also tells what a wrong setting leads to.

    Raises:
        StudioError: The data folder cannot be made or written.
        StoreError: The URL cannot be understood.
    """
    settings = Settings.read(environ, home=home)
    url = parse_url(database_url or url_from_environment(settings.environ, settings.home))
    return settings.home, url.render_as_string(hide_password=True)
