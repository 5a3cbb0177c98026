"""Test that stored text cannot control a terminal, and that pipes receive everything."""

import json
from datetime import datetime

import pytest

from charrnn.cli import terminal_output
from charrnn.core.records import LogLine
from tests.support.command_line import Terminal


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain ñ 日本 👩‍👩‍👧", "plain ñ 日本 👩‍👩‍👧"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb\x07\x9b31m", "a\\x0db\\x07\\x9b31m"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_control_characters_are_escaped(text, escaped):
    assert terminal_output.visible(text) == escaped


def test_newlines_and_tabs_are_kept_in_multiline_text():
    assert terminal_output.visible("a\tb\nc\x1b", lines=True) == "a\tb\nc\\x1b"


def test_control_characters_are_escaped_on_terminals_and_kept_in_pipes(monkeypatch, capsys):
    terminal_output.echo("\x1b[2J")
    assert capsys.readouterr().out == "\x1b[2J\n"
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    terminal_output.echo("\x1b[2J")
    assert terminal.getvalue() == "\\x1b[2J\n"


def test_tables_in_pipes_have_complete_cells_without_trailing_spaces(capsys):
    terminal_output.print_table(["name", "number"], [["x" * 300, "1"], ["[bold]y\x1b", "22"]], right=("number",))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name" + " " * 296 + "  number"
    assert lines[1] == "x" * 300 + "       1"
    assert lines[2].startswith("[bold]y\\x1b ") and lines[2].endswith(" 22")


def test_empty_facts_are_omitted(capsys):
    terminal_output.print_facts({"name": "fox", "notes": ""})
    assert capsys.readouterr().out == "name  fox\n"


def test_hints_are_printed_on_terminals_only(monkeypatch, capsys):
    terminal_output.hint("loading")
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    terminal_output.hint("loading")
    assert "loading" in terminal.getvalue()


def test_json_contains_records_and_times_without_control_characters(capsys):
    terminal_output.print_json([LogLine(3, "\x1b\x9b\u202e日本\n", time=datetime(2026, 3, 4, 5, 6, 7))])
    out = capsys.readouterr().out
    assert json.loads(out) == [
        {"position": 3, "text": "\x1b\x9b\u202e日本\n", "level": "info", "time": "2026-03-04T05:06:07Z"}
    ]
    assert "日本" in out
    assert not {"\x1b", "\x9b", "\u202e"} & set(out)
