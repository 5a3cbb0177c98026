"""Add the CPU of each model's latest training; it is unknown for existing models."""

from alembic import op
from sqlalchemy import Column, String

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("model", Column("cpu", String(200), nullable=True))
