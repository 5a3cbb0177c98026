"""Test concurrent changes to a model while it is trained."""

import threading

import pytest

from charrnn.core.errors import StateError
from charrnn.core.records import Model, ModelState
from charrnn.services import Services, open_services
from tests.services.test_training import ENDLESS, At
from tests.support.small_training import TEXT

THREADS = 16


@pytest.fixture
def running_model(services: Services) -> Model:
    """A model in training, after a few steps."""
    started = threading.Event()
    model = services.training.start(TEXT, name="ducks", options=ENDLESS, callbacks=[At(2, started.set)])
    started.wait()
    return model


REJECTED = {
    "deleted": lambda others, model: others.models.delete(model.id),
    "purged": lambda others, model: others.models.purge(model.id),
    "changed options": lambda others, model: others.models.set_options(model.id, {"max_steps": 7}),
    "trained again": lambda others, model: others.training.begin(model.id),
    "resumed": lambda others, model: others.training.resume(model.id),
    "deleted text": lambda others, model: others.corpora.delete(model.corpus_id),
}


def test_changes_that_would_break_a_running_training_are_rejected(services: Services, running_model: Model) -> None:
    with open_services(services.settings.home, environ={}) as others:
        for change in REJECTED.values():
            with pytest.raises(StateError, match="ducks"):
                change(others, running_model)
        others.training.stop(running_model.id)
    ended = services.training.wait(running_model.id)
    assert (ended.name, ended.state) == ("ducks", ModelState.STOPPED)
    assert services.models.delete(running_model.id).deleted_at


def test_a_training_continues_when_its_model_is_renamed_or_a_text_is_added(
    services: Services, running_model: Model
) -> None:
    with open_services(services.settings.home, environ={}) as others:
        others.models.rename(running_model.id, "drakes")
        others.models.note(running_model.id, "renamed on the way")
        corpus, _ = others.corpora.add(TEXT + "And one more.\n", name="ducks")
        again = others.models.create("ducks", corpus=corpus, options=ENDLESS)
        step = others.models.get(running_model.id).step
        while others.models.get(running_model.id).step <= step:
            pass
        others.training.stop(running_model.id)
    ended = services.training.wait(running_model.id)
    assert (ended.name, ended.notes, ended.state) == ("drakes", "renamed on the way", ModelState.STOPPED)
    assert (ended.corpus_id, services.models.get(again.id).state) == (running_model.corpus_id, ModelState.READY)
    services.training.resume(running_model.id, options={"max_steps": ended.step + 3})
    assert services.training.wait(running_model.id).step == ended.step + 3


def test_only_one_of_sixteen_concurrent_starts_on_two_servers_succeeds(services: Services) -> None:
    corpus, _ = services.corpora.add(TEXT, name="ducks")
    model = services.models.create("ducks", corpus=corpus, options=ENDLESS)
    barrier, started, rejected = threading.Barrier(THREADS), [], []

    def start(server: Services) -> None:
        barrier.wait()
        try:
            started.append(server.training.begin(model.id))
        except StateError as error:
            rejected.append(str(error))

    with open_services(services.settings.home, environ={}) as others:
        threads = [threading.Thread(target=start, args=((services, others)[n % 2],)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        services.training.stop(model.id)
        ended = services.training.wait(model.id)
    assert (len(started), len(rejected), ended.epoch) == (1, THREADS - 1, 1)
    assert all("is training already" in message for message in rejected)
