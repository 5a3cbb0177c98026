"""Define the tables as SQLAlchemy models. The files in `sql/` and the tests of the migrations are derived from them.

Most columns have a default, so that rows inserted by hand need only the columns of the 2018 article.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from charrnn.store.column_types import TIMESTAMP, StoredName, StoredText
from charrnn.store.database_clock import utc_default

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
}

# MySQL's default collation equates 'a' with 'A', 'é' with 'e' and '😀' with '😁', which must be different names.
_MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

# Ids are generated and need no sanitizing, which would take most of the time of inserting log lines.
ID = String(64)
EMPTY_TEXT = text("('')")  # MySQL accepts the default of a TEXT column only as an expression


class Base(DeclarativeBase):
    """Base class of all tables."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: TIMESTAMP, float: Double(), bool: Boolean()}


class CorpusRow(Base):
    """A corpus; its text is stored in a file."""

    __tablename__ = "corpus"
    __table_args__ = _MYSQL

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(StoredName(255))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    num_characters: Mapped[int] = mapped_column(BigInteger)
    num_distinct: Mapped[int] = mapped_column(Integer)
    num_lines: Mapped[int] = mapped_column(BigInteger)
    encoding: Mapped[str] = mapped_column(String(64))
    newlines: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(server_default=utc_default())


class CorpusOwnerRow(Base):
    """A user who added a corpus, and their name for it; a corpus of several users is stored once."""

    __tablename__ = "corpus_owner"
    __table_args__ = _MYSQL

    corpus_id: Mapped[str] = mapped_column(ID, ForeignKey("corpus.id", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[str] = mapped_column(StoredName(200), primary_key=True, server_default="")
    name: Mapped[str] = mapped_column(StoredName(255))
    created_at: Mapped[datetime] = mapped_column(server_default=utc_default())


class ModelRow(Base):
    """A model. The article's columns `has_data`, `is_in_progress` and `is_complete` are computed from the state.

    Computed columns are not declared NOT NULL, because MariaDB does not support that.
    """

    __tablename__ = "model"
    __table_args__ = (
        UniqueConstraint("owner", "live_name"),
        Index(None, "updated_at"),
        Index(None, "state"),
        _MYSQL,
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=utc_default())
    updated_at: Mapped[datetime] = mapped_column(server_default=utc_default())
    name: Mapped[str] = mapped_column(StoredName(200))
    train_params: Mapped[dict[str, Any]] = mapped_column(JSON)
    sample_params: Mapped[dict[str, Any]] = mapped_column(JSON, server_default=text("('{}')"))
    has_data: Mapped[bool | None] = mapped_column(Computed("state <> 'draft'", persisted=False))
    is_in_progress: Mapped[bool | None] = mapped_column(
        Computed("state IN ('queued', 'training', 'stopping')", persisted=False)
    )
    is_complete: Mapped[bool | None] = mapped_column(Computed("state = 'completed'", persisted=False))
    state: Mapped[str] = mapped_column(String(16), server_default="draft")
    corpus_id: Mapped[str | None] = mapped_column(ID, ForeignKey("corpus.id"))
    owner: Mapped[str] = mapped_column(StoredName(200), server_default="")
    notes: Mapped[str] = mapped_column(StoredText, server_default=EMPTY_TEXT)
    tags: Mapped[list[str]] = mapped_column(JSON, server_default=text("('[]')"))
    epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    worker: Mapped[str] = mapped_column(StoredName(255), server_default="")
    lease_until: Mapped[datetime | None]
    stop_requested: Mapped[bool] = mapped_column(server_default=false())
    step: Mapped[int] = mapped_column(BigInteger, server_default="0")
    best_loss: Mapped[float | None]
    log_position: Mapped[int] = mapped_column(BigInteger, server_default="0")
    error: Mapped[str | None] = mapped_column(StoredText)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    # NULL in deleted models, so that their names can be used again: NULLs never collide in a unique index.
    live_name: Mapped[str | None] = mapped_column(
        StoredName(200), Computed("CASE WHEN deleted_at IS NULL THEN name END", persisted=False)
    )
    # The last columns, because revisions 0003 and 0004 append them to existing tables.
    cpu: Mapped[str | None] = mapped_column(StoredName(200))
    queued_at: Mapped[datetime | None]
    queue_rank: Mapped[int] = mapped_column(BigInteger, server_default="0")
    queue_priority: Mapped[int] = mapped_column(Integer, server_default="0")
    queued_from: Mapped[str | None] = mapped_column(String(16))
    resumes: Mapped[bool] = mapped_column(server_default=false())


class DispatcherRow(Base):
    """The process that starts the waiting trainings of one machine at the moment."""

    __tablename__ = "dispatcher"
    __table_args__ = _MYSQL

    machine: Mapped[str] = mapped_column(StoredName(64), primary_key=True)
    worker: Mapped[str] = mapped_column(StoredName(255), server_default="")
    lease_until: Mapped[datetime | None]
    serves_until: Mapped[datetime | None]
    """Until when a process of the machine starts all waiting trainings, not only its own."""


class LogRow(Base):
    """One line of a model's log."""

    __tablename__ = "model_log"
    __table_args__ = {"sqlite_with_rowid": False, **_MYSQL}

    model_id: Mapped[str] = mapped_column(ID, ForeignKey("model.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chunk: Mapped[str] = mapped_column(StoredText)
    time: Mapped[datetime] = mapped_column(server_default=utc_default())
    level: Mapped[str] = mapped_column(String(16), server_default="info")


class MetricRow(Base):
    """One value of a metric. In the key, the name precedes the step, because curves are read by name."""

    __tablename__ = "model_metric"
    __table_args__ = {"sqlite_with_rowid": False, **_MYSQL}

    model_id: Mapped[str] = mapped_column(ID, ForeignKey("model.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    value: Mapped[float]
    time: Mapped[datetime] = mapped_column(server_default=utc_default())


class CheckpointRow(Base):
    """A checkpoint; its weights are stored in a folder."""

    __tablename__ = "checkpoint"
    __table_args__ = (Index(None, "model_id", "kind", "step"), _MYSQL)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    model_id: Mapped[str] = mapped_column(ID, ForeignKey("model.id", ondelete="CASCADE"))
    step: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(16))
    loss: Mapped[float | None]
    folder: Mapped[str] = mapped_column(String(255))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=utc_default())


class SampleRow(Base):
    """A text generated by a model."""

    __tablename__ = "sample"
    __table_args__ = (Index(None, "model_id", "step"), _MYSQL)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    model_id: Mapped[str] = mapped_column(ID, ForeignKey("model.id", ondelete="CASCADE"))
    step: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(StoredText)
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    epoch: Mapped[int | None] = mapped_column(Integer)
    """Epoch of the training that generated the sample; NULL for a sample requested by a user, which a rewind keeps."""
    created_at: Mapped[datetime] = mapped_column(server_default=utc_default())
