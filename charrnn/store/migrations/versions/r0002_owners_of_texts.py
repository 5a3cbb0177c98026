"""Add owners of texts; existing texts get no owner."""

from typing import Any

from alembic import op
from sqlalchemy import Column, DateTime, ForeignKeyConstraint, PrimaryKeyConstraint, String
from sqlalchemy.dialects import mysql

from charrnn.store.database_clock import utc_default

revision = "0002"
down_revision = "0001"

_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_MOMENT = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")


def upgrade() -> None:
    """Create the table, with a row for each existing text."""
    op.create_table(
        "corpus_owner",
        Column("corpus_id", String(64), nullable=False),
        Column("owner", String(200), server_default="", nullable=False),
        Column("name", String(255), nullable=False),
        Column("created_at", _MOMENT, server_default=utc_default(), nullable=False),
        PrimaryKeyConstraint("corpus_id", "owner"),
        ForeignKeyConstraint(["corpus_id"], ["corpus.id"], name="fk_corpus_owner_corpus_id", ondelete="CASCADE"),
        **_MYSQL,
    )
    op.execute(
        "INSERT INTO corpus_owner (corpus_id, owner, name, created_at) SELECT id, '', name, created_at FROM corpus"
    )
