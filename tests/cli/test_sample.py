"""Test `charrnn sample`."""

import json

import pytest

from charrnn.cli import terminal_output
from charrnn.services import open_services
from tests.support.command_line import Terminal


def test_a_pipe_receives_exactly_the_requested_characters(charrnn_with_fox):
    result = charrnn_with_fox("sample", "--name", "fox", "--max_length", "41")
    assert (result.code, len(result.out), result.err) == (0, 41, "")


def test_the_prompt_comes_first(charrnn_with_fox):
    out = charrnn_with_fox("sample", "fox", "--start_string", "Line 1:", "--max_length", "5").out
    assert out.startswith("Line 1:")
    assert len(out) == len("Line 1:") + 5


def test_the_same_seed_gives_the_same_text(charrnn_with_fox):
    argv = ["sample", "fox", "--max_length", "30", "--temperature", "1", "--seed"]
    first = charrnn_with_fox(*argv, "7").out
    assert charrnn_with_fox(*argv, "7").out == first
    assert charrnn_with_fox(*argv, "8").out != first


def test_a_terminal_receives_a_newline_and_no_control_characters(charrnn_with_fox, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    charrnn_with_fox("sample", "fox", "--max_length", "9", "--seed", "3")
    assert len(terminal.getvalue()) == 10
    assert terminal.getvalue().endswith("\n")
    assert terminal_output.for_stream("\x1b", terminal) == "\\x1b"


def test_several_texts_have_headings(charrnn_with_fox):
    out = charrnn_with_fox("sample", "fox", "--max_length", "8", "--num_samples", "3").out
    parts = out.split("----- ")
    assert [part.partition(" -----\n")[0] for part in parts[1:]] == ["1 of 3", "2 of 3", "3 of 3"]
    assert [len(part.partition(" -----\n")[2].removesuffix("\n")) in (7, 8) for part in parts[1:]] == [True] * 3


def test_json_contains_probabilities_and_alternatives(charrnn_with_fox):
    printed = json.loads(
        charrnn_with_fox("sample", "fox", "--max_length", "6", "--num_samples", "2", "--seed", "5", "--json").out
    )
    assert printed["options"]["seed"] == 5
    assert len(printed["samples"]) == 2
    for sample in printed["samples"]:
        assert len(sample["text"]) == len(sample["logprobs"]) == len(sample["alternatives"]) == 6
        assert all(value <= 0 for value in sample["logprobs"])
        assert set(sample["alternatives"][0][0]) == {"character", "logprob"}


def test_a_text_is_written_to_a_file(charrnn_with_fox, tmp_path):
    target = tmp_path / "out.txt"
    result = charrnn_with_fox("sample", "fox", "--max_length", "12", "--output", str(target))
    assert result.out == ""
    assert len(target.read_bytes().decode("utf-8")) == 12
    rejected = charrnn_with_fox("sample", "fox", "--output", str(tmp_path / "no" / "x"))
    assert rejected.code == 2
    assert "folder" in rejected.err


def test_json_is_written_to_a_file(charrnn_with_fox, tmp_path):
    target = tmp_path / "out.json"
    result = charrnn_with_fox("sample", "fox", "--max_length", "3", "--json", "--output", str(target))
    assert (result.code, result.out) == (0, "")
    assert len(json.loads(target.read_text("utf-8"))["samples"][0]["text"]) == 3


def test_the_checkpoint_can_be_selected(charrnn_with_fox):
    checkpoints = json.loads(charrnn_with_fox("show", "fox", "--json").out)["checkpoints"]
    [oldest] = [c for c in checkpoints if c["step"] == min(c["step"] for c in checkpoints)][:1]
    argv = ["sample", "fox", "--json", "--max_length", "2", "--checkpoint"]
    assert json.loads(charrnn_with_fox(*argv, oldest["id"]).out)["checkpoint"]["id"] == oldest["id"]
    assert json.loads(charrnn_with_fox(*argv, "last").out)["checkpoint"]["kind"] == "last"
    wrong = charrnn_with_fox(*argv, "bset")
    assert wrong.code == 2
    assert "Choose one of best, last" in wrong.err


def test_generated_text_is_stored_with_the_model(charrnn_with_fox):
    before = json.loads(charrnn_with_fox("show", "fox", "--json").out)["samples"]
    out = charrnn_with_fox("sample", "fox", "--max_length", "17").out
    after = json.loads(charrnn_with_fox("show", "fox", "--json").out)["samples"]
    assert len(after) == len(before) + 1
    assert after[-1]["text"] == out


def test_unknown_characters_of_a_prompt_are_rejected_or_dropped(charrnn_with_fox):
    rejected = charrnn_with_fox("sample", "fox", "--start_string", "Q日uick")
    assert (rejected.code, rejected.out) == (1, "")
    assert "'日'" in rejected.err
    dropped = charrnn_with_fox(
        "sample", "fox", "--start_string", "q日uick", "--unknown", "drop", "--max_length", "1"
    ).out
    assert dropped.startswith("quick")


def test_invalid_options_are_a_usage_error(charrnn_with_fox):
    result = charrnn_with_fox("sample", "fox", "--temperature", "hot", "--top_p", "0")
    assert result.code == 2
    assert "--temperature: " in result.err
    assert "--top_p: " in result.err


@pytest.mark.parametrize("argv", [[], ["fox", "--name", "cat"]])
def test_exactly_one_model_must_be_named(charrnn, argv):
    assert charrnn("sample", *argv).code == 2


def test_a_model_without_a_checkpoint_cannot_generate_text(charrnn, home):
    """Defect 5 of the article's system: the sample was empty, without an error."""
    with open_services(home) as services:
        services.models.create("new")
    result = charrnn("sample", "new")
    assert (result.code, result.out) == (1, "")
    assert "no checkpoint yet" in result.err
