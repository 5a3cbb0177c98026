"""Test `charrnn copies`."""

import io
import json

from charrnn.cli import slow_progress
from tests.support.command_line import TEXT, Terminal


def test_copied_stretches_are_printed_with_their_line(charrnn_with_fox, tmp_path):
    path = tmp_path / "mixed.txt"
    path.write_text("zzzz" + TEXT[60:110] + "zzzz")
    argv = ["copies", "fox", str(path), "--min-length", "40"]
    printed = json.loads(charrnn_with_fox(*argv, "--json").out)
    [stretch] = printed["stretches"]
    assert (stretch["start"], stretch["text"]) == (4, TEXT[60:110])
    assert stretch["line"] == TEXT[: stretch["source"]].count("\n") + 1
    assert printed["share"] == 50 / 58
    assert printed["longest"] == [0] * 4 + [50] * 50 + [0] * 4
    out = charrnn_with_fox(*argv).out
    assert out.startswith("86 % copied in stretches of ≥ 40 characters; ")
    assert "for your own unseen text" in out


def test_the_text_can_come_from_standard_input(charrnn_with_fox, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT[:90].encode())))
    printed = json.loads(charrnn_with_fox("copies", "fox", "-", "--json").out)
    assert (printed["num_characters"], printed["curve"]["16"]) == (90, 1)


def test_the_extraction_test_is_optional(charrnn_with_fox, text_file):
    printed = json.loads(charrnn_with_fox("copies", "fox", str(text_file), "--extraction", "--json").out)
    assert printed["extraction"]["exact"] <= printed["extraction"]["num_prompts"]
    assert json.loads(charrnn_with_fox("copies", "fox", str(text_file), "--json").out)["extraction"] is None
    assert "Greedy continuations" in charrnn_with_fox("copies", "fox", str(text_file), "--extraction").out


def test_short_stretches_are_a_usage_error(charrnn_with_fox, text_file):
    result = charrnn_with_fox("copies", "fox", str(text_file), "--min_length", "15")
    assert result.code == 2
    assert "16" in result.err


def test_progress_appears_on_a_terminal_after_a_second(monkeypatch):
    terminal, seconds = Terminal(), iter([0.0, 0.5, 1.1, 1.1, 1.2, 2.0, 2.0])
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    with slow_progress.slow_progress("searching") as show:
        for fraction in (0.1, 0.25, 0.3, 0.5):
            show(fraction)
        assert terminal.getvalue() == "\rsearching: 25%\rsearching: 50%"
    assert terminal.getvalue().endswith("\r\x1b[K")
