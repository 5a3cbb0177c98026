"""Tabs of a page, over a real websocket."""

from collections.abc import Iterator

import pytest
from bokeh.document.events import DocumentChangedEvent, ModelChangedEvent
from panel.io.state import state

from charrnn.services import Services, open_services
from dashboard.live.session import TABS
from dashboard.server.login_providers import Logins
from tests.support.http_client import Door, opened
from tests.support.raw_browser import RawBrowser, change, with_component
from tests.support.small_training import Trained
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def services(trained: Trained) -> Iterator[Services]:
    with open_services(trained.home, environ={}) as services:
        yield services


@pytest.fixture(scope="module")
def door(services: Services) -> Iterator[Door]:
    yield from opened(services, Logins())
    RawBrowser.end_all()


@pytest.mark.parametrize("tab", TABS)
def test_a_browser_hears_of_no_part_that_is_gone_before_it_was_sent(door: Door, trained: Trained, tab: str) -> None:
    """What is new is written at the end of a callback, as it is then; a busy server does all in one callback."""
    other = "training" if tab != "training" else "library"
    browser = RawBrowser(door, f"?tab={other}&model={trained.model.id}&text={trained.model.corpus_id}")
    document = browser.document
    wait_until(lambda: state._connected.get(document))
    known = {model.id for model in document.models}
    heard: list[DocumentChangedEvent] = []
    document.on_change(heard.append)
    browser.patch(change(with_component(document, "Tabs").id, "active", TABS.index(tab)))
    wait_until(lambda: any(isinstance(event, ModelChangedEvent) and event.attr == "search" for event in heard))
    changed = {(event.model.id, event.attr) for event in heard if isinstance(event, ModelChangedEvent)}
    assert {name for name in changed if name[0] not in known and document.models.get_by_id(name[0]) is None} == set()
    browser.close()
