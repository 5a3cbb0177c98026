"""scripts/find-python with pretended interpreters, each a shell script that knows its version only."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def interpreters(tmp_path: Path):
    """Make a folder of pretended interpreters the only PATH; a version of None is a program that refuses to run."""

    def make(versions: dict[str, str | None], *, without_venv: bool = False) -> dict[str, str]:
        for name, version in versions.items():
            code = "exit 127" if version is None else pretended(version, without_venv=without_venv)
            (tmp_path / name).write_text(f"#!/bin/sh\n{code}\n")
            (tmp_path / name).chmod(0o755)
        return {"PATH": str(tmp_path)}

    return make


def pretended(version: str, *, without_venv: bool) -> str:
    """Answer the script's three questions: which version, is it between the bounds, are there environments."""
    minor = int(version.split(".")[1])
    supported = 0 if minor in (12, 13) else 1
    return f"""case $2 in
        *ensurepip*) exit {int(without_venv)} ;;
        *lowest*) exit {supported} ;;
        *) echo {version} ;;
    esac"""


def find_python(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", ROOT / "scripts/find-python"], env=environment, cwd=ROOT, capture_output=True, encoding="utf-8"
    )


def test_python3_is_taken_where_it_is_new_enough(interpreters) -> None:
    result = find_python(interpreters({"python3": "3.13", "python3.12": "3.12"}))
    assert (result.returncode, result.stdout) == (0, "python3\n")


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.14"])
def test_another_python_is_taken_where_python3_does_not_fit(interpreters, version: str) -> None:
    result = find_python(interpreters({"python3": version, "python3.12": "3.12"}))
    assert (result.returncode, result.stdout) == (0, "python3.12\n")


def test_an_interpreter_that_does_not_run_is_passed_over(interpreters) -> None:
    result = find_python(interpreters({"python3": "3.11", "python3.13": None, "python3.12": "3.12"}))
    assert (result.returncode, result.stdout) == (0, "python3.12\n")


def test_the_first_line_says_what_came_and_what_to_install(interpreters) -> None:
    result = find_python(interpreters({"python3": "3.11"}))
    first = result.stderr.splitlines()[0]
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Python 3.12 or 3.13 is needed, but python3 is 3.11" in first
    assert "apt install python3.12-venv" in first


def test_a_python_without_environments_says_which_package_lacks(interpreters) -> None:
    result = find_python(interpreters({"python3": "3.12"}, without_venv=True))
    assert result.returncode == 1
    assert "python3 (3.12) lacks its venv module (Debian, Ubuntu: apt install python3.12-venv)" in result.stderr


def test_a_named_interpreter_is_the_only_candidate(interpreters) -> None:
    environment = interpreters({"python3": "3.12", "python3.13": "3.13", "old": "3.10"})
    assert find_python(environment | {"PYTHON": "python3.13"}).stdout == "python3.13\n"
    refused = find_python(environment | {"PYTHON": "old"})
    assert refused.returncode == 1
    assert "but old is 3.10." in refused.stderr
