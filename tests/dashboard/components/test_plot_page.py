"""Interaction with a plot in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.dashboard_server import Server
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT

expect.set_options(timeout=1000 * TIMEOUT)


def box(plot: Locator) -> tuple[float, float, float, float]:
    place = plot.bounding_box()
    assert place is not None
    return place["x"], place["y"], place["width"], place["height"]


def sweep(page: Page, plot: Locator) -> None:
    x, y, width, height = box(plot)
    for share in range(1, 20):
        page.mouse.move(x + width * share / 20, y + height * (0.3 + share / 50))


def drag(page: Page, plot: Locator) -> None:
    x, y, width, height = box(plot)
    page.mouse.move(x + width * 0.4, y + height * 0.5)
    page.mouse.down()
    page.mouse.move(x + width * 0.6, y + height * 0.6, steps=5)
    page.mouse.up()


def click_everywhere(page: Page, plot: Locator) -> None:
    x, y, width, height = box(plot)
    for across in (0.02, 0.1, 0.15, 0.3, 0.5, 0.9):
        for down in (0.02, 0.05, 0.5, 0.97):
            page.mouse.click(x + width * across, y + height * down)


def use_toolbar(page: Page, plot: Locator) -> None:
    plot.hover()
    for button in plot.locator(".bk-tool-icon, .bk-ToolButton, .bk-OnOffButton, .bk-ClickButton").all():
        button.click(force=True)
    page.mouse.wheel(0, 300)
    drag(page, plot)


ACTS = {"hover": sweep, "drag": drag, "click": click_everywhere, "toolbar and wheel": use_toolbar}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_interaction_with_a_plot_keeps_the_page_connected(
    shared: Server, trained: TrainedHome, open_page: Callable[..., Page], act: Callable[[Page, Locator], None]
) -> None:
    page = open_page(f"{shared.url}/?tab=training&model={trained.model.id}")
    plot = page.locator(".bk-Figure").first
    expect(page.get_by_text("Lower is better")).to_be_visible()
    act(page, plot)
    page.get_by_role("button", name="Show log").click()
    search = page.get_by_label("Search the log")
    search.fill("step: 8")
    search.press("Enter")
    expect(page.get_by_text("1 line found")).to_be_visible()  # the server responds
