"""Test that users see and change only their own models and texts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from charrnn.core.errors import NameTaken, NotFound, OptionError, StateError
from charrnn.core.records import Corpus, Model
from charrnn.services import Services, open_services
from tests.support.small_training import OPTIONS, TEXT


@dataclass(frozen=True)
class Users:
    """Two users of one data folder, and the services of all users."""

    all_users: Services
    ada: Services
    bob: Services
    model: Model
    """Ada's trained model."""
    corpus: Corpus
    """Ada's text."""


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    """Ada has a text and a trained model, Bob has nothing."""
    with open_services(tmp_path_factory.mktemp("users"), environ={}) as all_users:
        ada, bob = all_users.seen_by("ada"), all_users.seen_by("bob")
        corpus, _ = ada.corpora.add(TEXT, name="ducks")
        model = ada.training.start(corpus, name="secret ducks", options=OPTIONS)
        ada.models.note(model.id, "Only mine.")
        yield Users(all_users, ada, bob, ada.training.wait(model.id), corpus)


ACTIONS: dict[str, Callable[[Services, str, Path], Any]] = {
    "get by id": lambda s, id, folder: s.models.get(id),
    "get by name": lambda s, id, folder: s.models.resolve("secret ducks"),
    "rename": lambda s, id, folder: s.models.rename(id, "mine now"),
    "note": lambda s, id, folder: s.models.note(id, "was here"),
    "tag": lambda s, id, folder: s.models.tag(id, ["mine"]),
    "set options": lambda s, id, folder: s.models.set_options(id, {}),
    "delete": lambda s, id, folder: s.models.delete(id),
    "restore": lambda s, id, folder: s.models.restore(id),
    "purge": lambda s, id, folder: s.models.purge(id),
    "read the log": lambda s, id, folder: s.models.lines(id),
    "read the last log lines": lambda s, id, folder: s.models.last_lines(id, 1),
    "search the log": lambda s, id, folder: s.models.find_lines(id, "loss"),
    "read metrics": lambda s, id, folder: s.models.metrics(id),
    "read a curve": lambda s, id, folder: s.models.curve(id, "loss"),
    "read samples": lambda s, id, folder: s.models.samples(id),
    "list checkpoints": lambda s, id, folder: s.models.checkpoints(id),
    "export": lambda s, id, folder: s.models.export(id, folder / "stolen.zip"),
    "export as a web page": lambda s, id, folder: s.models.export_web_page(id, folder / "stolen.html"),
    "begin": lambda s, id, folder: s.training.begin(id),
    "resume": lambda s, id, folder: s.training.resume(id, options={"max_steps": 99}),
    "check whether it can be resumed": lambda s, id, folder: s.training.can_resume(id),
    "stop": lambda s, id, folder: s.training.stop(id),
    "interrupt": lambda s, id, folder: s.training.interrupt(id),
    "outcome": lambda s, id, folder: s.training.outcome(id),
    "wait": lambda s, id, folder: s.training.wait(id),
    "follow": lambda s, id, folder: list(s.training.follow(id)),
    "write": lambda s, id, folder: s.writing.write(id),
    "score": lambda s, id, folder: s.writing.score(id, TEXT),
    "find copies": lambda s, id, folder: s.copies.find(id, TEXT),
    "extract": lambda s, id, folder: s.copies.extract(id),
    "read a text": lambda s, id, folder: s.reading.read(id, TEXT),
    "compare on a text": lambda s, id, folder: s.reading.compare(id, id, TEXT),
    "explain a character": lambda s, id, folder: s.reading.why(id, TEXT, 9),
    "find neurons": lambda s, id, folder: s.inside.neurons(id),
    "find the neuron of a feature": lambda s, id, folder: s.inside.feature(id, "quotes"),
    "follow a neuron": lambda s, id, folder: s.inside.activations(id, "1:1"),
    "cancel": lambda s, id, folder: s.queue.cancel(id),
    "move in the queue": lambda s, id, folder: s.queue.move(id, "first"),
}


def test_all_methods_with_a_model_id_are_tested() -> None:
    """New methods with a model id must be added here."""
    from inspect import getmembers, isfunction, signature

    from charrnn.services.inside import Inside
    from charrnn.services.models import Models
    from charrnn.services.text_copies import TextCopies
    from charrnn.services.text_generation import TextGeneration
    from charrnn.services.text_reading import TextReading
    from charrnn.services.training import Trainings
    from charrnn.services.training_queue import TrainingQueue

    takes_id = {
        name
        for service in (Models, Trainings, TrainingQueue, TextGeneration, TextCopies, TextReading, Inside)
        for name, method in getmembers(service, isfunction)
        if not name.startswith("_") and {"model_id", "name_or_id", "first_id"} & set(signature(method).parameters)
    }
    tested = {
        "get", "resolve", "rename", "note", "tag", "set_options", "delete", "restore", "purge", "lines", "last_lines",
        "find_lines", "metrics", "curve", "samples", "checkpoints", "export", "export_web_page", "begin", "resume",
        "can_resume", "stop", "interrupt", "outcome", "wait", "follow", "stream", "write", "score", "find", "extract",
        "read", "compare", "why", "neurons", "feature", "activations", "cancel", "move",
    }  # fmt: skip
    # `entry` searches the entries that the user sees.
    exempt = {"give", "check_access", "find_deleted", "entry"}
    assert takes_id == tested | exempt


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_models_of_other_users_are_reported_as_missing(
    users: Users, tmp_path: Path, action: Callable[[Services, str, Path], Any]
) -> None:
    before = users.ada.models.get(users.model.id)
    with pytest.raises(NotFound, match="no model") as error:
        action(users.bob, users.model.id, tmp_path)
    assert "ducks" not in str(error.value).replace("'secret ducks'", "")  # the name that the user typed
    assert users.ada.models.get(users.model.id) == before
    assert list(tmp_path.iterdir()) == []


