"""Names, log lines and samples that would be obeyed if anything obeyed them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from charrnn.core.events import Said, Wrote
from charrnn.core.records import Model
from charrnn.services import open_services
from tests.dashboard.conftest import PATIENCE, Server, Trained, barriers
from tests.services.conftest import OPTIONS

expect.set_options(timeout=1000 * PATIENCE)
BAD = "<img src=x onerror=\"document.title='broken'\"></script><script>document.title='broken'</script>\u202e مرحبا 🦆"


@pytest.fixture
def hostile(home: Path, trained: Trained) -> Model:
    """A model whose name, note, text and log are hostile."""
    with open_services(home, environ={}) as services:
        text = (BAD + "\n") * 40
        corpus, _ = services.corpora.add(text, name=BAD.replace("\u202e", ""))
        model = services.models.create("<b onclick=x>" + BAD[:60], corpus=corpus, options={**OPTIONS, "seed": 3})
        services.models.note(model.id, BAD)

        def tell(log: object) -> None:
            services.training._workers[model.id]._recorder.note(Said(BAD + "\x1b[2J"))
            services.training._workers[model.id]._recorder.note(Wrote(1, BAD))

        services.training.begin(model.id, listeners=[once(tell)])
        return services.training.wait(model.id)


def once(tell: Callable[[object], None]) -> Callable[[object], None]:
    """Hear the first event only."""
    heard: list[object] = []

    def listen(event: object) -> None:
        if not heard:
            heard.append(event)
            tell(event)

    return listen


def test_hostile_text_is_shown_as_text(
    home: Path, hostile: Model, serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{serve(home).url}/?tab=training&model={hostile.id}&text={hostile.corpus_id}")
    expect(page.get_by_role("log")).to_contain_text("<img src=x onerror=")
    expect(page.get_by_role("log")).to_contain_text("␛[2J")
    expect(page.get_by_role("heading", name="<b onclick=x>")).to_be_visible()
    for name in ("Library", "Options", "Text", "Write"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_text(re.compile("onerror")).first).to_be_visible()
    assert page.title() == "Char-RNN Studio"
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.parametrize("name", ["library", "text", "options", "training", "write"])
def test_a_page_has_no_serious_barrier(
    server: Server, trained: Trained, open_page: Callable[..., Page], name: str
) -> None:
    page = open_page(f"{server.url}/?tab={name}&model={trained.model.id}")
    expect(page.get_by_text("ducks").first).to_be_visible() if name != "text" else None
    assert not barriers(page)
