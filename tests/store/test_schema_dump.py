"""Tests of the SQL files in `sql/`: schemas, example queries and privileges."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect, make_url, text

from charrnn.core.records import Metric
from charrnn.store.database import Database
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryBatch
from charrnn.store.schema_dump import schema, write
from tests.support.database_servers import ask, unique

SQL = Path(__file__).parents[2] / "sql"
QUERIES = sorted((SQL / "queries").glob("*.sql"))


def statements(script: str) -> list[str]:
    code = re.sub(r"^--.*\n", "", script, flags=re.MULTILINE)
    return [statement.strip() for statement in code.split(";\n") if statement.strip()]


def load(url: str, script: str) -> Database:
    """Run a script in an empty database, like an administrator."""
    database = Database(url)
    plain = {"no_parameters": True}  # % signs in the script are not placeholders
    database.write(
        lambda session: [
            session.connection().exec_driver_sql(part, execution_options=plain) for part in statements(script)
        ]
    )
    return database


def described(database: Database) -> dict[str, list[str]]:
    """Return the SQL of each table and its indexes, without whitespace and quotation marks.

    SQLite appends columns of later revisions after the constraints, so its definitions are sorted.
    """
    sources = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE tbl_name = '{}' AND sql IS NOT NULL ORDER BY name",
        "mysql": "SHOW CREATE TABLE {}",
    }
    source = sources[database.engine.dialect.name]

    def definitions(statement):
        if database.engine.dialect.name != "sqlite":
            return statement
        head, inside, tail = re.fullmatch(r"([^(]*)\((.*)\)([^)]*)", statement).groups()
        return head, sorted(inside.split(",")), tail

    def transaction(session):
        return {
            name: [definitions(re.sub(r"[\s\"`]", "", row[-1])) for row in session.execute(text(source.format(name)))]
            for name in inspect(session.connection()).get_table_names()
        }

    return database.read(transaction)


@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
def test_schema_files_are_current(kind):
    assert (SQL / f"schema.{kind}.sql").read_text("utf-8") == schema(kind), "run: make sql"


def test_schema_dump_writes_one_file_per_database(tmp_path):
    write(tmp_path)
    names = ["schema.mysql.sql", "schema.sqlite.sql"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names == sorted(p.name for p in SQL.glob("schema.*"))


def test_schema_files_create_the_same_tables_as_the_migrations(new_url):
    empty_url, another_url = new_url(), new_url()
    kind = make_url(empty_url).get_backend_name()
    by_hand = load(empty_url, (SQL / f"schema.{kind}.sql").read_text("utf-8"))
    with closing(Database.open(another_url)) as opened:
        names = described(opened)
    names["charrnn_version"] = described(by_hand)["charrnn_version"]  # differs only in the name of the key
    assert described(by_hand) == names
    by_hand.close()


def test_tables_created_by_hand_are_accepted(empty_url):
    kind = make_url(empty_url).get_backend_name()
    load(empty_url, (SQL / f"schema.{kind}.sql").read_text("utf-8")).close()
    database = Database.open(empty_url)
    assert ModelStore(database).create("x").name == "x"
    database.close()


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_every_example_query_works(database, history, training, path):
    metrics = [Metric(2, "loss", 1.5), Metric(2, "val_loss", 1.25)]
    batch = HistoryBatch(first_position=1, lines=[("a", "info")], metrics=metrics, step=2, best_loss=1.25)
    history.append(training.id, training.epoch, batch, seconds=60)
    (query,) = statements(path.read_text("utf-8"))
    values = {"model_id": training.id, "count": 10, "start": 0}
    parameters = {name: values[name] for name in re.findall(r":(\w+)", query)}
    (row,) = database.read(lambda session: session.execute(text(query), parameters).mappings().all())
    expected = {
        "best_models": {"corpus": "hamlet.txt", "bits_per_character": pytest.approx(1.8034, abs=1e-4)},
        "corpus_use": {"name": "hamlet.txt", "models": 1},
        "count_models": {"t": 1},
        "in_progress": {"name": "hamlet", "worker": "host:1:token", "step": 2},
        "loss_by_step": {"step": 2, "loss": 1.5, "val_loss": 1.25},
        "model_log": {"position": 1, "chunk": "a"},
        "recent_models": {"name": "hamlet", "is_in_progress": 1},
    }
    assert {name: row[name] for name in expected[path.stem]} == expected[path.stem]


def test_database_user_has_sufficient_privileges(server_url, empty_server_url):
    """Run the administrator's script with other names, then create and use tables as its user."""
    url, user = make_url(empty_server_url), unique("user")
    script = (SQL / "create_user.mysql.sql").read_text("utf-8").replace("rnn_generator", url.database)
    try:
        load(empty_server_url, script.replace("'charrnn'", f"'{user}'")).close()
        database = Database.open(url.set(username=user, password="CHANGE_ME"))
        assert ModelStore(database).create("x").name == "x"
        database.upgrade()
        database.close()
    finally:
        ask(server_url, f"DROP USER IF EXISTS '{user}'@'%'")
