"""Test how containers start and stop: first login, missing settings, concurrent starts, the command of the article."""

import os
import pty
import re
import secrets
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.container.conftest import Container, free_port, log_in
from tests.container.engine import IMAGE, Engine
from tests.support.waiting import TIMEOUT, wait_until

type Containers = Callable[..., Container]


def test_the_first_start_creates_a_login_that_later_starts_keep(container: Containers) -> None:
    first = container().start()
    user, password = first.login()
    assert user == "admin"
    assert password not in first.exec("sh", "-c", "cat /data/users.json /data/cookie-secret")
    assert password not in first.exec("sh", "-c", "cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\0' ' '")
    assert first.exec("stat", "--format", "%a", "/data/users.json", "/data/cookie-secret").split() == ["600", "600"]
    assert first.stop()[1] == 0
    first.start_again()
    assert first.log().count("Created the user") == 1


def test_a_container_requires_a_login(default_container: Container) -> None:
    with urllib.request.urlopen(f"{default_container.url}/") as page:
        assert page.url.startswith(f"{default_container.url}/login")


def test_a_container_that_cannot_store_a_login_explains_what_to_do(engine: Engine, image: str) -> None:
    output = engine.podman(
        "run", "--rm", "--network=host", "--read-only", "--tmpfs=/tmp", "--env=CHARRNN_HOME=/etc", image, check=False
    )
    sentence = next(line for line in output.splitlines() if line.startswith("No login is configured"))
    for way in ("volume", "CHARRNN_LOGIN_FILE", "CHARRNN_OPEN_TO_EVERYBODY=true"):
        assert way in sentence
    assert "Traceback" not in output


def test_an_open_container_requires_no_login(container: Containers) -> None:
    started = container({"CHARRNN_OPEN_TO_EVERYBODY": "true"}).start()
    assert "Created the user" not in started.log()
    with urllib.request.urlopen(f"{started.url}/") as page:
        assert page.url == f"{started.url}/"


def test_no_process_runs_as_root(default_container: Container) -> None:
    users = set(re.findall(r"Uid:\t(\d+)\t", default_container.exec("sh", "-c", "cat /proc/[0-9]*/status")))
    assert users == {"10001"}


def test_any_user_id_may_be_chosen(container: Containers) -> None:
    started = container(user="4321:0").start()
    assert started.login()[0] == "admin"
    assert started.exec("stat", "--format", "%u", "/data/users.json").strip() == "4321"
    options = ["--num_seqs=3", "--num_steps=7", "--lstm_size=5", "--num_layers=1", "--max_steps=2"]
    assert "step: 2/2" in started.exec("charrnn", "train", "--example", "shakespeare", "--log_every_n=1", *options)
    assert started.stop()[1] == 0


def test_two_containers_start_at_once_on_an_empty_database(
    container: Containers, studio_database: dict[str, str]
) -> None:
    both = [container(studio_database), container(studio_database)]
    threads = [threading.Thread(target=each.start) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in both:
        with urllib.request.urlopen(f"{each.url}/readyz") as answer:
            assert answer.status == 200
        assert "Traceback" not in each.log()


def test_two_containers_that_share_a_volume_share_one_login(container: Containers) -> None:
    first = container()
    second = container(volume=first.name)
    threads = [threading.Thread(target=each.start) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (first.log() + second.log()).count("Created the user") == 1


def test_a_published_port_leads_to_the_dashboard(engine: Engine, container: Containers) -> None:
    port = free_port()
    engine.podman("network", "create", "charrnn-test-web", check=False)
    started = container({"CHARRNN_PORT": "8080", "CHARRNN_ADDRESS": "0.0.0.0"}, network="charrnn-test-web",
                        publish=f"127.0.0.1:{port}:8080").start()  # fmt: skip
    with urllib.request.urlopen(f"http://localhost:{port}/") as page:
        assert page.url == f"http://localhost:{port}/login?next=%2F"
    assert started.stop()[1] == 0
    engine.podman("rm", "--force", started.name)
    engine.podman("network", "rm", "charrnn-test-web")


def test_the_health_check_uses_the_port_of_the_flag(container: Containers) -> None:
    port = free_port()
    started = container({"CHARRNN_OPEN_TO_EVERYBODY": "true"}).start("--port", str(port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
        assert answer.status == 200
    started.exec("healthcheck")


@pytest.fixture
def terminal() -> "tuple[int, int]":
    """Both ends of a terminal."""
    return pty.openpty()


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """Name of a container that the test starts; it is removed even if the test fails."""
    name = f"charrnn-test-{secrets.token_hex(4)}"
    yield name
    engine.podman("rm", "--force", "--time", "1", name, check=False)


def test_the_article_command_works(
    engine: Engine,
    image: str,
    name: str,
    studio_database: dict[str, str],
    open_page: Callable[[str], Page],
    terminal: tuple[int, int],
) -> None:
    # The command of the article, but with the host network, where ports cannot be published.
    port = free_port()
    variables = [argument for name, value in studio_database.items() for argument in ("-e", f"{name}={value}")]
    command = ["podman", "run", "--rm", "-ti", "--name", name, *variables, "--network=host"]
    command += ["-e", f"CHARRNN_PORT={port}", IMAGE]
    controller, device = terminal
    process = subprocess.Popen(command, env=engine.environment, stdin=device, stdout=device, stderr=subprocess.DEVNULL)
    os.close(device)
    output = ""

    def is_ready() -> bool:
        nonlocal output
        output += os.read(controller, 4096).decode()
        return "Char-RNN Studio is at" in output

    wait_until(is_ready)
    found = re.search(r"Created the user (\S+) with the password (\S+)", output)
    assert found, output
    page = open_page(f"http://127.0.0.1:{port}/")
    log_in(page, found[1], found[2])
    page.goto("about:blank")
    os.write(controller, b"\x03")
    drain = threading.Thread(target=read_all, args=(controller,))
    drain.start()
    assert process.wait(timeout=TIMEOUT) == 0
    drain.join()
    os.close(controller)


def read_all(descriptor: int) -> None:
    """Read the output of a terminal until its program ends."""
    try:
        while os.read(descriptor, 4096):
            pass
    except OSError:
        return
