"""Starting the dashboard."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from panel.io.server import get_server

from charrnn.services import Services
from dashboard.live.hub import Hub
from dashboard.server import server
from dashboard.server.server import Studio, free_port
from tests.support.dashboard_server import Server
from tests.support.waiting import TIMEOUT, listens, wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def studio(services: Services) -> Iterator[Studio]:
    studio = Studio(services, Hub(services), 1000, _is_preparing=True)
    yield studio
    studio.close()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is in use."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_free_port_is_used(taken: int) -> None:
    assert free_port("127.0.0.1", free := free_port("127.0.0.1", taken)) == free


def test_the_next_free_port_replaces_one_in_use(taken: int) -> None:
    assert taken < free_port("127.0.0.1", taken) < taken + 100


def test_an_address_of_another_machine_is_rejected() -> None:
    with pytest.raises(OSError, match="assign"):
        free_port("192.0.2.1", 5006)


def test_the_server_prints_its_port_if_the_requested_one_is_in_use(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    first = serve(tmp_path / "home")
    command = [sys.executable, "-m", "dashboard", "--home", str(tmp_path / "other"), "--port", str(first.port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as second:
        lines = [second.stdout.readline(), second.stdout.readline()]
        second.terminate()
    assert lines[0] == f"Port {first.port} is in use.\n"
    assert lines[1].startswith("Char-RNN Studio is at http://127.0.0.1:")
    assert str(first.port) not in lines[1]


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "dashboard", "--home", str(tmp_path / "file" / "home")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Cannot create the data folder" in result.stderr
    assert "Traceback" not in result.stderr


def test_panel_serve_works_from_any_folder(tmp_path: Path) -> None:
    port = free_port("127.0.0.1", 0)
    command = [sys.executable, "-m", "panel", "serve", str(ROOT / "dashboard/app.py"), "--port", str(port)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"CHARRNN_HOME": str(tmp_path / "home")}, stderr=log
        )
    try:
        wait_until(lambda: listens(port))
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/app").read().decode()
    finally:
        process.terminate()
        process.wait()
    assert (tmp_path / "log").read_text().count("does not have the security checks of python -m dashboard") == 1
    assert "<title>Char-RNN Studio</title>" in page


def test_defect_the_address_is_usable_when_serve_returns(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return get_server(*args, **options)

    monkeypatch.setattr(server, "get_server", slow)
    port = free_port("127.0.0.1", 0)
    thread = server.serve(studio, address="127.0.0.1", port=port, threaded=True)
    try:
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT).close()
    finally:
        thread.stop()


def test_a_threaded_server_that_cannot_start_raises_in_the_calling_thread(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **options: Any) -> Any:
        raise OSError("the port was taken meanwhile")

    monkeypatch.setattr(server, "get_server", fails)
    with pytest.raises(OSError, match="taken meanwhile"):
        server.serve(studio, address="127.0.0.1", port=1, threaded=True)


def test_building_a_page_does_not_import_tensorflow() -> None:
    code = "import dashboard.server.server, dashboard.notebook, sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "charrnn.model"} & set(result.stdout.split())
    assert "panel" in result.stdout.split()
