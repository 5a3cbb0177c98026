"""Alembic's scripts: how the tables came to be what they are, one revision a file.

On SQLite a column of `model` can be added, renamed and dropped by `op`, but Alembic's `batch_alter_table` cannot copy
that table, because it would insert into the computed columns. It copies all others.
"""
