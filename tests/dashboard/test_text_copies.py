"""What the Write page says about copies, in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from charrnn.core.generated_text import GeneratedText
from charrnn.services import open_services
from tests.support.dashboard_server import Server
from tests.support.small_training import TEXT
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT

expect.set_options(timeout=1000 * TIMEOUT)
COPIED = TEXT[70:200]


def test_copies_are_underlined_and_show_their_source(
    home: Path, trained: TrainedHome, serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    with open_services(home, environ={}) as services:
        stream = services.writing.stream(trained.model.id, {"seed": 3})
        services.writing.keep(stream, GeneratedText("", "quack!!" + COPIED, ()))
    page = open_page(f"{serve(home).url}/?tab=write&model={trained.model.id}")
    expect(page.get_by_text(re.compile("9[0-9] % copied in stretches of ≥ [0-9]+ characters; "))).to_be_visible()
    written, popup = page.get_by_role("textbox", name="Generated text", exact=True), page.locator(".popup")
    expect(written.locator(".copied")).to_have_count(len(COPIED))

    written.locator(".copied").nth(4).click()
    expect(popup).to_contain_text("130 characters copied from line 2 of your text")
    expect(popup.locator("mark")).to_have_text(COPIED)
    page.keyboard.press("Escape")
    expect(popup).to_be_hidden()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    expect(popup).to_be_hidden()
    page.keyboard.press("ArrowRight")  # the eighth character is the first copied one
    expect(popup).to_contain_text("copied from line 2")
