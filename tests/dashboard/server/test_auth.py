"""Logins, logouts, tokens, and the delay of password guessing."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from charrnn.services import open_services
from charrnn.services.login_file import Users, add_user, remove_user
from dashboard.server.login_providers import Logins
from dashboard.server.login_throttle import FREE_OF_MANY, FREE_OF_ONE, MAX_COUNTERS, LoginThrottle
from dashboard.server.request_guard import is_local
from tests.support.in_process_server import USERS, ServerClient, Tab, logins_in, opened, token_in


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder, and `users.json`."""
    return tmp_path


@pytest.fixture
def client(home: Path) -> Iterator[ServerClient]:
    """A server with two users, Ada logged in."""
    with open_services(home, environ={}) as services:
        for client in opened(services, logins_in(home)):
            client.log_in("ada", USERS["ada"])
            yield client


@pytest.mark.parametrize("change", ["removed", "new password"])
def test_removing_a_user_or_changing_a_password_ends_logins_at_once(
    client: ServerClient, home: Path, change: str
) -> None:
    tab = Tab.opened(client)
    add_user(home / "users.json", "eve", "enough")
    assert tab.is_responsive()
    if change == "removed":
        remove_user(home / "users.json", "ada")
    else:
        add_user(home / "users.json", "ada", "lovelace", replace=True)
    assert client.ask("GET", "/")[0] == 302
    assert tab.is_closed
    assert client.log_in("ada", USERS["ada"]) == 401
    assert client.log_in("ada", "lovelace") == (401 if change == "removed" else 302)


def test_logging_out_closes_all_tabs_of_a_browser_only(client: ServerClient) -> None:
    here = [Tab.opened(client), Tab.opened(client)]
    cookie = client.cookie
    client.log_in("ada", USERS["ada"])
    elsewhere = Tab.opened(client)
    client.cookie = cookie
    status, headers, page = client.ask("GET", "/logout")
    assert status == 200 and "logged out" in page and 'charrnn-login="";' in headers["Set-Cookie"]
    assert [tab.is_closed for tab in here] == [True, True]
    assert client.ask("GET", "/")[0] == 302  # with the cookie of before
    assert elsewhere.is_responsive()


def test_servers_with_a_shared_secret_and_folder_share_logins_and_logouts(home: Path) -> None:
    logins = Logins(users=logins_in(home).users, cookie_secret="as long as one likes")
    with open_services(home, environ={}) as one, open_services(home, environ={}) as two:
        for first in opened(one, logins):
            for second in opened(two, logins):
                first.log_in("ada", USERS["ada"])
                second.cookie = first.cookie
                tab = Tab.opened(second)
                assert first.ask("GET", "/logout")[0] == 200
                assert second.ask("GET", "/")[0] == 302
                assert tab.is_closed


def test_a_token_is_rejected_with_another_login(client: ServerClient) -> None:
    page = client.ask("GET", "/")[2]
    token = token_in(page)
    ada = client.cookie
    client.log_in("bob", USERS["bob"])
    bob = client.cookie
    client.log_in("ada", USERS["ada"])
    assert [client.request_websocket(token, cookie) for cookie in (bob, client.cookie, "", ada)] == [403, 403, 403, 101]


def test_a_token_with_a_foreign_signature_is_rejected(client: ServerClient) -> None:
    from bokeh.util.token import generate_jwt_token, generate_session_id

    signed = {"secret_key": b"another", "signed": True}
    forged = generate_jwt_token(generate_session_id(**signed), **signed)
    for token in (forged, forged.partition(".")[0], "x", "{}", "e30", "." * 9):
        assert client.request_websocket(token, client.cookie) == 403


def test_a_page_contains_no_cookies_and_no_headers(client: ServerClient) -> None:
    from bokeh.util.token import get_token_payload

    payload = get_token_payload(token_in(client.ask("GET", "/", Authorization="Basic c2VjcmV0")[2]))
    assert payload["cookies"] == {} and payload["headers"].keys() <= {"Host", "User-Agent"}
    assert payload["login"][0] == "ada"


@pytest.mark.parametrize("way", ["/?bokeh-session-id={}", "/?bokeh-token={}"])
def test_a_session_cannot_be_chosen(client: ServerClient, way: str) -> None:
    from bokeh.util.token import get_session_id

    token = token_in(client.ask("GET", "/")[2])
    client.log_in("bob", USERS["bob"])
    value = token if "token" in way else get_session_id(token)
    assert client.ask("GET", way.format(value))[0] == 403
    assert client.ask("GET", "/", Bokeh_Session_Id=get_session_id(token))[0] == 403


ELSEWHERE = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "evil.example",
    "\t//evil.example", "/\t/evil.example", "/\n/evil.example", " //evil.example", "%2F%2Fevil.example",
    "/%2Fevil.example", "/%5Cevil.example", "/%255Cevil.example", "javascript:alert(1)", "data:text/html,x", "", "?x",
    "//", "/\x00/evil.example",
]  # fmt: skip


@pytest.mark.parametrize("url", ELSEWHERE, ids=repr)
def test_a_login_redirects_only_within_the_server(client: ServerClient, url: str) -> None:
    assert not is_local(url)
    address = f"/login?next={quote(url, safe='')}"
    assert client.ask("GET", address)[0] == 403
    assert client.try_to_log_in("ada", USERS["ada"], address)[0] == 403
    quoted = '"' + "".join(f"\\{ord(c):03o}" for c in url) + '"'
    assert client.try_to_log_in("ada", USERS["ada"], Cookie=f"next_url={quoted}")[0] == 403


