"""Trainings from the command line: what is refused before they begin, and how they go on."""

import io
import json
import shutil
from types import SimpleNamespace

import pytest

from charrnn.services import open_services
from tests.support.command_line import SMALL, TEXT


def test_a_training_s_log_and_end_are_told(charrnn, text_file):
    result = charrnn("train", "--input_file", str(text_file), *SMALL, "--max_steps", "3", "--name", "my fox")
    assert result.code == 0
    assert "step: 2/3...  loss: " in result.out
    assert "utf-8" in result.err
    assert "Completed at step 3." in result.err
    assert "sample 'my fox'" in result.err


def test_the_name_is_made_from_the_text_s(charrnn_with_fox, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(TEXT.upper().encode("utf-16"))))
    result = charrnn_with_fox("train", "--input_file", "-", *SMALL, "--max_steps", "1")
    assert result.code == 0, result.err
    assert "utf-16" in result.err
    assert charrnn_with_fox("show", "stdin").code == 0


def test_a_name_that_exists_is_refused_with_three_ways_out(charrnn_with_fox, text_file):
    result = charrnn_with_fox("train", "--input_file", str(text_file), "--name", "fox")
    assert (result.code, result.out) == (1, "")
    for way in ("resume fox", "another --name", "--replace"):
        assert way in result.err


def test_an_empty_name_is_no_name(charrnn_with_fox, text_file):
    result = charrnn_with_fox("train", "--input_file", str(text_file), "--name", "", *SMALL)
    assert (result.code, result.out) == (2, "")
    assert "name" in result.err


def test_replace_sets_the_old_model_aside(charrnn_with_fox, text_file):
    words = ["train", "--input_file", str(text_file), "--name", "fox", "--replace", *SMALL, "--max_steps", "1"]
    assert charrnn_with_fox(*words).code == 0
    [model] = json.loads(charrnn_with_fox("models", "--json").out)
    assert model["step"] == 1
    [replaced] = json.loads(charrnn_with_fox("models", "--deleted", "--json").out)
    assert replaced["step"] == 6


def test_nothing_is_replaced_by_a_training_that_cannot_begin(charrnn_with_fox, text_file):
    words = ["train", "--input_file", str(text_file), "--name", "fox", "--replace", "--num_seqs", "4096"]
    assert charrnn_with_fox(*words).code == 1
    assert charrnn_with_fox("show", "fox").code == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--input_file", "{text}"], 1, "lower num_seqs to"),
        (["--input_file", "gone.txt"], 1, "There is no file gone.txt"),
        (["--input_file", "{text}", "--num_seqs", "0", "--cell", "lstn"], 2, "2 options are wrong"),
        (["--input_file", "{text}", "--preset", "quik"], 2, "did you mean 'quick'"),
        (["--input_file", "{text}", "--encoding", "klingon"], 1, "Unknown text encoding 'klingon'"),
        (["--input_file", "{text}", "--use_embedding", "perhaps"], 2, "true or false"),
        (["--corpus", "gone"], 1, "There is no text 'gone'"),
        (["--corpus", "fox", "--encoding", "utf-8"], 2, "--input_file"),
        (["--example", "gone"], 1, "gone"),
    ],
)
def test_what_cannot_be_trained_is_told_before_tensorflow_loads(charrnn, text_file, words, code, message):
    """Defect 4 of the article's system among them: a text too short was trained on for ever."""
    result = charrnn("train", *(word.format(text=text_file) for word in words))
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert json.loads(charrnn("models", "--json").out) == []


def test_a_text_that_is_stored_is_trained_on_again(charrnn_with_fox):
    result = charrnn_with_fox("train", "--corpus", "fox", "--name", "second", *SMALL, "--max_steps", "1")
    assert result.code == 0, result.err
    models = json.loads(charrnn_with_fox("models", "--json").out)
    assert len({model["corpus_id"] for model in models}) == 1


def test_a_complete_training_goes_on_when_it_may(charrnn_with_fox):
    refused = charrnn_with_fox("resume", "fox")
    assert refused.code == 1
    assert "has done all its steps: 6" in refused.err
    result = charrnn_with_fox("resume", "fox", "--max_steps", "8")
    assert result.code == 0, result.err
    assert "resumed at step 6" in result.out
    assert "step: 8/8..." in result.out


def test_the_network_s_shape_cannot_change(charrnn_with_fox):
    """Defect 7 of the article's system: other options after a training broke the model."""
    result = charrnn_with_fox("resume", "fox", "--max_steps", "9", "--lstm_size", "8")
    assert result.code == 2
    assert "--lstm_size: lstm_size cannot change from 7 to 8" in result.err
    assert json.loads(charrnn_with_fox("models", "--json").out)[0]["train_params"]["max_steps"] == 6


def test_a_model_that_was_never_trained_begins_at_the_first_step(charrnn, home):
    with open_services(home) as services:
        corpus, _ = services.corpora.add(TEXT, name="fox")
        options = {"num_seqs": 3, "num_steps": 5, "lstm_size": 7, "num_layers": 1, "sample_every_n": 0}
        services.models.create("new", corpus=corpus, options=options)
    result = charrnn("resume", "new", "--max_steps", "2")
    assert result.code == 0, result.err
    assert "begins at the first step" in result.err
    assert "Completed at step 2" in result.err


def test_a_training_that_fails_says_why(charrnn_with_fox, home):
    shutil.rmtree(home / "corpora")
    result = charrnn_with_fox("resume", "fox", "--max_steps", "8")
    assert result.code == 1
    assert result.err.startswith("charrnn: ")
    assert "Traceback" not in result.out + result.err
    [model] = json.loads(charrnn_with_fox("models", "--json").out)
    assert (model["state"], f"charrnn: {model['error']}\n") == ("failed", result.err)


def test_only_a_training_under_way_can_be_stopped(charrnn_with_fox):
    result = charrnn_with_fox("stop", "fox")
    assert result.code == 1
    assert "no training to stop" in result.err
