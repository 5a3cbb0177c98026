"""scripts/packages on pretended machines: what it installs, when it only speaks, when it fails."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = "mariadb-server-core mariadb-client-core chromium"


@pytest.fixture
def machine(tmp_path: Path):
    """Make a machine out of shell scripts; what apt-get was asked to do is written to `asked`."""
    programs = tmp_path / "bin"
    programs.mkdir()

    def program(name: str, code: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{code}\n")
        (programs / name).chmod(0o755)

    def run(
        *,
        user: int,
        debian: bool = True,
        apt_works: bool = True,
        server: bool = False,
        browser: bool = False,
        **environment: str,
    ):
        program("id", f"echo {user}")
        if server:
            program("mariadbd", "exit 0")
        if browser:
            program("chromium", "exit 0")
        if debian:
            state = tmp_path / "installed"
            program("dpkg-query", f'[ -e "{state}" ] && printf installed')
            install = f': >"{state}"' if apt_works else "echo 'E: no such package' >&2; exit 100"
            program("apt-get", f'echo "$*" >>"{tmp_path}/asked"\ncase $* in *install*) {install} ;; esac')
        return subprocess.run(
            ["/bin/sh", ROOT / "scripts/packages"],
            env={"PATH": str(programs)} | environment,
            capture_output=True,
            encoding="utf-8",
        )

    return run


def test_root_on_debian_gets_the_packages_from_fresh_lists(machine, tmp_path: Path) -> None:
    result = machine(user=0, CI="true")
    update, install = (tmp_path / "asked").read_text().splitlines()
    assert result.returncode == 0
    assert "update" in update
    assert install.endswith(f"install {PACKAGES}")


def test_nothing_is_said_or_done_where_everything_is_there(machine, tmp_path: Path) -> None:
    result = machine(user=0, server=True, browser=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not (tmp_path / "asked").exists()


def test_a_second_run_installs_nothing(machine, tmp_path: Path) -> None:
    machine(user=0)
    once = (tmp_path / "asked").read_text()
    result = machine(user=0)
    assert (result.returncode, result.stdout) == (0, "")
    assert (tmp_path / "asked").read_text() == once


@pytest.mark.parametrize("debian", [True, False])
def test_without_root_one_line_says_what_to_install(machine, tmp_path: Path, debian: bool) -> None:
    result = machine(user=1000, debian=debian)
    assert result.returncode == 0
    assert not (tmp_path / "asked").exists()
    assert result.stderr.count("\n") == 1
    assert f"The tests need {PACKAGES}: run 'sudo scripts/packages'" in result.stderr
    assert "CHARRNN_TEST_MYSQL_URL" in result.stderr


@pytest.mark.parametrize("debian", [True, False])
def test_a_missing_package_is_a_failure_in_ci(machine, debian: bool) -> None:
    result = machine(user=1000, debian=debian, CI="true")
    assert result.returncode == 1
    assert PACKAGES in result.stderr


def test_a_failed_installation_shows_why_and_fails(machine) -> None:
    result = machine(user=0, apt_works=False)
    assert result.returncode == 100
    assert "E: no such package" in result.stderr


def test_a_database_server_named_for_tests_is_enough(machine) -> None:
    result = machine(
        user=1000, debian=False, browser=True, CI="true", CHARRNN_TEST_MYSQL_URL="mysql://tests@localhost/tests"
    )
    assert (result.returncode, result.stderr) == (0, "")