@pytest.mark.parametrize("url", ["/", "/?tab=write&model=9f2c", "/?text=a//b"])
def test_a_login_redirects_to_the_requested_page(client: ServerClient, url: str) -> None:
    client.cookie = ""
    asked = client.ask("GET", url)[1]["Location"]
    assert asked.startswith("./login?next=")
    status, headers = client.try_to_log_in("ada", USERS["ada"], asked.removeprefix("."))
    assert (status, headers["Location"]) == (302, url)


@pytest.mark.parametrize("typed", ["ada ", " ada", "ada\n"])
def test_spaces_around_a_user_name_are_ignored_but_not_around_a_password(client: ServerClient, typed: str) -> None:
    client.cookie = ""
    assert client.try_to_log_in(typed, USERS["ada"])[0] == 302
    assert client.try_to_log_in("ada", f"{USERS['ada']} ")[0] == 401


def stop_the_clock(client: ServerClient, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the clock of the throttle, so that a slow machine does not matter; return the time, which can be changed."""
    seconds = [1000.0]
    monkeypatch.setattr(client.studio.gate.throttle, "_clock", lambda: seconds[0])
    return seconds


def test_password_guessing_is_slowed_down_per_user_and_address(
    client: ServerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = stop_the_clock(client, monkeypatch)
    for _ in range(FREE_OF_ONE):
        assert client.try_to_log_in("ada", "guess")[0] == 401
    assert client.try_to_log_in("ada", "guess")[0] == 401
    status, headers = client.try_to_log_in("ada", USERS["ada"])
    assert (status, headers["Retry-After"]) == (429, "1")
    assert client.log_in("bob", USERS["bob"]) == 302
    seconds[0] += 1
    assert client.log_in("ada", USERS["ada"]) == 302


def test_a_forged_address_does_not_avoid_the_delay(client: ServerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_the_clock(client, monkeypatch)
    answers = [client.try_to_log_in("bob", "guess", X_Forwarded_For=f"192.0.2.{n}")[0] for n in range(FREE_OF_ONE + 2)]
    assert answers[-1] == 429


def test_a_trusted_proxy_distinguishes_clients(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_services(home, environ={}) as services:
        for client in opened(services, logins_in(home), trusted_proxies=("127.0.0.0/8",)):
            stop_the_clock(client, monkeypatch)
            for _ in range(FREE_OF_ONE + 1):
                client.try_to_log_in("ada", "guess", X_Forwarded_For="203.0.113.9, 192.0.2.1")
            assert client.try_to_log_in("ada", USERS["ada"], X_Forwarded_For="198.51.100.7, 192.0.2.1")[0] == 429
            assert client.try_to_log_in("ada", USERS["ada"], X_Forwarded_For="192.0.2.1, 192.0.2.2")[0] == 302


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_delay_doubles_up_to_a_minute_and_is_forgotten_after_an_hour() -> None:
    throttle = LoginThrottle(clock := Clock())
    delays = []
    for _ in range(FREE_OF_ONE + 9):
        throttle.failed("ada", "192.0.2.1")
        delays.append(throttle.seconds_left("ada", "192.0.2.1"))
        clock.now += 61
    assert delays == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert throttle.seconds_left("ada", "192.0.2.2") == throttle.seconds_left("bob", "192.0.2.1") == 0
    clock.now += 3601
    throttle.failed("ada", "192.0.2.1")
    assert throttle.seconds_left("ada", "192.0.2.1") == 0


@pytest.mark.parametrize("attack", ["many users from one address", "one user from many addresses"])
def test_a_known_user_is_not_delayed_by_others(attack: str) -> None:
    throttle = LoginThrottle(Clock())
    throttle.succeeded("ada", "192.0.2.1")
    for number in range(FREE_OF_MANY + 9):
        if attack.startswith("many"):
            throttle.failed(f"user {number}", "192.0.2.1")
        else:
            throttle.failed("ada", f"198.51.100.{number}")
    assert throttle.seconds_left("ada", "192.0.2.1") == 0
    assert throttle.seconds_left("eve" if attack.startswith("many") else "ada", "192.0.2.1" if attack.startswith("many")
                                 else "198.51.100.200") > 0  # fmt: skip


def test_many_users_behind_one_address_log_in_without_a_delay() -> None:
    throttle = LoginThrottle(Clock())
    for number in range(3 * FREE_OF_MANY):
        assert throttle.seconds_left(f"user {number}", "192.0.2.1") == 0
        throttle.failed(f"user {number}", "192.0.2.1")
        throttle.succeeded(f"user {number}", "192.0.2.1")


def test_the_number_of_counters_is_limited() -> None:
    throttle = LoginThrottle(Clock())
    for number in range(MAX_COUNTERS):
        throttle.failed(f"user {number}", f"address {number}")
        throttle.succeeded(f"user {number}", f"other {number}")
    assert len(throttle._failures) <= MAX_COUNTERS >= len(throttle._known)


def test_verifying_an_unknown_user_takes_as_long_as_a_known_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    add_user(home / "users.json", "hashed", "lovely")
    (home / "users.json").write_text(json.dumps({**json.loads((home / "users.json").read_text()), "plain": "lovely"}))
    users, costs = Users(home / "users.json"), []
    scrypt = hashlib.scrypt

    def counted(*args: object, n: int, r: int, p: int, **more: object) -> bytes:
        costs.append((n, r, p))
        return scrypt(*args, n=n, r=r, p=p, **more)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(hashlib, "scrypt", counted)
    found = [users.verify(user, word) for user in ("hashed", "plain", "nobody") for word in ("lovely", "guess")]
    assert found == [True, False, True, False, False, False]
    assert len(costs) == 6 and len(set(costs)) == 1


def test_a_login_file_that_becomes_invalid_keeps_its_last_users(
    client: ServerClient, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        (home / "users.json").write_text("{half")
        assert client.ask("GET", "/")[0] == 200
    assert "not a login file" in caplog.text
