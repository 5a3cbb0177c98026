"""Alembic migrations of the schema, one file per revision.

On SQLite, a column of `model` can be added, renamed and dropped with `op`, but not with `batch_alter_table`, which
copies the table and fails on the computed columns. For all other tables it works.
"""
