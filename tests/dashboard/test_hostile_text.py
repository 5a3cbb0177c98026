"""Names, log lines and samples that contain HTML, scripts and control characters."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from charrnn.core.records import Model
from charrnn.core.training_events import LogMessage, SampleGenerated
from charrnn.services import open_services
from tests.support.dashboard_server import Server
from tests.support.navigation import open_tab
from tests.support.small_training import OPTIONS
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT

expect.set_options(timeout=1000 * TIMEOUT)
BAD = "<img src=x onerror=\"document.title='broken'\"></script><script>document.title='broken'</script>\u202e مرحبا 🦆"


@pytest.fixture
def hostile(home: Path, trained: TrainedHome) -> Model:
    """A model whose name, note, text and log are hostile."""
    with open_services(home, environ={}) as services:
        text = (BAD + "\n") * 40
        corpus, _ = services.corpora.add(text, name=BAD.replace("\u202e", ""))
        model = services.models.create("<b onclick=x>" + BAD[:60], corpus=corpus, options={**OPTIONS, "seed": 3})
        services.models.note(model.id, BAD)

        def add_hostile_events(log: object) -> None:
            services.training.launcher.thread(model.id)._recorder.record(LogMessage(BAD + "\x1b[2J"))
            services.training.launcher.thread(model.id)._recorder.record(SampleGenerated(1, BAD))

        services.training.begin(model.id, listeners=[once(add_hostile_events)])
        return services.training.wait(model.id)


def once(handle: Callable[[object], None]) -> Callable[[object], None]:
    """Return a listener that handles the first event only."""
    heard: list[object] = []

    def listen(event: object) -> None:
        if not heard:
            heard.append(event)
            handle(event)

    return listen


def test_hostile_text_is_shown_as_text(
    home: Path, hostile: Model, serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{serve(home).url}/?tab=training&model={hostile.id}&text={hostile.corpus_id}")
    shown = page.get_by_role("log")
    for words in ("<img src=x onerror=", "</script>", "␛[2J", "[Right-To-Left Override]", "مرحبا", "🦆"):
        expect(shown).to_contain_text(words)
    expect(page.get_by_role("heading", name="<b onclick=x>")).to_be_visible()
    for name in ("Write", "Details", "Models", "Settings", "Text"):
        open_tab(page, name)
        expect(page.get_by_text(re.compile("onerror")).first).to_be_visible()
        expect(page.locator("img[src=x], b[onclick]")).to_have_count(0)

    open_tab(page, "Write", model="<b onclick=x>")
    page.get_by_label("Prompt").fill(BAD)
    page.get_by_role("button", name="Write", exact=True).click()
    expect(page.get_by_role("textbox", name="Generated text")).to_contain_text("<img src=x onerror=")
    open_tab(page, "Text")
    page.locator("input[type=file]").set_input_files(
        {"name": "<img src=x onerror=alert(1)>.txt", "mimeType": "text/plain", "buffer": b"one duck, two ducks\n" * 9}
    )
    expect(page.get_by_role("heading", name="<img src=x onerror=alert(1)>")).to_be_visible()
    expect(page.locator("img[src=x]")).to_have_count(0)
    assert page.title().startswith("completed · <b onclick=x>")
