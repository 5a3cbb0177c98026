"""Tests of creating, updating, deleting and restoring models."""

import math

import pytest
from sqlalchemy import update

from charrnn.core.errors import NameTaken, NotFound, OptionError, StateError
from charrnn.core.records import ModelState
from charrnn.store.database import Database
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryBatch
from charrnn.store.tables import ModelRow


def test_new_model_is_read_back_unchanged(models, corpus):
    created = models.create(
        " Hamlet 😀 ",
        owner="ann",
        corpus_id=corpus.id,
        train_params={"num_steps": 5, "learning_rate": 0.1 + 0.2, "use_embedding": False},
        notes="two\nlines",
        tags=["de", "poems"],
    )
    assert models.get(created.id) == created
    assert (created.name, created.owner, created.state, created.notes) == (
        "Hamlet 😀",
        "ann",
        ModelState.READY,
        "two\nlines",
    )
    assert created.train_params == {"num_steps": 5, "learning_rate": 0.1 + 0.2, "use_embedding": False}
    assert created.tags == ("de", "poems")
    assert created.created_at == created.updated_at


def test_defect_11_names_and_notes_accept_any_character(models):
    created = models.create("😀", notes="a\0b\ud800")
    assert models.get(created.id).notes == "a␀b\ufffd"


def test_names_differ_by_case_accent_and_emoji(models):
    names = ["a", "A", "e", "é", "😀", "😁", "ss", "ß", "a b", "ab"]
    ids = {models.create(name).id for name in names}
    assert len(ids) == len(names)
    assert [models.resolve(name).name for name in names] == names


def test_name_is_unique_per_owner(models):
    models.create("x", owner="ann")
    models.create("x", owner="Ann")
    with pytest.raises(NameTaken, match="The name 'x' is taken by another model. Choose another name"):
        models.create(" x", owner="ann")


def test_all_problems_of_a_new_model_are_reported_at_once(models):
    with pytest.raises(OptionError) as caught:
        models.create(" ", tags=[""], train_params={"learning_rate": math.nan})
    assert caught.value.problems.keys() == {"name", "tags", "learning_rate"}
    assert models.list() == []


def test_resolve_accepts_a_name_or_an_id(models):
    model = models.create("first")
    assert models.resolve(" first ") == models.resolve(model.id) == models.resolve(f" {model.id.upper()} ") == model
    assert models.resolve("first", owner="ann") is models.resolve(model.id, owner="ann") is None
    assert models.resolve("First") is None
    assert models.resolve("") is None
    assert models.resolve("\ud800") is None


def test_name_must_not_look_like_an_id(models):
    first, second = models.create("first"), models.create("second")
    for name in (first.id, first.id.upper(), f" {first.id} ", "0" * 32):
        with pytest.raises(OptionError, match="looks like a model's id"):
            models.update(second.id, name=name)
        with pytest.raises(OptionError, match="looks like a model's id"):
            models.create(name)
    assert models.create("0" * 31).name == "0" * 31


def test_model_named_like_an_id_by_an_older_version_is_found_only_by_its_own_id(models, database):
    first, second = models.create("first"), models.create("second")
    database.write(
        lambda session: session.execute(update(ModelRow).where(ModelRow.id == second.id).values(name=first.id))
    )
    assert models.get(second.id).name == first.id
    assert models.resolve(first.id) == first
    assert models.resolve(second.id) == models.get(second.id)
    models.delete(first.id)
    assert models.resolve(first.id) is None
    assert models.update(second.id, name="renamed").name == "renamed"


def test_unknown_model_is_not_found(models):
    for call in (models.get, models.delete, models.restore, models.purge, models.update):
        with pytest.raises(NotFound, match="There is no model with the id 'nobody'"):
            call("nobody")


def test_list_is_newest_first_and_can_be_filtered_by_owner(models):
    ids = [models.create(str(number), owner="ann" if number % 2 else "bob").id for number in range(5)]
    assert [model.id for model in models.list()] == ids[::-1]
    assert [model.id for model in models.list(owner="bob")] == [ids[4], ids[2], ids[0]]


def test_name_of_two_hundred_emoji_is_stored_completely(models):
    names = ["😀" * 199 + last for last in "😀😁"]
    ids = [models.create(name).id for name in names]
    assert [models.resolve(name).id for name in names] == ids
    with pytest.raises(NameTaken):
        models.create(names[0])


def test_list_has_step_and_best_loss(models, history, training):
    models.create("fresh")
    history.append(training.id, 1, HistoryBatch(first_position=1, step=7, best_loss=1.25), seconds=60)
    assert [(model.name, model.step, model.best_loss) for model in models.list()] == [
        ("fresh", 0, None),
        ("hamlet", 7, 1.25),
    ]


