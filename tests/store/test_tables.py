"""Tests of the tables with the columns and queries of the article, and with rows inserted by hand."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from charrnn.core.records import ACTIVE, ModelState
from charrnn.store.run_history import HistoryBatch
from charrnn.store.tables import ModelRow

MINUTE = timedelta(minutes=1)


@pytest.fixture
def sql(database):
    """Return a function that runs a statement and returns its rows as dictionaries."""

    def run(statement, **values):
        def transaction(session):
            result = session.execute(text(statement), values)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

        return database.write(transaction)

    return run


@pytest.fixture
def insert(sql):
    """Return the article's `INSERT INTO table SET ?`, in a form that every database accepts."""

    def run(table, **values):
        sql(f"INSERT INTO {table} ({', '.join(values)}) VALUES (:{', :'.join(values)})", **values)

    return run


@pytest.mark.parametrize("state", ModelState)
def test_computed_columns_follow_the_state(database, sql, ready, state):
    database.write(lambda session: session.execute(update(ModelRow).values(state=state)))
    (row,) = sql("SELECT has_data, is_in_progress, is_complete FROM model")
    assert row == {
        "has_data": state != ModelState.DRAFT,
        "is_in_progress": state in ACTIVE,
        "is_complete": state == ModelState.COMPLETED,
    }


def test_model_inserted_by_the_article_can_be_trained(insert, models, leases, corpus):
    insert("model", id="01-abcd", name="Poetry 😀", train_params="{}", sample_params="{}")
    model = models.resolve("Poetry 😀")
    assert (model.id, model.state, model.tags, model.notes) == ("01-abcd", ModelState.DRAFT, (), "")
    assert models.update(model.id, corpus_id=corpus.id).state == ModelState.READY
    leases.queue(model.id)
    assert leases.claim(model.id, "me", seconds=60).epoch == 1


def test_inserted_rows_get_defaults_and_the_time_of_the_database(insert, database, models, history):
    insert("model", id="a", name="a", train_params='{"num_steps": 5}')
    insert("model_log", model_id="a", position=1, chunk="corpus size 11")
    now = database.now()
    model, (line,) = models.resolve("a"), history.lines("a")
    assert (model.train_params, line.level) == ({"num_steps": 5}, "info")
    assert all(abs(now - time) < MINUTE for time in (model.created_at, model.updated_at, line.time))


def test_list_query_of_the_article_is_ordered_by_last_change(sql, models):
    ids = [models.create(name).id for name in "abc"]
    models.update(ids[0], notes="n")
    listed = sql("select * from model order by updated_at desc limit :count offset :start", count=2, start=0)
    assert [row["name"] for row in listed] == ["a", "c"]
    assert {"id", "created_at", "updated_at", "name", "train_params", "sample_params"} <= listed[0].keys()
    assert sql("select count(*) as t from model where 1=1") == [{"t": 3}]
    assert sql("select * from model where id = :id", id=ids[1])[0]["name"] == "b"


def test_log_query_of_the_article_is_ordered_and_the_log_can_be_emptied(sql, models, history, training):
    history.append(training.id, 1, HistoryBatch(first_position=1, lines=[("a 😀", "info"), ("b", "info")]), seconds=60)
    log = "select * from model_log where model_id = :id order by position asc"
    assert [(row["position"], row["chunk"]) for row in sql(log, id=training.id)] == [(1, "a 😀"), (2, "b")]
    sql("delete from model_log where model_id = :id", id=training.id)
    history.append(training.id, 1, HistoryBatch(first_position=3, lines=[("c", "info")]), seconds=60)
    assert [(line.position, line.text) for line in history.lines(training.id)] == [(3, "c")]


def test_update_of_the_article_changes_name_and_options(sql, models):
    model = models.create("x")
    sql("UPDATE model SET name = :name, train_params = :json WHERE id = :id", name="y", json='{"a": 1}', id=model.id)
    assert models.resolve("y").train_params == {"a": 1}
