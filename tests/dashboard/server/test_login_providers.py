"""Who can log in, which models a user sees, and how secrets are kept."""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from charrnn.core.errors import StudioError
from charrnn.core.records import Model
from charrnn.services import Services, open_services
from dashboard.live.hub import Hub
from dashboard.live.session import Session
from dashboard.server import settings
from dashboard.server.login_providers import Logins, read_logins
from tests.support.browser import accessibility_violations
from tests.support.dashboard_server import Server
from tests.support.in_process_server import USERS, ServerClient, logins_in, opened
from tests.support.small_training import OPTIONS, TEXT
from tests.support.waiting import TIMEOUT, wait_until

ROOT = Path(__file__).parents[3]
SECRETS = {"login": "pass-7f3a", "cookie": "cookie-91bc", "database": "base-55de", "oauth": "oauth-02aa"}


@dataclass(frozen=True)
class Shared:
    """A server with two users, and Ada's trained model."""

    client: ServerClient
    services: Services
    model: Model


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Services of Bob, who has no models."""
    home = tmp_path_factory.mktemp("users")
    with open_services(home, environ={}) as services:
        ada = services.seen_by("ada")
        model = ada.training.start(TEXT, name="Zebulon’s ducks", options=OPTIONS)
        model = ada.training.wait(model.id)
        for client in opened(services, logins_in(home)):
            yield Shared(client, services, model)


class Visit:
    """A link to Ada's model, opened by a user."""

    def __init__(self, shared: Shared, user: str, tab: str):
        client, model = shared.client, shared.model
        client.log_in(user, USERS[user])
        before = {session.id for session in client.server.get_sessions("/")}
        assert client.ask("GET", f"/?tab={tab}&model={model.id}&text={model.corpus_id}")[0] == 200
        wait_until(lambda: {session.id for session in client.server.get_sessions("/")} - before)
        [self._session] = [session for session in client.server.get_sessions("/") if session.id not in before]
        wait_until(lambda: self._session.document.roots)

    def shows(self, words: str) -> bool:
        """Return whether the browser was or would be sent a text."""
        try:
            return words in json.dumps(self._session.document.to_json(), default=str)
        except RuntimeError:  # it is just being changed
            return self.shows(words)


@pytest.mark.parametrize("tab", ["library", "text", "options", "training", "write"])
def test_a_page_shows_only_models_of_its_user(shared: Shared, tab: str) -> None:
    ada, bob = Visit(shared, "ada", tab), Visit(shared, "bob", tab)
    wait_until(lambda: ada.shows("ducks"))
    # What reached Ada's page with the hub's next refresh has reached Bob's page too, if ever.
    seen = shared.services.seen_by("ada").models.note(shared.model.id, f"seen in {tab}")
    again = Visit(shared, "ada", "library")
    wait_until(lambda: again.shows(seen.notes))
    for word in ("Zebulon", "ducks", "over the hill", "seen in"):
        assert not bob.shows(word)


def test_a_session_cannot_follow_models_of_other_users(shared: Shared) -> None:
    hub = Hub(shared.services)
    bob = Session(shared.services.seen_by("bob"), hub, lambda: None)
    bob.model_id = shared.model.id
    assert (bob.feed, bob.models, bob.notice[0]) == (None, [], "error")
    assert "Zebulon" not in bob.notice[1]
    bob.close()
    hub.close()


def test_models_created_on_a_page_belong_to_its_user(shared: Shared) -> None:
    bob = shared.services.seen_by("bob")
    made = bob.models.create("bob's")
    assert made.owner == "bob"
    visit = Visit(shared, "bob", "library")
    wait_until(lambda: visit.shows("bob's"))
    assert not Visit(shared, "ada", "library").shows("bob's")
    bob.models.purge(made.id)


def flags(*words: str, **environ: str) -> Logins:
    """Parse flags."""
    parser = ArgumentParser()
    settings.add_flags(parser)
    return read_logins(settings.read(parser.parse_args(words), environ))


def test_defect_a_missing_login_file_is_not_parsed_as_a_password(tmp_path: Path) -> None:
    """Panel uses the name of a missing file as the password."""
    for content in (
        None,
        "lovely",
        "[]",
        "{}",
        json.dumps({"ada": ""}),
        json.dumps({"ada": 1}),
        json.dumps({" ": "x"}),
    ):
        file = tmp_path / "users.json"
        if content is not None:
            file.write_text(content)
        with pytest.raises(StudioError) as error:
            flags("--login-file", str(file))
        assert "lovely" not in str(error.value)


def test_oauth_needs_a_known_provider_a_key_and_a_secret(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRETS["oauth"] + "\n")
    asked = flags("--oauth-provider", "GitHub", "--oauth-key", "us", "--oauth-secret-file", str(secret))
    assert (asked.provider, asked.secret, bool(asked)) == ("github", SECRETS["oauth"], True)
    assert flags("--oauth-provider", "github", "--oauth-key", "us", PANEL_OAUTH_SECRET="s").secret == "s"
    with pytest.raises(StudioError, match="Unknown OAuth provider 'gitbug'. Use one of: .*github"):
        flags("--oauth-provider", "gitbug", "--oauth-key", "us", PANEL_OAUTH_SECRET="s")
    with pytest.raises(StudioError, match="--oauth-secret-file"):
        flags("--oauth-provider", "github", "--oauth-key", "us")
    with pytest.raises(StudioError, match="Set only one of them"):
        flags("--oauth-provider", "github", "--login-file", "x")


