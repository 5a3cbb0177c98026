"""Create the tables of the first release."""

from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects import mysql

from charrnn.store.database_clock import utc_default

revision = "0001"
down_revision = None

_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_MOMENT = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
_LONG = Text().with_variant(mysql.MEDIUMTEXT(), "mysql")


def upgrade() -> None:
    """Create all tables."""
    _corpus()
    _model()
    _log_and_metrics()
    _checkpoint_and_sample()


def _corpus() -> None:
    op.create_table(
        "corpus",
        Column("id", String(64), nullable=False),
        Column("name", String(255), nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("num_characters", BigInteger, nullable=False),
        Column("num_distinct", Integer, nullable=False),
        Column("num_lines", BigInteger, nullable=False),
        Column("encoding", String(64), nullable=False),
        Column("newlines", String(16), nullable=False),
        Column("created_at", _MOMENT, server_default=utc_default(), nullable=False),
        PrimaryKeyConstraint("id"),
        **_MYSQL,
    )


def _model() -> None:
    op.create_table(
        "model",
        Column("id", String(64), nullable=False),
        Column("created_at", _MOMENT, server_default=utc_default(), nullable=False),
        Column("updated_at", _MOMENT, server_default=utc_default(), nullable=False),
        Column("name", String(200), nullable=False),
        Column("train_params", JSON, nullable=False),
        Column("sample_params", JSON, server_default=text("('{}')"), nullable=False),
        Column("has_data", Boolean, Computed("state <> 'draft'", persisted=False)),
        Column("is_in_progress", Boolean, Computed("state IN ('queued', 'training', 'stopping')", persisted=False)),
        Column("is_complete", Boolean, Computed("state = 'completed'", persisted=False)),
        Column("state", String(16), server_default="draft", nullable=False),
        Column("corpus_id", String(64)),
        Column("owner", String(200), server_default="", nullable=False),
        Column("notes", _LONG, server_default=text("('')"), nullable=False),
        Column("tags", JSON, server_default=text("('[]')"), nullable=False),
        Column("epoch", Integer, server_default="0", nullable=False),
        Column("worker", String(255), server_default="", nullable=False),
        Column("lease_until", _MOMENT),
        Column("stop_requested", Boolean, server_default=false(), nullable=False),
        Column("step", BigInteger, server_default="0", nullable=False),
        Column("best_loss", Double),
        Column("log_position", BigInteger, server_default="0", nullable=False),
        Column("error", _LONG),
        Column("started_at", _MOMENT),
        Column("finished_at", _MOMENT),
        Column("deleted_at", _MOMENT),
        Column("live_name", String(200), Computed("CASE WHEN deleted_at IS NULL THEN name END", persisted=False)),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("owner", "live_name", name="uq_model_owner_live_name"),
        ForeignKeyConstraint(["corpus_id"], ["corpus.id"], name="fk_model_corpus_id"),
        **_MYSQL,
    )
    op.create_index("ix_model_state", "model", ["state"])
    op.create_index("ix_model_updated_at", "model", ["updated_at"])


def _log_and_metrics() -> None:
    op.create_table(
        "model_log",
        Column("model_id", String(64), nullable=False),
        Column("position", BigInteger, autoincrement=False, nullable=False),
        Column("chunk", _LONG, nullable=False),
        Column("time", _MOMENT, server_default=utc_default(), nullable=False),
        Column("level", String(16), server_default="info", nullable=False),
        PrimaryKeyConstraint("model_id", "position"),
        ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_model_log_model_id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
        **_MYSQL,
    )
    op.create_table(
        "model_metric",
        Column("model_id", String(64), nullable=False),
        Column("name", String(64), nullable=False),
        Column("step", BigInteger, autoincrement=False, nullable=False),
        Column("value", Double, nullable=False),
        Column("time", _MOMENT, server_default=utc_default(), nullable=False),
        PrimaryKeyConstraint("model_id", "name", "step"),
        ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_model_metric_model_id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
        **_MYSQL,
    )


def _checkpoint_and_sample() -> None:
    op.create_table(
        "checkpoint",
        Column("id", String(64), nullable=False),
        Column("model_id", String(64), nullable=False),
        Column("step", BigInteger, nullable=False),
        Column("kind", String(16), nullable=False),
        Column("loss", Double),
        Column("folder", String(255), nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("created_at", _MOMENT, server_default=utc_default(), nullable=False),
        PrimaryKeyConstraint("id"),
        ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_checkpoint_model_id", ondelete="CASCADE"),
        **_MYSQL,
    )
    op.create_index("ix_checkpoint_model_id_kind_step", "checkpoint", ["model_id", "kind", "step"])
    op.create_table(
        "sample",
        Column("id", String(64), nullable=False),
        Column("model_id", String(64), nullable=False),
        Column("step", BigInteger, nullable=False),
        Column("text", _LONG, nullable=False),
        Column("options", JSON, nullable=False),
        Column("epoch", Integer),
        Column("created_at", _MOMENT, server_default=utc_default(), nullable=False),
        PrimaryKeyConstraint("id"),
        ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_sample_model_id", ondelete="CASCADE"),
        **_MYSQL,
    )
    op.create_index("ix_sample_model_id_step", "sample", ["model_id", "step"])