def test_the_error_is_the_same_for_models_of_other_users_and_missing_models(users: Users) -> None:
    messages = []
    for model_id in (users.model.id, "0" * 32):
        with pytest.raises(NotFound) as error:
            users.bob.models.note(model_id, "x")
        messages.append(str(error.value).replace(model_id, "…"))
    assert messages[0] == messages[1]


def test_lists_contain_only_the_users_own_models_and_texts(users: Users) -> None:
    assert [model.owner for model in users.ada.models.all()] == ["ada"]
    assert users.bob.models.all() == users.bob.corpora.all() == []
    assert [model.name for model in users.all_users.models.all()] == ["secret ducks"]


def test_texts_of_other_users_are_reported_as_missing(users: Users) -> None:
    corpora, corpus_id = users.bob.corpora, users.corpus.id
    for action in (corpora.get, corpora.resolve, corpora.delete, lambda id: corpora.head(id, 9)):
        with pytest.raises(NotFound):
            action(corpus_id)
    with pytest.raises(NotFound):
        corpora.resolve("ducks")


def test_two_users_can_use_the_same_names(users: Users) -> None:
    model = users.bob.models.create("secret ducks")
    assert users.bob.models.resolve("secret ducks") == model
    assert users.ada.models.resolve("secret ducks").id == users.model.id
    with pytest.raises(OptionError, match="Several users have a model 'secret ducks': 'ada' .*, 'bob' "):
        users.all_users.models.resolve("secret ducks")
    users.bob.models.purge(model.id)


def test_a_text_of_two_users_is_stored_once_and_deleted_with_the_last(users: Users) -> None:
    first, _ = users.ada.corpora.add("over the hill\n" * 50, name="hill")
    second, _ = users.bob.corpora.add("over the hill\n" * 50, name="my hill")
    assert first.id == second.id
    assert users.bob.corpora.resolve("my hill").id == second.id
    users.bob.corpora.delete(second.id)
    assert users.bob.corpora.all() == []
    assert users.ada.corpora.head(first.id, 4) == "over"
    users.ada.corpora.delete(first.id)
    assert users.all_users.corpora.all() == [users.all_users.corpora.get(users.corpus.id)]


def test_a_text_used_by_another_users_model_is_kept_without_naming_the_model(users: Users) -> None:
    copy, _ = users.bob.corpora.add(TEXT, name="found")
    users.bob.corpora.delete(copy.id)
    assert users.ada.corpora.get(copy.id).name == "ducks"
    with pytest.raises(StateError, match="secret ducks"):
        users.ada.corpora.delete(copy.id)


def test_without_logins_models_and_texts_have_no_owner(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        corpus, _ = services.corpora.add(TEXT)
        assert services.models.create("open", corpus=corpus).owner == ""
        assert services.seen_by("ada").models.all() == services.seen_by("ada").corpora.all() == []


def test_the_administrator_transfers_an_older_model_and_its_text_to_a_user(services: Services) -> None:
    corpus, _ = services.corpora.add(TEXT, name="ponds")
    model = services.models.create("older", corpus=corpus)
    bob = services.seen_by("bob")
    assert services.models.give(model.id, "bob").owner == "bob"
    assert [each.name for each in bob.models.all()] == ["older"]
    assert bob.corpora.get(corpus.id).name == "ponds"
    assert services.corpora.get(corpus.id) == corpus

    for action in (
        lambda: bob.models.give(model.id, "eve"),
        lambda: services.seen_by("eve").models.give(model.id, "eve"),
    ):
        with pytest.raises(StateError, match="cannot transfer models"):
            action()
    bob.models.create("taken")
    again = services.models.create("taken")
    with pytest.raises(NameTaken, match="The name 'taken' is taken by another model"):
        services.models.give(again.id, "bob")
    with pytest.raises(OptionError):
        services.models.give(again.id, "two\nlines")
    decomposed = "Zoe\u0308 "
    # Login names are compared exactly, without normalization.
    assert services.models.give(model.id, decomposed).owner == decomposed
    assert services.models.give(model.id, "").owner == ""
