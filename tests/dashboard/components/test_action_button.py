"""A button with an action ignores clicks while the action runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from charrnn.services import open_services
from dashboard.components.action_button import ActionButton
from dashboard.live.session import Session, Task
from tests.support.dashboard_server import Server
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT, wait_until

expect.set_options(timeout=1000 * TIMEOUT)


def test_a_button_is_disabled_from_the_click_until_its_task_ends(session: Session) -> None:
    started: list[Task] = []

    def act() -> Task:
        started.append(Task())
        return started[-1]

    button = ActionButton(session, act, label="Export", busy_label="Exporting …")
    for _ in range(3):
        button.clicks += 1
    assert (len(started), button.disabled, button.label) == (1, True, "Exporting …")
    started[0].end()
    assert (button.disabled, button.label) == (False, "Export")
    button.clicks += 1
    assert len(started) == 2


def test_a_button_that_is_blocked_meanwhile_stays_disabled(session: Session) -> None:
    work = Task()
    button = ActionButton(session, lambda: work, label="Delete")
    button.clicks += 1
    button.blocked = True
    work.end()
    assert button.disabled
    button.blocked = False
    assert not button.disabled


@pytest.mark.parametrize("state", [{"visible": False}, {"disabled": True}])
def test_an_invisible_or_disabled_button_does_nothing(session: Session, state: dict[str, bool]) -> None:
    button = ActionButton(session, lambda: pytest.fail("it was called"), label="Delete", **state)
    button.clicks += 1


def test_the_error_of_an_action_is_shown_and_the_action_can_be_retried(session: Session) -> None:
    button = ActionButton(session, lambda: [][0], label="Save")
    button.clicks += 1
    assert "IndexError" in session.notice[1]
    assert not button.disabled


def test_defect_a_double_click_on_starting_over_starts_once(
    server: Server, home: Path, trained: TrainedHome, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{server.url}/?tab=training&model={trained.model.id}")
    with open_services(home, environ={}) as services:
        before = services.models.get(trained.model.id).epoch
        page.get_by_role("button", name="Start over", exact=True).click()
        page.get_by_role("button", name="Discard and retrain").dblclick()
        wait_until(lambda: services.models.get(trained.model.id).epoch > before)
        expect(page.get_by_role("button", name="Start over", exact=True)).to_be_visible()  # completed again
        expect(page.get_by_role("alert")).to_have_count(0)
        assert services.models.get(trained.model.id).epoch == before + 1
