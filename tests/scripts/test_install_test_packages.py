"""Test scripts/install-test-packages on simulated machines: what it installs, when it prints a hint, when it fails."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = "mariadb-server-core mariadb-client chromium"
MIRROR = "http://mirror.example/debian/"
MYSQL = "cache/charrnn-tests/mysql/usr/sbin/mysqld"
UNPACK = """
for word; do folder=$before; before=$word; done
mkdir -p "$folder/usr/sbin" "$folder/usr/bin"
for program in usr/sbin/mysqld usr/bin/mysql usr/bin/mysqldump; do
    touch "$folder/$program"
    chmod +x "$folder/$program"
done
"""
"""A fake mmdebstrap that unpacks server and client into its second-to-last argument."""


@pytest.fixture
def machine(tmp_path: Path):
    """Simulate a machine with shell scripts; calls of apt-get and mmdebstrap are recorded in the file `calls`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("chmod", "grep", "head", "mkdir", "mktemp", "mv", "rm", "touch"):
        (programs / name).symlink_to(shutil.which(name))

    def program(name: str, code: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{code}\n")
        (programs / name).chmod(0o755)

    def run(
        *,
        user: int,
        debian: bool = True,
        apt_works: bool = True,
        mirror: str = MIRROR,
        mmdebstrap: str = UNPACK,
        mariadb: bool = False,
        mysqld: str = "",
        browser: bool = False,
        **environment: str,
    ):
        program("id", f"echo {user}")
        if mariadb:
            program("mariadbd", "exit 0")
        if mysqld:
            program("mysqld", f"echo '{mysqld}'")
        if browser:
            program("chromium", "exit 0")
        if debian:
            calls, state = f'echo "$0 $*" >>"{tmp_path}/calls"', tmp_path / "installed"
            program("dpkg-query", f'[ -e "{state}" ] && printf installed')
            unpacker = f"{programs}/mmdebstrap"
            (programs / "unpacker").write_text(f"#!/bin/sh\n{calls}\n{mmdebstrap}")
            works = f': >"{state}"; mv "{programs}/unpacker" "{unpacker}"; chmod +x "{unpacker}"'
            install = works if apt_works else "echo 'E: no such package' >&2; exit 100"
            targets = f'*indextargets*) echo "{mirror}" ;;'
            program("apt-get", f"{calls}\ncase $* in *install*) {install} ;; {targets} esac")
        return subprocess.run(
            ["/bin/sh", ROOT / "scripts/install-test-packages"],
            env={"PATH": str(programs), "XDG_CACHE_HOME": str(tmp_path / "cache")} | environment,
            capture_output=True,
            encoding="utf-8",
        )

    return run


def calls(tmp_path: Path) -> list[str]:
    return [line.removeprefix(f"{tmp_path}/bin/") for line in (tmp_path / "calls").read_text().splitlines()]


def test_root_on_debian_updates_the_lists_and_installs_the_packages(machine, tmp_path: Path) -> None:
    result = machine(user=0, CI="true")
    update, install, *_ = calls(tmp_path)
    assert result.returncode == 0
    assert update.startswith("apt-get") and "update" in update
    assert install.endswith(f"install {PACKAGES} mmdebstrap")


def test_mysql_is_unpacked_into_the_cache_from_the_apt_mirror(machine, tmp_path: Path) -> None:
    result = machine(user=0, CI="true")
    unpack = calls(tmp_path)[-1]
    assert result.returncode == 0
    assert unpack.startswith("mmdebstrap") and "--include=mysql-server-core" in unpack
    assert unpack.endswith(MIRROR)
    assert [path.name for path in (tmp_path / "cache/charrnn-tests").iterdir()] == ["mysql"]
    assert (tmp_path / MYSQL).is_file()


def test_a_failed_mysql_download_leaves_nothing_behind(machine, tmp_path: Path) -> None:
    result = machine(user=0, CI="true", mmdebstrap='mkdir -p "${8}/usr"; echo "E: no network" >&2; exit 25')
    assert result.returncode == 1
    assert "E: no network" in result.stderr
    assert "The tests need MySQL" in result.stderr
    assert not list((tmp_path / "cache/charrnn-tests").iterdir())


def test_without_a_debian_mirror_a_mysql_url_is_required(machine) -> None:
    result = machine(user=0, CI="true", mirror="")
    assert result.returncode == 1
    assert "The tests need MySQL" in result.stderr
    assert "CHARRNN_TEST_MYSQL_URL" in result.stderr


def test_nothing_happens_if_everything_is_installed(machine, tmp_path: Path) -> None:
    result = machine(user=0, mariadb=True, mysqld="mysqld  Ver 9.7.4 for Linux", browser=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not (tmp_path / "calls").exists()


def test_the_mysqld_of_mariadb_does_not_count_as_mysql(machine, tmp_path: Path) -> None:
    machine(user=0, mariadb=True, mysqld="mysqld  Ver 11.8.1-MariaDB for Linux", browser=True)
    assert (tmp_path / MYSQL).is_file()


def test_a_second_run_installs_nothing(machine, tmp_path: Path) -> None:
    machine(user=0)
    once = calls(tmp_path)
    result = machine(user=0)
    assert (result.returncode, result.stdout) == (0, "")
    assert calls(tmp_path) == once


@pytest.mark.parametrize("debian", [True, False])
def test_without_root_one_line_lists_what_to_install(machine, tmp_path: Path, debian: bool) -> None:
    result = machine(user=1000, debian=debian)
    assert result.returncode == 0
    assert not (tmp_path / "calls").exists()
    assert result.stderr.count("\n") == 1
    assert f"The tests need {PACKAGES} MySQL: run 'sudo -E scripts/install-test-packages'" in result.stderr
    assert "CHARRNN_TEST_MARIADB_URL and CHARRNN_TEST_MYSQL_URL" in result.stderr


@pytest.mark.parametrize("debian", [True, False])
def test_a_missing_package_fails_in_ci(machine, debian: bool) -> None:
    result = machine(user=1000, debian=debian, CI="true")
    assert result.returncode == 1
    assert PACKAGES in result.stderr


def test_a_failed_installation_prints_the_reason_and_fails(machine) -> None:
    result = machine(user=0, apt_works=False)
    assert result.returncode == 100
    assert "E: no such package" in result.stderr


def test_named_test_servers_are_sufficient(machine) -> None:
    urls = {"CHARRNN_TEST_MYSQL_URL": "mysql://a@localhost/", "CHARRNN_TEST_MARIADB_URL": "mariadb://b@localhost/"}
    result = machine(user=1000, debian=False, browser=True, CI="true", **urls)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_mysql_server_does_not_replace_mariadb(machine) -> None:
    result = machine(user=1000, debian=False, browser=True, CI="true", CHARRNN_TEST_MYSQL_URL="mysql://a@localhost/")
    assert result.returncode == 1
    assert "The tests need mariadb-server-core mariadb-client:" in result.stderr
