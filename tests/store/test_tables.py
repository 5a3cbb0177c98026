"""The tables as others see them: the article's columns and queries, and rows that somebody wrote by hand."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from charrnn.core.records import ACTIVE, ModelState
from charrnn.store.run_history import Batch
from charrnn.store.tables import ModelRow

MINUTE = timedelta(minutes=1)


@pytest.fixture
def sql(database):
    """Run the article's SQL as it stands; give its rows as dictionaries."""

    def run(statement, **values):
        def work(session):
            result = session.execute(text(statement), values)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

        return database.write(work)

    return run


@pytest.fixture
def insert(sql):
    """The article's `INSERT INTO table SET ?`, in the form that every database takes."""

    def run(table, **values):
        sql(f"INSERT INTO {table} ({', '.join(values)}) VALUES (:{', :'.join(values)})", **values)

    return run


@pytest.mark.parametrize("state", ModelState)
def test_the_articles_three_columns_follow_from_the_state(database, sql, ready, state):
    database.write(lambda session: session.execute(update(ModelRow).values(state=state)))
    (row,) = sql("SELECT has_data, is_in_progress, is_complete FROM model")
    assert row == {
        "has_data": state != ModelState.DRAFT,
        "is_in_progress": state in ACTIVE,
        "is_complete": state == ModelState.COMPLETED,
    }


def test_the_articles_insert_makes_a_model_that_the_program_takes_up(insert, models, leases, corpus):
    insert("model", id="01-abcd", name="Poetry 😀", train_params="{}", sample_params="{}")
    model = models.resolve("Poetry 😀")
    assert (model.id, model.state, model.tags, model.notes) == ("01-abcd", ModelState.DRAFT, (), "")
    assert models.update(model.id, corpus_id=corpus.id).state == ModelState.READY
    leases.queue(model.id)
    assert leases.claim(model.id, "me", seconds=60).epoch == 1


def test_what_an_insert_leaves_out_is_filled_in_with_the_databases_time(insert, database, models, history):
    insert("model", id="a", name="a", train_params='{"num_steps": 5}')
    insert("model_log", model_id="a", position=1, chunk="corpus size 11")
    now = database.now()
    model, (line,) = models.resolve("a"), history.lines("a")
    assert (model.train_params, model.sample_params, line.level) == ({"num_steps": 5}, {}, "info")
    assert all(abs(now - time) < MINUTE for time in (model.created_at, model.updated_at, line.time))


def test_the_articles_list_begins_with_what_was_changed_last(sql, models):
    ids = [models.create(name).id for name in "abc"]
    models.update(ids[0], notes="n")
    listed = sql("select * from model order by updated_at desc limit :count offset :start", count=2, start=0)
    assert [row["name"] for row in listed] == ["a", "c"]
    assert {"id", "created_at", "updated_at", "name", "train_params", "sample_params"} <= listed[0].keys()
    assert sql("select count(*) as t from model where 1=1") == [{"t": 3}]
    assert sql("select * from model where id = :id", id=ids[1])[0]["name"] == "b"


def test_the_articles_log_is_in_order_and_may_be_emptied(sql, models, history, training):
    history.append(training.id, 1, Batch(first_position=1, lines=[("a 😀", "info"), ("b", "info")]), seconds=60)
    log = "select * from model_log where model_id = :id order by position asc"
    assert [(row["position"], row["chunk"]) for row in sql(log, id=training.id)] == [(1, "a 😀"), (2, "b")]
    sql("delete from model_log where model_id = :id", id=training.id)
    history.append(training.id, 1, Batch(first_position=3, lines=[("c", "info")]), seconds=60)
    assert [(line.position, line.text) for line in history.lines(training.id)] == [(3, "c")]


def test_the_articles_update_changes_name_and_options(sql, models):
    model = models.create("x")
    sql("UPDATE model SET name = :name, train_params = :json WHERE id = :id", name="y", json='{"a": 1}', id=model.id)
    assert models.resolve("y").train_params == {"a": 1}
