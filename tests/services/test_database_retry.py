"""Test that waiting for a training survives an unavailable database."""

from types import SimpleNamespace

import pytest

from charrnn.core.errors import StoreUnavailable
from charrnn.core.records import ModelState
from charrnn.services import Services
from charrnn.services.database_retry import retry_while_unavailable
from tests.support.small_training import Trained


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without pauses."""
    monkeypatch.setattr("charrnn.services.database_retry.PAUSE_SECONDS", 0)


def failing(times: int, work):
    """Return a function that fails this many times before it calls `work`."""
    failures = iter(range(times))

    def attempt(*args, **kwargs):
        if next(failures, None) is not None:
            raise StoreUnavailable("The database is unavailable.")
        return work(*args, **kwargs)

    return attempt


def test_retry_returns_the_first_result_and_reports_the_wait_once() -> None:
    reported: list[str] = []
    assert retry_while_unavailable(failing(3, lambda: 7), on_wait=lambda error: reported.append(str(error))) == 7
    assert reported == ["The database is unavailable."]


def test_retry_raises_after_its_time_limit() -> None:
    with pytest.raises(StoreUnavailable):
        retry_while_unavailable(failing(3, lambda: 7), seconds=lambda: 0)


def test_defect_wait_and_follow_survive_a_restart_of_the_database(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`wait` used to raise, which ended the calling script and its training."""
    services, model = trained.services, trained.model
    monkeypatch.setattr(services.models, "get", failing(2, services.models.get))
    assert services.training.wait(model.id).state == ModelState.COMPLETED


@pytest.mark.parametrize("method", ["lines", "metrics", "samples"])
def test_defect_follow_loses_nothing_when_the_database_fails_at_any_point(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Metrics used to count as returned when the samples after them could not be read."""
    services, model = trained.services, trained.model
    (expected,) = services.training.follow(model.id)
    follower = services.training.follow(model.id)
    history = services.training.launcher.history
    monkeypatch.setattr(history, method, failing(1, getattr(history, method)))
    with pytest.raises(StoreUnavailable):
        follower.update()
    update = follower.update()
    assert (update.lines, update.metrics, update.samples) == (expected.lines, expected.metrics, expected.samples)


def test_an_expired_lease_of_this_process_does_not_end_its_running_training(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive_ids: list[list[str]] = []
    monkeypatch.setattr(services.training.launcher.leases, "expire", lambda *, alive: alive_ids.append(alive) or [])
    running, ended = SimpleNamespace(join=lambda timeout: False), SimpleNamespace(join=lambda timeout: True)
    monkeypatch.setattr(services.training.launcher, "_threads", {"ducks": running, "geese": ended})
    services.training.end_dead()
    assert alive_ids == [["ducks"]]
    monkeypatch.setattr(services.training.launcher, "_threads", {})
