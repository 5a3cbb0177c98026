"""Test generating and scoring text."""

import io
import math
import shutil
import threading
from pathlib import Path

import pytest

from charrnn.core.errors import CheckpointError, NotFound, OptionError, TextError, UnknownCharacters
from charrnn.core.training_events import CheckpointSaved, Event
from charrnn.services import open_services
from tests.support.small_training import OPTIONS, TEXT, Trained
from tests.support.waiting import wait_until


@pytest.mark.parametrize("length", [1, 15, 16, 17, 300])
def test_the_text_has_exactly_the_requested_length(trained: Trained, length: int) -> None:
    (written,) = trained.services.writing.write(trained.model.id, {"max_length": length}, keep=False)
    assert len(written.text) == len(written.logprobs) == length


def test_the_same_seed_gives_the_same_text(trained: Trained) -> None:
    def text(seed: int) -> str:
        options = {"start_string": "7 little", "seed": seed, "max_length": 40}
        return trained.services.writing.write(trained.model.id, options, keep=False)[0].text

    assert text(5) == text(5)
    assert text(5) != text(6)


def test_a_seed_of_zero_chooses_a_random_seed_and_returns_it(trained: Trained) -> None:
    stream = trained.services.writing.stream(trained.model.id, {"seed": 0, "max_length": 40})
    first = "".join(chunk.text for chunk in stream)
    again = trained.services.writing.stream(trained.model.id, {"seed": stream.options["seed"], "max_length": 40})
    assert "".join(chunk.text for chunk in again) == first


def test_a_stream_can_be_stopped_early(trained: Trained) -> None:
    stream = trained.services.writing.stream(trained.model.id, {"max_length": 10_000_000})
    first = next(stream.pieces)
    stream.pieces.close()
    assert 0 < len(first.text) < 1000


def test_unknown_characters_of_a_prompt_are_rejected_by_name(trained: Trained) -> None:
    with pytest.raises(UnknownCharacters, match="Ж") as caught:
        trained.services.writing.write(trained.model.id, {"start_string": "duckЖs"})
    assert "unknown" in str(caught.value)


@pytest.mark.parametrize(("unknown", "prompt"), [("drop", "ducks"), ("replace", "duck s")])
def test_unknown_characters_of_a_prompt_can_be_dropped_or_replaced(trained: Trained, unknown: str, prompt: str) -> None:
    options = {"start_string": "duckЖs", "unknown": unknown, "max_length": 9}
    (written,) = trained.services.writing.write(trained.model.id, options, keep=False)
    assert len(written.text) == 9
    if unknown == "drop":
        assert written.prompt == prompt
    else:
        assert len(written.prompt) == 6


def test_alternatives_are_returned_for_each_character(trained: Trained) -> None:
    options = {"max_length": 12, "seed": 3}
    (written,) = trained.services.writing.write(trained.model.id, options, alternatives=True, keep=False)
    assert len(written.alternatives) == 12
    for choices in written.alternatives:
        logprobs = [choice.logprob for choice in choices]
        assert logprobs == sorted(logprobs, reverse=True)
        assert sum(math.exp(logprob) for logprob in logprobs) <= 1 + 1e-5


def test_generated_text_is_stored_with_its_options(trained: Trained) -> None:
    before = len(trained.services.models.samples(trained.model.id))
    options = {"start_string": "9 ", "num_samples": 2, "seed": 11, "max_length": 10}
    written = trained.services.writing.write(trained.model.id, options)
    kept = trained.services.models.samples(trained.model.id)[before:]
    assert [sample.text for sample in kept] == ["9 " + each.text for each in written]
    assert all(sample.options["seed"] == 11 for sample in kept)


def test_all_invalid_options_are_reported_at_once(trained: Trained) -> None:
    with pytest.raises(OptionError) as caught:
        trained.services.writing.write(trained.model.id, {"temperature": -1, "top_p": 7, "tempratur": 1})
    assert set(caught.value.problems) == {"temperature", "top_p", "tempratur"}


