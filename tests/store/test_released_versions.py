"""Tests of upgrades from every released version on MariaDB and MySQL; SQLite files are in tests/data."""

import pytest
from alembic import command
from sqlalchemy import text

from charrnn.store import migrate
from charrnn.store.corpora import CorpusStore
from charrnn.store.database import Database
from charrnn.store.migrate import needs_upgrade
from charrnn.store.models import ModelStore


@pytest.mark.parametrize("released", [script.revision for script in migrate._scripts().walk_revisions()][1:])
def test_released_versions_are_upgraded_on_servers_without_loss(empty_server_url, released):
    old = Database(empty_server_url)
    with migrate._locked(old.engine) as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, released)
    for statement in (
        "INSERT INTO corpus (id, name, size_bytes, num_characters, num_distinct, num_lines, encoding, newlines) "
        "VALUES ('c', 'hamlet.txt', 13, 11, 7, 2, 'utf-8', 'lf')",
        "INSERT INTO model (id, name, train_params, corpus_id, state) VALUES ('m', 'hamlet', '{}', 'c', 'ready')",
    ):
        old.write(lambda session, statement=statement: session.execute(text(statement)))
    old.upgrade()
    assert [corpus.name for corpus in CorpusStore(old).list()] == ["hamlet.txt"]
    assert ModelStore(old).get("m").corpus_id == "c"
    assert not needs_upgrade(old.engine)
    old.close()