def test_a_server_redirects_users_to_the_oauth_provider(tmp_path: Path) -> None:
    logins = Logins(provider="github", key="us", secret=SECRETS["oauth"])
    with open_services(tmp_path, environ={}) as services:
        for client in opened(services, logins):
            assert client.ask("GET", "/")[1]["Location"].startswith("./login")
            status, headers, _ = client.ask("GET", "/login")
            assert (status, headers["Location"].partition("?")[0]) == (302, "https://github.com/login/oauth/authorize")
            assert SECRETS["oauth"] not in str(headers)
            assert client.ask("GET", "/login?code=x&state=y")[0] == 403


def run_dashboard(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m dashboard` until it ends."""
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *words], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT,
        env=os.environ | environ,
    )  # fmt: skip


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_a_public_address_without_a_login_is_rejected(tmp_path: Path, address: str) -> None:
    result = run_dashboard("--address", address, "--home", str(tmp_path / "home"))
    assert (result.returncode, result.stdout) == (1, "")
    assert "--login-file" in result.stderr and "--open-to-everybody" in result.stderr
    assert not (tmp_path / "home").exists()


def test_open_to_everybody_serves_without_a_login_and_warns(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve(tmp_path, "--address", "0.0.0.0", "--open-to-everybody")
    assert "Warning: there is no login." in server.stop()


@pytest.mark.parametrize(
    "program", [["-m", "dashboard"], ["-m", "charrnn", "models"], ["-m", "charrnn", "db", "upgrade"]]
)
def test_a_password_in_a_flag_is_rejected_and_not_printed(tmp_path: Path, program: list[str]) -> None:
    url = f"mysql://ann:{SECRETS['database']}@127.0.0.1:1/texts"
    command = [sys.executable, *program, "--database", url, "--home", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 1
    assert "CHARRNN_DATABASE_URL" in result.stderr
    assert SECRETS["database"] not in result.stdout + result.stderr


def test_the_error_of_an_unreachable_database_contains_no_password(tmp_path: Path) -> None:
    for environ in (
        {"CHARRNN_DATABASE_URL": f"mysql://ann:{SECRETS['database']}@127.0.0.1:1/texts"},
        {"MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": "1", "MYSQL_PASSWORD": SECRETS["database"]},
    ):
        result = run_dashboard("--home", str(tmp_path), **environ)
        assert result.returncode == 1
        assert SECRETS["database"] not in result.stdout + result.stderr


def test_secrets_are_not_in_logs_pages_process_lists_or_reprs(tmp_path: Path, serve: Callable[..., Server]) -> None:
    users, cookie = tmp_path / "users.json", tmp_path / "cookie"
    users.write_text(json.dumps({"ada": SECRETS["login"]}))
    cookie.write_text(SECRETS["cookie"])
    server = serve(tmp_path / "home", "--login-file", str(users), "--cookie-secret-file", str(cookie))
    client = ServerClient(server.port)
    shown = [*map(str, client.ask("GET", "/no-such-page")), *map(str, client.ask("POST", "/login", "username=%FF"))]
    client.log_in("ada", "wrong")
    assert (client.log_in("ada", SECRETS["login"]), client.ask("GET", "/")[0]) == (302, 200)
    for path in ("/", "/metadata", "/no-such-page", "/ws"):
        shown += map(str, client.ask("GET", path))
    shown.append(Path(f"/proc/{server.process.pid}/cmdline").read_text())
    shown.append(server.stop())
    logins = flags("--login-file", str(users), "--cookie-secret-file", str(cookie), PANEL_OAUTH_SECRET=SECRETS["oauth"])
    with open_services(tmp_path / "home", environ={"MYSQL_UNUSED": SECRETS["database"]}) as services:
        shown += [repr(logins), str(logins), repr(services), repr(services.settings)]
    assert all(secret not in text for secret in SECRETS.values() for text in shown)


def test_limits_are_set_by_flags(tmp_path: Path) -> None:
    result = run_dashboard("--max-trainings", "-3", "--home", str(tmp_path))
    assert (result.returncode, "--max-trainings is '-3'" in result.stderr) == (1, True)


def test_a_user_logs_in_with_the_form_reaches_the_requested_page_and_logs_out(
    tmp_path: Path, serve: Callable[..., Server], chromium: Browser
) -> None:
    user = f"ada<i>{'lovelace' * 10}"
    (tmp_path / "users.json").write_text(json.dumps({user: "drake-and-teal"}))
    (tmp_path / "users.json").chmod(0o600)
    server = serve(tmp_path / "home", "--login-file", str(tmp_path / "users.json"))
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(1000 * TIMEOUT)
    page = context.new_page()
    page.goto(f"{server.url}/?tab=library")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill("drake")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill("drake-and-teal")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("tab", name="Library").wait_for()
    assert page.url == f"{server.url}/?tab=library"

    header = page.locator("header")
    header.get_by_text(user).wait_for()
    header.get_by_role("link", name="Log out").wait_for()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    assert not accessibility_violations(page)
    header.get_by_role("link", name="Log out").click()
    page.get_by_role("heading", name="You are logged out").wait_for()
    page.get_by_role("link", name="Log in again").click()
    page.get_by_label("Password").wait_for()
    page.goto(f"{server.url}/?tab=library")
    page.get_by_label("Password").wait_for()
    context.close()