def test_retried_update_sees_concurrent_changes(database, leases, ready, corpus):
    class Conflicted(Database):
        """Roll back the first attempt, as after a deadlock; before the second, another worker completes a training."""

        def __init__(self):
            pass

        def write(self, transaction):
            with pytest.raises(ArithmeticError):
                database.write(lambda session: (transaction(session), 1 / 0))
            leases.queue(ready.id)
            leases.finish(ready.id, leases.claim(ready.id, "me", seconds=60).epoch, ModelState.COMPLETED)
            return database.write(transaction)

    assert ModelStore(Conflicted()).update(ready.id, corpus_id=corpus.id).state == ModelState.COMPLETED


def test_update_changes_only_the_given_fields(models):
    before = models.create("x", notes="n", tags=["t"], train_params={"a": 1})
    after = models.update(before.id, name="y", train_params={"b": 2})
    assert (after.name, after.train_params, after.notes, after.tags) == ("y", {"b": 2}, "n", ("t",))
    assert after.updated_at > before.updated_at
    assert models.get(before.id) == after


def test_update_validates_like_create(models):
    models.create("taken")
    model = models.create("x")
    with pytest.raises(NameTaken, match="'taken'"):
        models.update(model.id, name="taken")
    with pytest.raises(NotFound, match="There is no text with the id 'none'"):
        models.update(model.id, corpus_id="none")
    with pytest.raises(OptionError, match="The name is empty"):
        models.update(model.id, name="")
    with pytest.raises(TypeError, match=r"unknown fields state; expected name,"):
        models.update(model.id, state="completed")
    assert models.get(model.id) == model


def test_model_is_ready_with_a_corpus_and_a_draft_without(models, corpus):
    model = models.create("x")
    assert model.state == ModelState.DRAFT
    assert models.update(model.id, corpus_id=corpus.id).state == ModelState.READY
    assert models.update(model.id, corpus_id=None).state == ModelState.DRAFT


def test_model_in_training_cannot_get_another_corpus_or_options(models, training):
    with pytest.raises(
        StateError, match="'hamlet' is training and cannot be given another text now. Stop its training"
    ):
        models.update(training.id, corpus_id=None)
    with pytest.raises(StateError, match="cannot be given other training options now"):
        models.update(training.id, train_params={})
    assert models.update(training.id, name="ophelia").name == "ophelia"


def test_trained_model_keeps_its_corpus(models, leases, training):
    leases.finish(training.id, training.epoch, ModelState.STOPPED)
    with pytest.raises(StateError, match="'hamlet' was trained and keeps its text. Create a new model instead"):
        models.update(training.id, corpus_id=None)


def test_deleted_model_frees_its_name_and_can_be_restored(models):
    old = models.create("x")
    models.delete(old.id)
    assert models.resolve("x") is None
    assert models.list() == []
    assert [model.id for model in models.list(include_deleted=True)] == [old.id]
    assert models.restore(old.id).deleted_at is None
    assert models.resolve("x").id == old.id


def test_deleted_model_cannot_be_restored_when_its_name_is_taken(models):
    old = models.create("x")
    models.delete(models.delete(old.id).id)
    models.create("x")
    with pytest.raises(NameTaken, match="The name 'x' is taken by another model"):
        models.restore(old.id)
    assert models.get(old.id).deleted_at is not None
    with pytest.raises(StateError, match="'x' is deleted and cannot be changed. Restore it first"):
        models.update(old.id, notes="n")


@pytest.mark.parametrize("method", ["delete", "purge"])
def test_model_in_training_cannot_be_deleted_or_purged(models, training, method):
    with pytest.raises(StateError, match="'hamlet' is training and cannot be .* now. Stop its training first"):
        getattr(models, method)(training.id)
    assert models.get(training.id).deleted_at is None


def test_purge_removes_everything(models, leases, history, training):
    history.append(training.id, training.epoch, HistoryBatch(first_position=1, lines=[("a", "info")]), seconds=60)
    history.add_sample(training.id, step=0, text="t", options={})
    leases.finish(training.id, training.epoch, ModelState.STOPPED)
    models.purge(training.id)
    assert models.list(include_deleted=True) == []
    assert history.lines(training.id) == [] and history.samples(training.id) == []


def test_commit_is_visible_to_the_next_read(database, models):
    model = models.create("x")
    other = ModelStore(database)
    assert other.get(model.id).notes == ""
    models.update(model.id, notes="new")
    assert other.get(model.id).notes == "new"
