"""Who waits for a training outlasts a database that is away."""

from types import SimpleNamespace

import pytest

from charrnn.core.errors import StoreUnavailable
from charrnn.core.records import ModelState
from charrnn.services import Services
from charrnn.services.database_retry import retry_while_away
from tests.support.small_training import Trained


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting takes no time."""
    monkeypatch.setattr("charrnn.services.database_retry.PAUSE_SECONDS", 0)


def failing(times: int, work):
    """Fail so often before doing it."""
    left = iter(range(times))

    def attempt(*args, **kwargs):
        if next(left, None) is not None:
            raise StoreUnavailable("The database is away.")
        return work(*args, **kwargs)

    return attempt


def test_what_works_in_the_end_is_all_that_comes_of_it_and_the_wait_is_told_once() -> None:
    told: list[str] = []
    assert retry_while_away(failing(3, lambda: 7), on_wait=lambda error: told.append(str(error))) == 7
    assert told == ["The database is away."]


def test_patience_ends() -> None:
    with pytest.raises(StoreUnavailable):
        retry_while_away(failing(3, lambda: 7), seconds=lambda: 0)


def test_defect_a_restart_of_the_database_is_no_end_for_who_waits_and_follows(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`wait` raised, the script that had called it ended, and with it the training."""
    services, model = trained.services, trained.model
    monkeypatch.setattr(services.models, "get", failing(2, services.models.get))
    assert services.training.wait(model.id).state == ModelState.COMPLETED


@pytest.mark.parametrize("what", ["lines", "metrics", "samples"])
def test_defect_following_loses_nothing_wherever_the_database_goes_away(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Metrics were taken for told when the samples after them could not be read."""
    services, model = trained.services, trained.model
    (expected,) = services.training.follow(model.id)
    follower = services.training.follow(model.id)
    history = services.training.runner.history
    monkeypatch.setattr(history, what, failing(1, getattr(history, what)))
    with pytest.raises(StoreUnavailable):
        follower.update()
    update = follower.update()
    assert (update.lines, update.metrics, update.samples) == (expected.lines, expected.metrics, expected.samples)


def test_a_lease_of_this_process_that_ran_out_ends_no_training_that_is_at_work(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(services.training.runner.leases, "expire", lambda *, alive: asked.append(alive) or [])
    at_work, done = SimpleNamespace(join=lambda timeout: False), SimpleNamespace(join=lambda timeout: True)
    monkeypatch.setattr(services.training.runner, "_threads", {"ducks": at_work, "geese": done})
    services.training.end_dead()
    assert asked == [["ducks"]]
    monkeypatch.setattr(services.training.runner, "_threads", {})
