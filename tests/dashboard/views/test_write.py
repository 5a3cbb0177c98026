"""The Write view without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.services import open_services
from dashboard.live.background_generation import BackgroundGeneration
from dashboard.live.hub import Hub
from dashboard.live.session import Session
from dashboard.views.write import WriteView
from tests.support.controls import choose, control, fill, labels, press, update_until
from tests.support.trained_home import TrainedHome
from tests.support.waiting import wait_until


@pytest.fixture
def view(home: Path, trained: TrainedHome) -> Iterator[WriteView]:
    """The view of a trained model."""
    with open_services(home, environ={}) as services:
        hub = Hub(services)
        session = Session(services, hub, lambda: None)
        session.model_id = trained.model.id
        view = WriteView(session)
        session.on_update(view.update)
        update_until(session, lambda: "Write" in labels(view))
        view.form.fill({"max_length": 40, "seed": 11})
        yield view
        session.close()
        hub.close()


def generate(view: WriteView, prompt: str, button: str = "Write") -> list[BackgroundGeneration]:
    """Type a prompt, press Write, and wait for both texts; return them."""
    if button == "Write":
        fill(view, "Prompt", prompt)
    press(view, button)
    texts = view.text, view.other_text
    update_until(view.session, lambda: "Write" in labels(view) and not any(t.generation.is_running for t in texts))
    return [text.generation for text in texts]


def test_two_checkpoints_continue_the_same_prompt_with_the_same_seed(view: WriteView) -> None:
    choose(view, "Checkpoint", "Step 5 (last)")
    choose(view, "Compare with", "Step 8 (last)")
    found = generate(view, "little ")
    assert [text.error for text in found] == ["", ""]
    assert [(text.prompt, text.count) for text in found] == [("little ", 40), ("little ", 40)]
    assert [text.description for text in found] == [f"checkpoint of step {step}, seed 11" for step in (5, 8)]
    assert len(view.texts) == 2


def test_a_checkpoint_compared_with_itself_generates_the_same(view: WriteView) -> None:
    for label in ("Checkpoint", "Compare with"):
        choose(view, label, "Step 8 (last)")
    one, other = generate(view, "ducks")
    assert one.text == other.text


def test_generation_stops_when_no_browser_is_connected_any_more(view: WriteView) -> None:
    view.form.options.max_length = 1_000_000
    fill(view, "Prompt", "little ")
    press(view, "Write")
    text = view.text.generation
    wait_until(lambda: text.count)
    view.session.disconnect()
    wait_until(lambda: not text.is_running)
    assert text.count < 1_000_000
    assert text.total_nats == pytest.approx(sum(text.nats))


def test_stop_ends_the_text_and_continue_continues_it(view: WriteView) -> None:
    view.form.options.max_length = 1_000_000
    fill(view, "Prompt", "little ")
    press(view, "Write")
    assert "Continue" not in labels(view)
    wait_until(lambda: view.text.generation.count)
    press(view, "Stop")
    update_until(view.session, lambda: "Write" in labels(view))
    view.form.options.max_length = 40
    before = view.text.generation.text
    text = generate(view, "", "Continue")[0]
    assert (text.prompt, text.count) == (before, 40)


def test_a_text_is_continued_from_a_chosen_alternative(view: WriteView) -> None:
    before = generate(view, "little ")[0]
    other = max(n for n, choice in enumerate(before.alternatives[3]) if choice.character != before.characters[3])
    view.text.pane._handle_msg({"type": "branch", "index": 3, "choice": other})
    update_until(view.session, lambda: not view.text.generation.is_running)
    after = view.text.generation
    assert after is not before
    assert after.prompt == "little " + "".join(before.characters[:3]) + before.alternatives[3][other].character


def test_another_model_continues_the_same_prompt_with_the_same_seed(view: WriteView) -> None:
    services = view.session.services
    model = services.models.resolve("ducks")
    corpus = services.corpora.get(model.corpus_id)
    services.training.start(corpus, name="geese", options={**model.train_params, "max_steps": 3})
    services.training.wait(services.models.resolve("geese").id)
    update_until(view.session, lambda: "Model geese" in control(view, "Compare with").options)
    choose(view, "Compare with", "Model geese")
    found = generate(view, "over ")
    assert [(text.error, text.prompt, text.count) for text in found] == [("", "over ", 40)] * 2
    assert "seed 11" in found[0].description
    assert found[1].description == "checkpoint of step 3, seed 11"


def test_a_text_of_the_history_can_be_shown_and_downloaded(view: WriteView) -> None:
    texts = [generate(view, prompt)[0].text for prompt in ("little ", "over ")]
    history = control(view, "History")
    update_until(view.session, lambda: len(history.options) == 3)
    choose(view, "History", list(history.options)[2])
    assert view.text.generation.text == texts[0]
    assert control(view, "Download").callback().read().decode() == texts[0]


def test_without_a_comparison_there_is_one_text(view: WriteView) -> None:
    generate(view, "over ")
    assert len(view.texts) == 1


def test_unknown_characters_of_a_prompt_can_be_removed(view: WriteView) -> None:
    generate(view, "little Ω")
    assert {"Remove Ω", "Replace Ω"} <= labels(view)
    text = generate(view, "", "Remove Ω")[0]
    assert (text.prompt, text.count) == ("little ", 40)
    assert not {"Remove Ω", "Replace Ω"} & labels(view)


def test_copies_are_searched_once_the_text_is_complete(view: WriteView) -> None:
    generate(view, "little ")
    update_until(view.session, lambda: "copied in stretches of ≥" in view.text.copies.object)
    expected = view.session.services.copies.find(view.session.model_id, "".join(view.text.generation.characters))
    assert f"≥ {expected.min_length} characters; " in view.text.copies.object
    assert "for your own unseen text" in view.text.copies.object


def test_a_new_text_replaces_the_line_about_copies(view: WriteView) -> None:
    generate(view, "little ")
    update_until(view.session, lambda: "copied in" in view.text.copies.object)
    view.form.options.max_length = 1_000_000
    fill(view, "Prompt", "ducks ")
    press(view, "Write")
    assert view.text.copies.object == ""
    view.session.disconnect()


def test_an_imported_model_has_no_text_to_search(view: WriteView, tmp_path: Path) -> None:
    services = view.session.services
    bundle = services.models.export(view.session.model_id, tmp_path / "ducks.zip")
    view.session.model_id = services.models.import_bundle(bundle).id
    update_until(view.session, lambda: "ducks-2" in view._head.object)
    generate(view, "little ")
    update_until(view.session, lambda: "an imported model comes without it" in view.text.copies.object)
