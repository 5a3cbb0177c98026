"""Test adding, changing, removing and listing the users of a login file."""

import io
import json
import os
import stat
import sys
import threading

import pytest

from charrnn.cli import user_accounts
from charrnn.core.password_hashing import is_hashed, verify_password
from charrnn.services import login_file
from charrnn.services.login_file import Users, add_user
from tests.support.command_line import Terminal


@pytest.fixture
def file(tmp_path):
    return tmp_path / "users.json"


@pytest.fixture
def user(charrnn, file, monkeypatch):
    """Run `charrnn user`, with the password on standard input."""

    def run(*argv, password=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
        return charrnn("user", *argv, "--login_file", str(file))

    return run


def test_a_user_is_added_with_a_hashed_password(user, file):
    result = user("add", "ada", password="lovely lace")
    assert (result.code, result.out) == (0, "")
    assert f"--login-file {file}" in result.err
    [stored] = json.loads(file.read_text()).values()
    assert is_hashed(stored) and "lovely" not in file.read_text()
    assert verify_password("lovely lace", stored) and not verify_password("lovely lacE", stored)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_login_file_is_read_from_the_environment(charrnn, file, monkeypatch):
    monkeypatch.setenv("CHARRNN_LOGIN_FILE", str(file))
    add_user(file, "ada", "lovely")
    assert json.loads(charrnn("user", "list", "--json").out) == {"ada": "hashed"}


def test_a_password_is_read_from_a_file(user, file, tmp_path):
    (tmp_path / "password").write_text("lovely\nmore\n")
    assert user("add", "ada", "--password_file", str(tmp_path / "password")).code == 0
    assert Users(file).verify("ada", "lovely")


def test_the_password_is_typed_twice_on_a_terminal(charrnn, file, monkeypatch):
    answers = iter(["lovely", "lively", "lovely", "lovely"])
    monkeypatch.setattr(user_accounts, "getpass", lambda prompt: next(answers))
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert "differ" in charrnn("user", "add", "ada", "--login_file", str(file)).err
    assert not file.exists()
    assert charrnn("user", "add", "ada", "--login_file", str(file)).code == 0
    assert Users(file).verify("ada", "lovely")


def test_there_is_no_flag_for_a_password(user, file):
    result = user("add", "ada", "--password", "lovely")
    assert result.code == 2
    assert not file.exists()


def test_a_password_is_changed_only_with_replace(user, file):
    user("add", "ada", password="lovely")
    assert "--replace" in user("add", "ada", password="other").err
    assert Users(file).verify("ada", "lovely")
    user("add", "ada", "--replace", password="other")
    assert Users(file).verify("ada", "other") and not Users(file).verify("ada", "lovely")


def test_a_user_is_removed(user, file):
    user("add", "ada", password="lovely")
    user("add", "bob", password="builder")
    assert user("remove", "ada").code == 0
    assert json.loads(user("list", "--json").out) == {"bob": "hashed"}
    assert "no user 'ada'; it has 'bob'" in user("remove", "ada").err


def test_plain_text_passwords_still_work_and_are_converted(user, file):
    file.write_text(json.dumps({"ada": "lovely", "bob": "builder"}))
    listed = user("list")
    assert "plain text" in listed.out and "charrnn user convert" in listed.err
    assert Users(file).verify("ada", "lovely") and Users(file).plain == ["ada", "bob"]
    assert "Hashed 2" in user("convert").err
    assert Users(file).verify("ada", "lovely") and Users(file).plain == []
    assert "lovely" not in file.read_text()


@pytest.mark.parametrize("argv", [("add",), ("remove",), ("list", "ada"), ("convert", "ada"), ("paint", "ada")])
def test_a_missing_or_superfluous_name_is_a_usage_error(user, argv):
    assert user(*argv).code == 2


@pytest.mark.parametrize("name", ["", " ", " ada", "ada\x1b[2J", "x" * 201])
def test_an_unprintable_user_name_is_rejected(user, file, name):
    assert user("add", name, password="lovely").code == 1
    assert not file.exists()


@pytest.mark.parametrize("password", ["", "x" * 1001])
def test_an_empty_or_too_long_password_is_rejected(user, file, password):
    assert "expected 1 to 1,000" in user("add", "ada", password=password).err
    assert not file.exists()


@pytest.mark.parametrize(
    "hash", ["scrypt$", "scrypt$16384$8$5$!$!", "scrypt$1073741824$8$1$AAAA$AAAA", "scrypt$-2$8$1$AAAA$AAAA"]
)
def test_a_damaged_hash_is_rejected_and_not_printed(user, file, hash):
    file.write_text(json.dumps({"ada": hash}))
    result = user("list")
    assert result.code == 1 and "damaged hash for the user 'ada'" in result.err and hash not in result.err


def test_a_world_writable_login_file_is_rejected(user, file):
    user("add", "ada", password="lovely")
    os.chmod(file, 0o666)
    assert "Every user of this machine can change" in user("list").err
    os.chmod(file, 0o644)
    assert user("list").code == 0
    assert "chmod 600" in login_file.permission_warning(file)


def test_users_added_concurrently_are_all_stored(file):
    names = [f"user {number}" for number in range(6)]
    threads = [threading.Thread(target=add_user, args=(file, name, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(json.loads(file.read_text())) == names


def test_a_changed_login_file_is_reloaded_and_an_unreadable_one_is_ignored(file, caplog):
    add_user(file, "ada", "lovely")
    users = Users(file)
    add_user(file, "bob", "builder")
    assert users.verify("bob", "builder")
    file.write_text("{")
    assert users.verify("bob", "builder")
    assert "not a login file" in caplog.text
    file.write_text("{}")
    assert users.stored("bob") is None
