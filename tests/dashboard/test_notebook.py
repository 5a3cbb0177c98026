"""The dashboard and its parts as the values of notebook cells."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pyviz_comms
from playwright.sync_api import Browser, Error

from charrnn.core.errors import NotFound
from charrnn.services import open_services
from dashboard import Dashboard
from dashboard.components.notebook_polling import Poller
from dashboard.live.session import Session
from dashboard.notebook import Frame, InlinePage
from tests.support.waiting import TIMEOUT

SHOWN = {
    "library": "Compare",
    "text": "Choose or drop a file",
    "training": "Train longer",
    "loss": "lowest",
    "log": "unique characters of this corpus",
    "sampler": "Write with ducks",
    "write": "Write with ducks",
}
"""A text that each part contains."""
OF_A_MODEL = ("training", "loss", "log", "sampler")


@pytest.fixture
def studio(home: Path) -> Iterator[Dashboard]:
    """The dashboard of a data folder with `ducks`, a trained model."""
    with open_services(home, environ={}) as services:
        studio = Dashboard(services=services)
        yield studio
        studio.close()


def part(studio: Dashboard, name: str) -> Frame | InlinePage:
    shown = getattr(studio, name)
    return shown("ducks") if name in OF_A_MODEL else shown


def test_a_cell_shows_a_frame_that_is_served_on_this_machine_only(studio: Dashboard) -> None:
    bundle = studio._repr_mimebundle_()
    assert list(bundle) == ["text/html"]
    assert f'src="{studio.url}/"' in bundle["text/html"]
    assert studio.url.startswith("http://127.0.0.1:")


def test_all_parts_come_from_one_server(studio: Dashboard) -> None:
    frames = [part(studio, name) for name in SHOWN]
    assert {frame.url.split("/?")[0] for frame in frames} == {studio.url}
    assert part(studio, "loss").height < part(studio, "training").height


def test_a_missing_model_is_reported_at_once(studio: Dashboard) -> None:
    with pytest.raises(NotFound, match="geese"):
        studio.loss("geese")


def test_each_part_can_be_shown_alone_and_twice(studio: Dashboard, chromium: Browser) -> None:
    page = chromium.new_page()
    complaints: list[Error] = []
    page.on("pageerror", lambda error: complaints.append(error))
    # `sampler` and `write` are two sessions of a completed model, which gets no later updates.
    for name, words in SHOWN.items():
        page.goto(part(studio, name).url)
        page.get_by_text(words).first.wait_for(timeout=1000 * TIMEOUT)
        assert page.get_by_role("tab").count() == 0
    page.close()
    assert not complaints


def test_defect_output_of_a_cell_is_not_lost_while_a_page_is_updated(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class OneWay(pyviz_comms.Comm):  # type: ignore[misc]  # Panel's connection to a notebook has no types
        def send(self, data: Any = None, metadata: Any = None, buffers: Any = ()) -> None:
            pass

    with open_services(home, environ={}) as services:
        studio = Dashboard(services=services, inline=True)
        OneWay(on_msg=lambda message: print("a goose"))._handle_msg({"beat": 1})
        studio.close()
    assert capsys.readouterr().out.endswith("a goose\n")


def test_a_page_without_a_server_polls_for_updates(session: Session) -> None:
    poller, delivered = Poller.for_session(session), []
    session.post(lambda: delivered.append("update"))
    assert delivered == []
    poller.count += 1
    assert delivered == ["update"]
