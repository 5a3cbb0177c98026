"""Add the queue of trainings, and the lease of the process that starts them on each machine.

Trainings that an older version has queued become `interrupted`: their process has ended, and it is unknown whether they
were to resume or to start over.
"""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, PrimaryKeyConstraint, String, false
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"

_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_MOMENT = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("model", Column("queued_at", _MOMENT, nullable=True))
    op.add_column("model", Column("queue_rank", BigInteger, server_default="0", nullable=False))
    op.add_column("model", Column("queue_priority", Integer, server_default="0", nullable=False))
    op.add_column("model", Column("queued_from", String(16), nullable=True))
    op.add_column("model", Column("resumes", Boolean, server_default=false(), nullable=False))
    op.create_table(
        "dispatcher",
        Column("machine", String(64), nullable=False),
        Column("worker", String(255), server_default="", nullable=False),
        Column("lease_until", _MOMENT, nullable=True),
        Column("serves_until", _MOMENT, nullable=True),
        PrimaryKeyConstraint("machine"),
        **_MYSQL,
    )
    op.execute(
        "UPDATE model SET state = 'interrupted', worker = '', lease_until = NULL, "
        "error = 'The program was upgraded before this training started. Start or resume it again.' "
        "WHERE state = 'queued'"
    )
