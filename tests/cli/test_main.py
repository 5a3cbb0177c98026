"""Test exit codes, error messages and lazy imports."""

import os
import subprocess
import sys

import pytest

import charrnn as package
from charrnn.cli import main as program
from charrnn.cli.command_base import Command
from charrnn.core.errors import OptionError, StoreError
from tests.support.command_line import command


def fail_with(monkeypatch, error):
    def fail(args):
        raise error

    monkeypatch.setitem(program.COMMANDS, "fail", Command("fail", "Test", "", "fails", lambda parser: None, fail))


def test_version_is_printed(charrnn):
    assert charrnn("--version").out == f"charrnn {package.__version__}\n"


@pytest.mark.parametrize(("argv", "code"), [([], 2), (["--help"], 0), (["-h"], 0), (["help"], 0)])
def test_help_is_printed_on_request_and_without_arguments(charrnn, argv, code):
    result = charrnn(*argv)
    assert result.code == code
    assert "train" in result.out


@pytest.mark.parametrize("argv", [["help", "train"], ["train", "--help"]])
def test_each_command_has_help(charrnn, argv):
    result = charrnn(*argv)
    assert (result.code, result.err) == (0, "")
    assert "--learning_rate" in result.out


def test_a_misspelled_command_is_a_usage_error(charrnn):
    result = charrnn("tran")
    assert (result.code, result.out) == (2, "")
    assert result.err == "charrnn: There is no command 'tran'; did you mean train? See: charrnn --help\n"


def test_an_error_is_one_line_without_traceback(charrnn, monkeypatch):
    fail_with(monkeypatch, StoreError("The database is down. Start it."))
    result = charrnn("fail")
    assert (result.code, result.err) == (1, "charrnn: The database is down. Start it.\n")


def test_all_invalid_options_are_reported_with_their_flags(charrnn, monkeypatch):
    fail_with(monkeypatch, OptionError({"num_seqs": "It is 0.", "temperature": "It is hot.", "tags": "Too many."}))
    result = charrnn("fail")
    assert result.code == 2
    assert result.err == (
        "charrnn: 3 options are invalid:\n  --num_seqs: It is 0.\n  --temperature: It is hot.\n  Too many.\n"
    )


def test_errors_of_the_operating_system_are_reported(charrnn, monkeypatch):
    fail_with(monkeypatch, PermissionError(13, "Permission denied", "/here"))
    result = charrnn("fail")
    assert (result.code, result.err) == (1, "charrnn: /here: Permission denied.\n")


def test_programming_errors_are_not_caught(charrnn, monkeypatch):
    fail_with(monkeypatch, ZeroDivisionError("oops"))
    with pytest.raises(ZeroDivisionError):
        charrnn("fail")


def test_ctrl_c_ends_a_command_without_a_traceback(charrnn, monkeypatch):
    fail_with(monkeypatch, KeyboardInterrupt())
    result = charrnn("fail")
    assert result.code == 130
    assert "Traceback" not in result.err


@pytest.mark.parametrize("argv", [["options"], ["presets", "--json"], ["--help"]])
def test_a_closed_pipe_prints_no_error(home, argv):
    read_end, write_end = os.pipe()
    os.close(read_end)
    result = subprocess.run(command(home, *argv), stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert (result.returncode, result.stderr) == (141, "")


def test_characters_outside_the_encoding_of_a_stream_are_escaped(home):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command(home, "presets"), capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert "\\xb1" in result.stdout


def test_a_data_folder_that_cannot_be_created_is_reported(charrnn, home):
    home.write_text("a file")
    result = charrnn("models")
    assert result.code == 1
    assert "CHARRNN_HOME" in result.err


def test_tensorflow_is_loaded_only_by_commands_that_need_a_network(trained, text_file):
    lines = [
        ["--help"],
        ["train", "--help"],
        ["models"],
        ["show", "fox"],
        ["log", "fox"],
        ["note", "fox"],
        ["check", str(text_file), "--num_seqs", "3", "--num_steps", "5"],
        ["examples"],
        ["options"],
        ["presets"],
        ["db", "where"],
        ["train", "--input_file", str(text_file), "--name", "fox"],
    ]
    code = (
        "import sys; from charrnn.cli.main import main\n"
        f"codes = [main(['--home', {str(trained)!r}, *argv]) for argv in {lines!r}]\n"
        "print(codes, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == f"{[0] * 11 + [1]} False False", result.stderr
