"""Test waiting trainings in a server: across restarts, and in a real browser."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from charrnn.core.limits import Limits
from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from tests.dashboard.test_journey import press
from tests.support.dashboard_server import Server
from tests.support.occupied_slot import occupied_slot
from tests.support.small_training import OPTIONS, TEXT
from tests.support.waiting import TIMEOUT, wait_until

expect.set_options(timeout=1000 * TIMEOUT)


def queue_training(services: Services, name: str) -> str:
    corpus, _ = services.corpora.add(TEXT, name="ducks")
    model = services.models.create(name, corpus=corpus, options=OPTIONS | {"max_steps": 2})
    return services.training.launcher.leases.queue(model.id).id


def test_a_server_starts_waiting_trainings_when_it_is_restarted(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve(tmp_path, "--max-trainings", "1")
    server.stop()
    with open_services(tmp_path, environ={}) as services:
        waiting = [queue_training(services, name) for name in ("geese", "ducks")]
        server.start()
        wait_until(lambda: all(services.models.get(one).state == ModelState.COMPLETED for one in waiting))
        first, second = (services.models.get(one) for one in waiting)
        assert (first.epoch, second.epoch) == (1, 1)
        assert first.finished_at <= second.started_at
    assert "Traceback" not in server.stop()


def test_a_page_shows_a_waiting_training_and_follows_its_start(
    tmp_path: Path, serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    server = serve(tmp_path, "--max-trainings", "1")
    one_slot = Limits(max_trainings=1)
    with open_services(tmp_path, environ={}, limits=one_slot) as services, occupied_slot(services) as slot:
        queue_training(services, "geese")
        page = open_page(f"{server.url}/?tab=training&model={queue_training(services, 'ducks')}")
        place = page.locator(".advice")
        expect(place).to_contain_text("Waiting, 2nd in line, starts in about")
        press(page, "Move up")
        expect(place).to_contain_text("Waiting, 1st in line, starts in about")
        press(page, "Cancel")
        expect(page.locator(".state.ready")).to_be_visible()
        press(page, "Start")
        expect(place).to_contain_text("Waiting, 2nd in line, starts in about")
        slot.release()
        expect(page.locator(".state.completed")).to_be_visible()
        page.goto("about:blank")
    assert "Traceback" not in server.stop()
