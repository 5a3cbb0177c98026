"""Writing with a trained model, without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.services import open_services
from dashboard.live.hub import Hub
from dashboard.live.session import Session
from dashboard.views.write import WriteView
from tests.support.trained_home import TrainedHome
from tests.support.waiting import wait_until


@pytest.fixture
def view(home: Path, trained: TrainedHome) -> Iterator[WriteView]:
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


def test_a_text_is_not_written_on_when_nobody_is_connected_any_more(view: WriteView) -> None:
    view._form.options.max_length = 1_000_000
    view._begin("little ")
    wait_until(lambda: view._sheet.pen.count)
    view._session.leave()
    wait_until(lambda: not view._sheet.pen.writing)
    assert view._sheet.pen.count < 1_000_000
    assert view._sheet.pen.total_nats == pytest.approx(sum(view._sheet.pen.nats))


def test_a_text_goes_on_from_a_chosen_alternative(view: WriteView) -> None:
    write(view, "little ")
    before = view._sheet.pen
    other = max(n for n, choice in enumerate(before.alternatives[3]) if choice.character != before.characters[3])
    view._sheet.pane._handle_msg({"type": "branch", "index": 3, "choice": other})
    wait_until(lambda: view._session.drain() or not view._sheet.pen.writing)
    chosen = before.alternatives[3][other].character
    assert view._sheet.pen is not before
    assert view._sheet.pen.prompt == "little " + "".join(before.characters[:3]) + chosen


def test_another_model_writes_beside_it_from_the_same_prompt_and_seed(view: WriteView) -> None:
    session = view._session
    model = session.services.models.resolve("ducks")
    corpus = session.services.corpora.get(model.corpus_id)
    session.services.training.start(corpus, name="geese", options={**model.train_params, "max_steps": 3})
    session.services.training.wait(session.services.models.resolve("geese").id)
    wait_until(lambda: session.drain() or "Model geese" in view._beside.options)
    view._beside.value = view._beside.options["Model geese"]
    write(view, "over ")
    pens = [view._sheet.pen, view._other.pen]
    assert [(pen.error, pen.prompt, pen.count) for pen in pens] == [("", "over ", 40)] * 2
    assert all("seed 11" in pen.about for pen in pens)
    assert [pen.about.partition(",")[0] for pen in pens][1] == "checkpoint of step 3"


def test_a_text_from_before_can_be_shown_and_taken_along_again(view: WriteView) -> None:
    texts = []
    for prompt in ("little ", "over "):
        write(view, prompt)
        texts.append(view._sheet.pen.text)
    wait_until(lambda: view._session.drain() or len(view._history.options) == 3)
    view._history.value = list(view._history.options.values())[2]
    assert view._sheet.pen.text == texts[0]
    assert view._sheet._download.callback().read().decode() == texts[0]


def test_without_another_one_there_is_one_sheet(view: WriteView) -> None:
    write(view, "over ")
    assert len(view._pair) == 1


def test_a_prompt_with_unknown_characters_offers_to_leave_them_out(view: WriteView) -> None:
    write(view, "little Ω")
    assert (view._drop.visible, view._swap.visible) == (True, True)
    assert (view._drop.label, view._swap.label) == ("Leave Ω out", "Replace Ω")
    view._again("drop")
    wait_until(lambda: view._session.drain() or not view._sheet.pen.writing)
    assert (view._sheet.pen.prompt, view._sheet.pen.count) == ("little ", 40)
