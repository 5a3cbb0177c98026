"""Settings from flags, environment variables and files."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charrnn.core.errors import StudioError
from charrnn.services import open_services
from charrnn.services.bootstrap import locations
from charrnn.services.login_file import add_user
from dashboard.server.login_providers import read_logins
from dashboard.server.settings import LIMITS, SETTINGS, Setting, add_flags, read, table
from tests.support.dashboard_server import Server
from tests.support.in_process_server import ServerClient
from tests.support.waiting import TIMEOUT

ROOT = Path(__file__).parents[3]
WITH_FLAG = [each for each in SETTINGS if each.flag]
SAMPLES: dict[type, tuple[str, Any]] = {
    str: ("some/value", "some/value"), int: ("7001", 7001), bool: ("true", True),
    tuple: ("a.example:81, b.example", ("a.example:81", "b.example")),
}  # fmt: skip


def settings(*words: str, **environ: str) -> dict[str, Any]:
    """Read settings from flags and variables."""
    parser = ArgumentParser()
    add_flags(parser)
    return read(parser.parse_args(words), environ)


@pytest.mark.parametrize("each", SETTINGS, ids=lambda each: each.variable)
def test_every_setting_has_a_variable(each: Setting) -> None:
    text, value = SAMPLES[each.kind]
    assert settings()[each.name] == each.default
    assert settings(**{each.variable: text})[each.name] == value
    assert settings(**{each.variable: ""})[each.name] == each.default
    for alias in each.aliases:
        assert settings(**{alias: text})[each.name] == value


@pytest.mark.parametrize("each", WITH_FLAG, ids=lambda each: each.flag)
def test_a_flag_takes_precedence_over_its_variable(each: Setting) -> None:
    words = {str: ["other"], int: ["7002"], bool: [], tuple: ["c.example"]}[each.kind]
    value = {str: "other", int: 7002, bool: True, tuple: ("c.example",)}[each.kind]
    other = "false" if each.kind is bool else SAMPLES[each.kind][0]
    assert settings(each.flag, *words, **{each.variable: other})[each.name] == value


def test_limits_have_flags_and_variables() -> None:
    found = settings("--max-disk-mb", "9", CHARRNN_MAX_DISK_MB="7", CHARRNN_MAX_TRAININGS="3")["limits"]
    assert (found.max_disk_mb, found.max_trainings) == (9, 3)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"CHARRNN_PORT": "http"}, "CHARRNN_PORT is 'http'; expected a whole number"),
        ({"CHARRNN_OPEN_TO_EVERYBODY": "perhaps"}, "CHARRNN_OPEN_TO_EVERYBODY is 'perhaps'; expected true or false"),
        ({"CHARRNN_DATABASE_URL_FILE": "/no/such/file"}, "CHARRNN_DATABASE_URL_FILE points to: No such file"),
        ({"MYSQL_PASSWORD_FILE": os.devnull}, "MYSQL_PASSWORD_FILE points to, is empty"),
        ({"MYSQL_PASSWORD_FILE": "x", "MYSQL_PASSWORD": "y"}, "Both MYSQL_PASSWORD and MYSQL_PASSWORD_FILE"),
    ],
)
def test_an_invalid_variable_is_reported(environ: dict[str, str], says: str) -> None:
    with pytest.raises(StudioError, match=says):
        settings(**environ)


@pytest.mark.parametrize("word", ["--allow-host=http:/x", "--trusted-proxy=proxy.example"])
def test_an_invalid_host_or_proxy_is_reported(tmp_path: Path, word: str) -> None:
    command = [sys.executable, "-m", "dashboard", "--home", str(tmp_path), word]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT)
    assert (result.returncode, result.stderr.count("\n"), word.partition("=")[0] in result.stderr) == (1, 1, True)


def test_secrets_can_come_from_files(tmp_path: Path) -> None:
    for name in ("cookie", "oauth", "url"):
        (tmp_path / name).write_text({"url": f"sqlite:///{tmp_path}/other.sqlite3"}.get(name, f"{name} secret") + "\n")
    logins = read_logins(
        settings(
            CHARRNN_OAUTH_PROVIDER="github", CHARRNN_OAUTH_KEY="us", CHARRNN_OAUTH_SECRET_FILE=str(tmp_path / "oauth"),
            CHARRNN_COOKIE_SECRET_FILE=str(tmp_path / "cookie"),
        )
    )  # fmt: skip
    assert (logins.cookie_secret, logins.secret) == ("cookie secret", "oauth secret")
    environ = {"CHARRNN_DATABASE_URL_FILE": str(tmp_path / "url")}
    with open_services(tmp_path / "home", environ=environ):
        assert (tmp_path / "other.sqlite3").exists() and not (tmp_path / "home/charrnn.sqlite3").exists()
    environ = {"MYSQL_HOST": "db.example", "MYSQL_PASSWORD_FILE": str(tmp_path / "cookie")}
    _, url = locations(tmp_path / "home", environ=environ)
    assert url == "mysql+pymysql://root:***@db.example:3306/rnn_generator"


def test_readable_secrets_and_plain_passwords_cause_warnings(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    add_user(file, "ada", "lovely")
    assert read_logins(settings("--login-file", str(file))).warnings == ()
    file.write_text('{"ada": "lovely"}')
    file.chmod(0o644)
    readable, plain = read_logins(settings("--login-file", str(file))).warnings
    assert f"chmod 600 {file}" in readable
    assert f"charrnn user convert --login_file {file}" in plain
    file.chmod(0o646)
    with pytest.raises(StudioError, match="Every user of this machine can change"):
        read_logins(settings("--login-file", str(file)))


def test_table_and_help_contain_every_flag_and_variable() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "dashboard", "--settings"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert shown == table() + "\n"
    help_text = subprocess.run(
        [sys.executable, "-m", "dashboard", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for each in SETTINGS + LIMITS:
        assert f"`{each.variable}`" in shown and (not each.flag or f"`{each.flag}`" in shown)
        assert not each.flag or (each.flag in help_text and each.variable in help_text)


def test_a_server_can_be_configured_by_variables_only(
    tmp_path: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "users.json"
    add_user(file, "ada", "lovely")
    monkeypatch.setenv("CHARRNN_ADDRESS", "0.0.0.0")
    monkeypatch.setenv("CHARRNN_LOGIN_FILE", str(file))
    monkeypatch.setenv("CHARRNN_ALLOW_HOSTS", "https://studio.example.org")
    monkeypatch.setenv("CHARRNN_MAX_UPLOAD_MB", "3")
    server = serve(tmp_path / "home")
    client = ServerClient(server.port)
    assert client.ask("GET", "/", Host="studio.example.org")[0] == 302
    assert client.ask("GET", "/", Host="other.example.org")[0] == 403
    assert (client.log_in("ada", "lovely"), client.ask("GET", "/")[0]) == (302, 200)
    server.stop()
    assert server.process.returncode == 0


def test_sigterm_before_listening_ends_the_server_cleanly(tmp_path: Path) -> None:
    code = """if True:
        import os, signal
        from dashboard import __main__ as program
        program.open_services = lambda *args, **options: os.kill(os.getpid(), signal.SIGTERM)
        program.main()"""
    result = subprocess.run(
        [sys.executable, "-c", code, "--home", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_sigterm_does_not_wait_for_blocked_threads(tmp_path: Path) -> None:
    code = """if True:
        import signal, sys, time
        from concurrent.futures import ThreadPoolExecutor
        from dashboard import __main__ as program
        frozen = ThreadPoolExecutor(1).submit(time.sleep, 1000)  # as a page does whose database is silent
        begin = program.run
        program.run = lambda server: (server.io_loop.call_later(0, signal.raise_signal, signal.SIGTERM), begin(server))
        sys.exit(program.main())"""
    command = [sys.executable, "-c", code, "--home", str(tmp_path), "--port", "0"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT)
    assert (result.returncode, result.stderr) == (0, "")
