"""Test `charrnn inside`."""

import json

import pytest

from charrnn.services import open_services
from tests.support.command_line import TEXT, Terminal

SHOWN = TEXT[-2000:]


def test_findings_are_printed_as_sentences(charrnn_with_fox):
    result = charrnn_with_fox("inside", "fox")
    assert (result.code, result.err) == (0, "")
    assert "Too few quotes to tell: 0 and 0 in the halves of the text; 20 in each are needed." in result.out
    assert "best checkpoint, step 6" in result.out


def test_json_contains_each_finding_and_its_sentence(charrnn_with_fox):
    document = json.loads(charrnn_with_fox("inside", "fox", "--feature", "emoji", "--json").out)
    assert (document["model"], document["num_units"]) == ("fox", 7 * 2)
    (found,) = document["findings"]
    assert (found["feature"], found["verdict"], found["unit"]) == ("emoji", "too few", None)
    assert found["sentence"].startswith("Too few emoji sequences to tell")


def test_a_regular_expression_can_be_searched_in_a_given_text(charrnn_with_fox, tmp_path):
    (tmp_path / "other.txt").write_text(TEXT * 2)
    argv = ["inside", "fox", "--regex", "f[a-z]x", "--file", str(tmp_path / "other.txt")]
    result = charrnn_with_fox(*argv)
    assert result.code == 0
    assert "f[a-z]x" in result.out or "matches" in result.out
    assert "Given text" in result.out


def test_a_text_is_colored_by_a_unit_on_a_terminal(charrnn_with_fox, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    charrnn_with_fox("inside", "fox", "--unit", "1:3")
    assert "Layer 1, unit 3" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()


def test_a_pipe_receives_the_text_without_colors_and_json_the_numbers(charrnn_with_fox):
    plain = charrnn_with_fox("inside", "fox", "--unit", "1:3").out
    assert plain.partition("\n")[2].rstrip() == SHOWN.rstrip()
    document = json.loads(charrnn_with_fox("inside", "fox", "--unit", "1:c3", "--json").out)
    assert (document["unit"], document["text"], len(document["activations"])) == ("1:c3", SHOWN, len(SHOWN))


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["--feature", "qoutes"], 2, "did you mean quotes?"),
        (["--fature", "quotes"], 2, "did you mean --feature?"),
        (["--regex", "("], 2, "not valid"),
        (["--unit", "x"], 2, "expected LAYER:NUMBER"),
        (["--unit", "9:1"], 2, "The network has no unit 9:1"),
        (["--unit", "1:1", "--feature", "quotes"], 2, "--feature and --unit exclude each other"),
        (["--checkpoint", "bset"], 2, "no checkpoint 'bset'"),
        (["--file", "missing.txt"], 1, "missing.txt"),
    ],
)
def test_wrong_usage_is_explained(charrnn_with_fox, argv, code, message):
    result = charrnn_with_fox("inside", "fox", *argv)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_a_typo_in_the_command_suggests_it(charrnn):
    assert "did you mean inside?" in charrnn("insid", "fox").err


def test_the_result_is_stored_for_the_next_call(charrnn_with_fox, home):
    first = charrnn_with_fox("inside", "fox").out
    with open_services(home) as services:
        (model,) = services.models.all()
    assert list((home / "checkpoints" / model.id).glob("insight-*.json"))
    assert charrnn_with_fox("inside", "fox").out == first
