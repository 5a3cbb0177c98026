"""Test scripts/find-python with fake interpreters: shell scripts that print a version."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def interpreters(tmp_path: Path):
    """Create a PATH with fake interpreters only; a version of None is a program that does not run."""

    def make(versions: dict[str, str | None], *, without_venv: bool = False) -> dict[str, str]:
        for name, version in versions.items():
            code = "exit 127" if version is None else fake(version, without_venv=without_venv)
            (tmp_path / name).write_text(f"#!/bin/sh\n{code}\n")
            (tmp_path / name).chmod(0o755)
        return {"PATH": str(tmp_path)}

    return make


def fake(version: str, *, without_venv: bool) -> str:
    """Return a fake interpreter that passes or fails the three checks: version, supported range, venv module."""
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


def test_python3_is_selected_if_it_is_new_enough(interpreters) -> None:
    result = find_python(interpreters({"python3": "3.13", "python3.12": "3.12"}))
    assert (result.returncode, result.stdout) == (0, "python3\n")


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.14"])
def test_another_python_is_selected_if_python3_is_unsupported(interpreters, version: str) -> None:
    result = find_python(interpreters({"python3": version, "python3.12": "3.12"}))
    assert (result.returncode, result.stdout) == (0, "python3.12\n")


def test_an_interpreter_that_does_not_run_is_skipped(interpreters) -> None:
    result = find_python(interpreters({"python3": "3.11", "python3.13": None, "python3.12": "3.12"}))
    assert (result.returncode, result.stdout) == (0, "python3.12\n")


def test_the_error_names_the_interpreters_found_and_what_to_install(interpreters) -> None:
    result = find_python(interpreters({"python3": "3.11"}))
    first = result.stderr.splitlines()[0]
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Python 3.12 or 3.13 is needed, but python3 is 3.11" in first
    assert "apt install python3.12-venv" in first


def test_a_python_without_venv_names_the_missing_package(interpreters) -> None:
    result = find_python(interpreters({"python3": "3.12"}, without_venv=True))
    assert result.returncode == 1
    assert "python3 (3.12) lacks its venv module (Debian, Ubuntu: apt install python3.12-venv)" in result.stderr


def test_a_named_interpreter_is_the_only_candidate(interpreters) -> None:
    environment = interpreters({"python3": "3.12", "python3.13": "3.13", "old": "3.10"})
    assert find_python(environment | {"PYTHON": "python3.13"}).stdout == "python3.13\n"
    rejected = find_python(environment | {"PYTHON": "old"})
    assert rejected.returncode == 1
    assert "but old is 3.10." in rejected.stderr
