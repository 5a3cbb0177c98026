"""Writing with a trained model, without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.services import open_services
from dashboard.hub import Hub
from dashboard.session import Session
from dashboard.views.write import WriteView
from tests.dashboard.conftest import Trained, wait_until


@pytest.fixture
def view(home: Path, trained: Trained) -> Iterator[WriteView]:
    """The page of a trained model."""
    with open_services(home, environ={}) as services:
        hub = Hub(services)
        session = Session(services, hub, lambda: None)
        session.model_id = trained.model.id
        view = WriteView(session)
        wait_until(lambda: session.drain() or view._body.visible)
        view._form.fill({"max_length": 40, "seed": 11})
        yield view
        session.close()
        hub.close()


def write(view: WriteView, prompt: str) -> None:
    """Press Write, and wait for both sheets."""
    view._begin(prompt)
    wait_until(lambda: view._session.drain() or not (view._sheet.pen.writing or view._other.pen.writing))


def test_two_checkpoints_write_beside_each_other_from_one_prompt_and_seed(view: WriteView) -> None:
    view._checkpoint.value, view._beside.value = (view._beside.options[f"Step {step} (last)"] for step in (5, 8))
    write(view, "little ")
    pens = [view._sheet.pen, view._other.pen]
    assert [pen.error for pen in pens] == ["", ""]
    assert [(pen.prompt, pen.count) for pen in pens] == [("little ", 40), ("little ", 40)]
    assert all("seed 11" in pen.about for pen in pens)
    assert [pen.about.partition(",")[0] for pen in pens] == ["checkpoint of step 5", "checkpoint of step 8"]
    assert len(view._pair) == 2


def test_the_same_checkpoint_beside_itself_writes_the_same(view: WriteView) -> None:
    view._checkpoint.value = view._beside.value = next(v for n, v in view._beside.options.items() if "Step" in n)
    write(view, "ducks")
    assert view._sheet.pen.text == view._other.pen.text


def test_without_another_one_there_is_one_sheet(view: WriteView) -> None:
    write(view, "over ")
    assert len(view._pair) == 1


def test_a_prompt_with_unknown_characters_offers_to_leave_them_out(view: WriteView) -> None:
    write(view, "little Ω")
    assert (view._drop.visible, view._swap.visible) == (True, True)
    view._again("drop")
    wait_until(lambda: view._session.drain() or not view._sheet.pen.writing)
    assert (view._sheet.pen.prompt, view._sheet.pen.count) == ("little ", 40)
