"""Somebody else does something to a model while it is trained."""

import threading

import pytest

from charrnn.core.errors import StateError
from charrnn.core.records import Model, ModelState
from charrnn.services import Services, open_services
from tests.services.test_training import ENDLESS, At
from tests.support.small_training import TEXT

THREADS = 16


@pytest.fixture
def going(services: Services) -> Model:
    """A model in training, a few steps on."""
    begun = threading.Event()
    model = services.training.start(TEXT, name="ducks", options=ENDLESS, callbacks=[At(2, begun.set)])
    begun.wait()
    return model


REFUSED = {
    "deleted": lambda others, model: others.models.delete(model.id),
    "purged": lambda others, model: others.models.purge(model.id),
    "given other options": lambda others, model: others.models.set_options(model.id, {"max_steps": 7}),
    "trained again": lambda others, model: others.training.begin(model.id),
    "resumed": lambda others, model: others.training.resume(model.id),
    "without its text": lambda others, model: others.corpora.delete(model.corpus_id),
}


def test_what_would_take_a_training_its_ground_is_refused_with_the_reason(services: Services, going: Model) -> None:
    with open_services(services.settings.home, environ={}) as others:
        for change in REFUSED.values():
            with pytest.raises(StateError, match="ducks"):
                change(others, going)
        others.training.stop(going.id)
    ended = services.training.wait(going.id)
    assert (ended.name, ended.state) == ("ducks", ModelState.STOPPED)
    assert services.models.delete(going.id).deleted_at


def test_a_training_goes_on_under_another_name_and_beside_a_new_text(services: Services, going: Model) -> None:
    with open_services(services.settings.home, environ={}) as others:
        others.models.rename(going.id, "drakes")
        others.models.note(going.id, "renamed on the way")
        corpus, _ = others.corpora.add(TEXT + "And one more.\n", name="ducks")
        again = others.models.create("ducks", corpus=corpus, options=ENDLESS)
        step = others.models.get(going.id).step
        while others.models.get(going.id).step <= step:
            pass
        others.training.stop(going.id)
    ended = services.training.wait(going.id)
    assert (ended.name, ended.notes, ended.state) == ("drakes", "renamed on the way", ModelState.STOPPED)
    assert (ended.corpus_id, services.models.get(again.id).state) == (going.corpus_id, ModelState.READY)
    services.training.resume(going.id, options={"max_steps": ended.step + 3})
    assert services.training.wait(going.id).step == ended.step + 3


def test_of_sixteen_starts_on_two_servers_one_trains_and_the_others_hear_why(services: Services) -> None:
    corpus, _ = services.corpora.add(TEXT, name="ducks")
    model = services.models.create("ducks", corpus=corpus, options=ENDLESS)
    together, won, lost = threading.Barrier(THREADS), [], []

    def start(server: Services) -> None:
        together.wait()
        try:
            won.append(server.training.begin(model.id))
        except StateError as error:
            lost.append(str(error))

    with open_services(services.settings.home, environ={}) as others:
        threads = [threading.Thread(target=start, args=((services, others)[n % 2],)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        services.training.stop(model.id)
        ended = services.training.wait(model.id)
    assert (len(won), len(lost), ended.epoch) == (1, THREADS - 1, 1)
    assert all("is training already" in message for message in lost)
