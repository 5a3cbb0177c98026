"""Fixtures that run the command line in a data folder of their own."""

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from charrnn.cli.main import main
from tests.support.command_line import SMALL, TEXT, Result, Run


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Remove the variables of the program from the environment."""
    for name in (
        "CHARRNN_HOME",
        "CHARRNN_DATABASE_URL",
        "CHARRNN_LOGIN_FILE",
        "MYSQL_HOST",
        "MYSQL_PORT",
        "MYSQL_USER",
        "MYSQL_PASSWORD",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def text_file(tmp_path) -> Path:
    path = tmp_path / "fox.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def home(tmp_path) -> Path:
    """An empty data folder."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """A data folder with the model `fox`, trained for six steps; tests must copy it, not change it."""
    folder = tmp_path_factory.mktemp("trained")
    text = folder / "fox.txt"
    text.write_text(TEXT)
    argv = ["--home", str(folder / "home"), "train", "--input_file", str(text), "--name", "fox", "--max_steps", "6"]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as errors:
        code = main([*argv, *SMALL, "--eval_every_n", "3"])
    assert code == 0, errors.getvalue()
    return folder / "home"


@pytest.fixture
def charrnn(home, capsys) -> Run:
    """Run a command in an empty data folder."""
    return runner(home, capsys)


@pytest.fixture
def charrnn_with_fox(trained, home, capsys) -> Run:
    """Run a command in a data folder with the trained model `fox`."""
    shutil.copytree(trained, home)
    return runner(home, capsys)


def runner(home, capsys) -> Run:
    def run(*argv: str) -> Result:
        capsys.readouterr()
        code = main(["--home", str(home), *argv])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run
