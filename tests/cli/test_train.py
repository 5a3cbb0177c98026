"""Test `charrnn train`, `resume` and `stop`."""

import io
import json
import re
import shutil
from types import SimpleNamespace

import pytest

from charrnn.core.options import checked
from charrnn.services import open_services
from tests.support.command_line import SMALL, TEXT


def test_train_prints_the_log_and_the_end(charrnn, text_file):
    result = charrnn("train", "--input_file", str(text_file), *SMALL, "--max_steps", "3", "--name", "my fox")
    assert result.code == 0
    assert "step: 2/3...  loss: " in result.out
    assert "utf-8" in result.err
    assert "Completed at step 3." in result.err
    assert "sample 'my fox'" in result.err


def test_the_name_is_derived_from_the_text(charrnn_with_fox, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(TEXT.upper().encode("utf-16"))))
    result = charrnn_with_fox("train", "--input_file", "-", *SMALL, "--max_steps", "1")
    assert result.code == 0, result.err
    assert "utf-16" in result.err
    assert charrnn_with_fox("show", "stdin").code == 0


def test_an_existing_name_is_rejected_with_three_alternatives(charrnn_with_fox, text_file):
    result = charrnn_with_fox("train", "--input_file", str(text_file), "--name", "fox")
    assert (result.code, result.out) == (1, "")
    for alternative in ("resume fox", "another --name", "--replace"):
        assert alternative in result.err


def test_an_empty_name_is_a_usage_error(charrnn_with_fox, text_file):
    result = charrnn_with_fox("train", "--input_file", str(text_file), "--name", "", *SMALL)
    assert (result.code, result.out) == (2, "")
    assert "name" in result.err


def test_replace_deletes_the_old_model(charrnn_with_fox, text_file):
    argv = ["train", "--input_file", str(text_file), "--name", "fox", "--replace", *SMALL, "--max_steps", "1"]
    assert charrnn_with_fox(*argv).code == 0
    [model] = json.loads(charrnn_with_fox("models", "--json").out)
    assert model["step"] == 1
    [replaced] = json.loads(charrnn_with_fox("models", "--deleted", "--json").out)
    assert replaced["step"] == 6


def test_nothing_is_replaced_when_the_training_cannot_start(charrnn_with_fox, text_file):
    argv = ["train", "--input_file", str(text_file), "--name", "fox", "--replace", "--num_seqs", "4096"]
    assert charrnn_with_fox(*argv).code == 1
    assert charrnn_with_fox("show", "fox").code == 0


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["--input_file", "{text}"], 1, "lower num_seqs to"),
        (["--input_file", "gone.txt"], 1, "There is no file gone.txt"),
        (["--input_file", "{text}", "--num_seqs", "0", "--cell", "lstn"], 2, "2 options are invalid"),
        (["--input_file", "{text}", "--preset", "quik"], 2, "did you mean 'quick'"),
        (
            ["--input_file", "{text}", "--minutes", "soon"],
            2,
            "--minutes: minutes is 'soon'; it must be a number above 0",
        ),
        (["--input_file", "gone.txt", "--minutes", "0"], 2, "--minutes"),
        (
            ["--input_file", "{text}", "--minutes", "5", "--preset", "karpathy"],
            2,
            "same options for every time",
        ),
        (["--input_file", "{text}", "--encoding", "klingon"], 1, "Unknown text encoding 'klingon'"),
        (["--input_file", "{text}", "--use_embedding", "perhaps"], 2, "true or false"),
        (["--corpus", "gone"], 1, "There is no text 'gone'"),
        (["--corpus", "fox", "--encoding", "utf-8"], 2, "--input_file"),
        (["--example", "gone"], 1, "gone"),
    ],
)
def test_invalid_trainings_are_rejected_before_tensorflow_is_loaded(charrnn, text_file, argv, code, message):
    """Includes defect 4 of the article's system: a training on a short text never ended."""
    result = charrnn("train", *(word.format(text=text_file) for word in argv))
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert json.loads(charrnn("models", "--json").out) == []


def test_minutes_print_the_options_chosen_by_auto_as_flags(charrnn, text_file):
    argv = ["train", "--input_file", str(text_file), "--minutes", "0.5", "--name", "fox", "--lstm_size", "7"]
    result = charrnn(*argv, "--max_steps", "3", "--cell", "rnn")
    assert result.code == 0, result.err
    chosen = result.err.partition("Auto chose these options for this text, this machine and 30 s")[2]
    flags = dict(re.findall(r"--(\w+) (\S+)", chosen.partition("Completed")[0]))
    assert {"num_seqs", "num_steps", "num_layers", "learning_rate", "eval_every_n", "cadence"} <= set(flags)
    assert not {"lstm_size", "max_steps", "cell"} & set(flags)  # these are on the command line
    stored = json.loads(charrnn("show", "fox", "--json").out)["model"]["train_params"]
    assert checked("training", flags | {"lstm_size": 7, "max_steps": 3, "cell": "rnn"}) == stored
    assert (stored["lstm_size"], stored["max_steps"], stored["cell"], stored["max_minutes"]) == (7, 3, "rnn", 0.5)


def test_a_stored_text_is_reused(charrnn_with_fox):
    result = charrnn_with_fox("train", "--corpus", "fox", "--name", "second", *SMALL, "--max_steps", "1")
    assert result.code == 0, result.err
    models = json.loads(charrnn_with_fox("models", "--json").out)
    assert len({model["corpus_id"] for model in models}) == 1


def test_a_completed_training_resumes_only_with_more_steps(charrnn_with_fox):
    rejected = charrnn_with_fox("resume", "fox")
    assert rejected.code == 1
    assert "has completed all 6 steps" in rejected.err
    result = charrnn_with_fox("resume", "fox", "--max_steps", "8")
    assert result.code == 0, result.err
    assert "resumed at step 6" in result.out
    assert "step: 8/8..." in result.out


def test_resume_rejects_a_changed_architecture(charrnn_with_fox):
    """Defect 7 of the article's system: other options after a training broke the model."""
    result = charrnn_with_fox("resume", "fox", "--max_steps", "9", "--lstm_size", "8")
    assert result.code == 2
    assert "--lstm_size: lstm_size cannot change from 7 to 8" in result.err
    assert json.loads(charrnn_with_fox("models", "--json").out)[0]["train_params"]["max_steps"] == 6


def test_resume_starts_at_the_first_step_without_a_checkpoint(charrnn, home):
    with open_services(home) as services:
        corpus, _ = services.corpora.add(TEXT, name="fox")
        options = {"num_seqs": 3, "num_steps": 5, "lstm_size": 7, "num_layers": 1, "sample_every_n": 0}
        services.models.create("new", corpus=corpus, options=options)
    result = charrnn("resume", "new", "--max_steps", "2")
    assert result.code == 0, result.err
    assert "starts at the first step" in result.err
    assert "Completed at step 2" in result.err


def test_a_failed_training_prints_the_reason(charrnn_with_fox, home):
    shutil.rmtree(home / "corpora")
    result = charrnn_with_fox("resume", "fox", "--max_steps", "8")
    assert result.code == 1
    assert result.err.startswith("charrnn: ")
    assert "Traceback" not in result.out + result.err
    [model] = json.loads(charrnn_with_fox("models", "--json").out)
    assert (model["state"], f"charrnn: {model['error']}\n") == ("failed", result.err)


def test_only_a_running_training_can_be_stopped(charrnn_with_fox):
    result = charrnn_with_fox("stop", "fox")
    assert result.code == 1
    assert "no training to stop" in result.err