def test_best_and_last_checkpoints_can_be_selected(trained: Trained) -> None:
    checkpoints = trained.services.training.launcher.checkpoints.of(trained.model.id)
    for kind in ("best", "last", checkpoints[-1].id):
        stream = trained.services.writing.stream(trained.model.id, {"max_length": 3}, checkpoint=kind)
        assert kind in (stream.checkpoint.kind, stream.checkpoint.id)
    with pytest.raises(NotFound):
        trained.services.writing.stream(trained.model.id, checkpoint="first")


def test_the_score_is_the_mean_over_all_characters_but_the_first(trained: Trained) -> None:
    text = "9 little ducks"
    score = trained.services.writing.score(trained.model.id, text)
    assert (score.num_characters, score.num_unknown) == (13, 0)
    # An untrained network has the loss ln(classes); eight steps hardly change that.
    assert 0 < score.nats < 2 * math.log(40)


def test_a_score_counts_unknown_characters(trained: Trained) -> None:
    score = trained.services.writing.score(trained.model.id, io.BytesIO("little Жucks".encode()))
    assert score.num_unknown == 1


@pytest.mark.parametrize("text", ["", "9"])
def test_scoring_a_text_of_fewer_than_two_characters_is_rejected(trained: Trained, text: str) -> None:
    with pytest.raises(TextError, match="at least 2 are needed"):
        trained.services.writing.score(trained.model.id, text)


def test_the_score_of_generated_text_matches_its_log_probabilities(trained: Trained) -> None:
    options = {"start_string": "9 ", "max_length": 30, "seed": 4}
    (written,) = trained.services.writing.write(trained.model.id, options, keep=False)
    score = trained.services.writing.score(trained.model.id, written.prompt + written.text)
    prompt_only = trained.services.writing.score(trained.model.id, "9 ")
    total = score.nats * score.num_characters - prompt_only.nats * prompt_only.num_characters
    assert total == pytest.approx(-sum(written.logprobs), rel=1e-3)


def test_a_damaged_checkpoint_is_replaced_by_an_older_one(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        model = services.training.start(TEXT, options=OPTIONS | {"max_steps": 6})
        services.training.wait(model.id)
        best = next(c for c in services.training.launcher.checkpoints.of(model.id) if c.kind == "best")
        weights = services.training.launcher.checkpoints.path(best) / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"!")
        stream = services.writing.stream(model.id, {"max_length": 5})
        assert stream.checkpoint.kind == "last"
        assert "weights.safetensors is damaged" in stream.problems[0]
        shutil.rmtree(services.settings.checkpoints / model.id)
        with open_services(tmp_path, environ={}) as others, pytest.raises(CheckpointError, match="No checkpoint"):
            others.writing.stream(model.id)


def test_defect_7_options_of_the_next_training_do_not_affect_generation(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        model = services.training.start(TEXT, options=OPTIONS)
        services.training.wait(model.id)
        services.models.set_options(model.id, {**services.models.get(model.id).train_params, "lstm_size": 17})
        assert len(services.writing.write(model.id, {"max_length": 21})[0].text) == 21


def test_defect_8_text_can_be_generated_while_the_model_is_trained(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        saved = threading.Event()
        options = OPTIONS | {"max_steps": 1_000_000, "eval_every_n": 1_000_000}
        model = services.training.start(TEXT, options=options, listeners=[lambda event: saved_last(event, saved)])
        assert saved.wait(120)
        wait_until(lambda: services.models.checkpoints(model.id))  # the folder is saved; its row follows
        for _ in range(3):  # also if the chosen checkpoint is being replaced by a newer one
            assert len(services.writing.write(model.id, {"max_length": 13})[0].text) == 13
        assert services.models.get(model.id).state == "training"


def saved_last(event: Event, flag: threading.Event) -> None:
    """Set a flag when the second checkpoint was saved."""
    if isinstance(event, CheckpointSaved) and event.step == 10:
        flag.set()
