"""Test that only processes of the same boot and process table report a worker as dead before its lease expires."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.core.records import ModelState
from charrnn.core.training_events import MetricsMeasured
from charrnn.services import Services, open_services
from charrnn.services.process_identity import is_dead, worker_name
from charrnn.store.tables import ModelRow
from tests.support.small_training import OPTIONS, TEXT

ENDLESS = OPTIONS | {"max_steps": 1_000_000, "eval_every_n": 1_000_000, "save_every_n": 1_000_000}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere, only the lease decides whether a worker is alive"
)


def changed(**parts: str) -> str:
    """Return the name of this process with some parts replaced."""
    names = ("host", "pid", "token", "table", "start")
    return ":".join((dict(zip(names, worker_name().split(":"), strict=True)) | parts).values())


@pytest.fixture
def ended() -> str:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(process.pid)


def test_an_ended_process_of_this_process_table_is_dead_under_any_host_name(ended: str) -> None:
    assert is_dead(changed(pid=ended))
    assert is_dead(changed(pid=ended, host="renamed"))


def test_a_running_process_is_not_dead() -> None:
    assert not is_dead(worker_name())
    parent = str(os.getppid())
    start = Path("/proc", parent, "stat").read_text().rpartition(")")[2].split()[19]
    assert not is_dead(changed(pid=parent, start=start))


def test_an_ended_process_whose_id_was_reused_is_dead() -> None:
    assert is_dead(changed(token="another"))
    assert is_dead(changed(start="1"))
    assert is_dead(changed(pid=str(os.getppid()), start="1"))


def test_processes_of_another_boot_or_process_table_are_not_reported_as_dead(ended: str) -> None:
    assert not is_dead(changed(pid=ended, table="0123456789abcdef"))
    assert not is_dead(changed(pid=ended, table=""))


def test_old_and_invalid_names_are_not_reported_as_dead(ended: str) -> None:
    host, _, token, table, _ = worker_name().split(":")
    for name in ("", "host", f"{host}:{ended}:{token}", f"{host}:-1:{token}:{table}:5", f"{host}:²:{token}:{table}:5"):
        assert not is_dead(name)
    assert not is_dead(changed(pid="9" * 30))


def test_no_worker_is_reported_as_dead_when_the_system_has_no_process_table(
    ended: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = changed(pid=ended)
    monkeypatch.setattr("charrnn.services.process_identity._PROC", tmp_path)
    assert not is_dead(worker)
    assert not is_dead(changed(pid=ended))


def test_the_longest_worker_name_fits_into_its_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 253)
    assert len(worker_name()) <= ModelRow.__table__.c.worker.type.length


def namespace_command() -> list[str]:
    """Return a command prefix that runs a program in a separate process table."""
    program = shutil.which("unshare")
    if program is None:
        pytest.fail("This test needs the program unshare (Debian, Ubuntu: apt install util-linux).")
    flag_sets = [["--pid", "--fork", "--mount-proc"], ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]]
    errors = []
    for flags in flag_sets:
        result = subprocess.run([program, *flags, "true"], capture_output=True, text=True)
        if result.returncode == 0:
            return [program, *flags]
        errors.append(result.stderr.strip())
    message = f"This test needs the right to create a PID namespace: root, or user namespaces ({'; '.join(errors)})."
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.mark.parametrize("proc", ["with its own /proc", "with the /proc of the host"])
def test_a_process_in_another_process_table_does_not_end_a_training(services: Services, proc: str) -> None:
    """Containers with the same host name used to end it, because they did not see its process."""
    command = namespace_command()
    if proc == "with the /proc of the host":
        command.remove("--mount-proc")
    seen: list[ModelState] = []

    def list_models(event: object) -> None:
        if not isinstance(event, MetricsMeasured) or seen:
            return
        environ = os.environ | {"CHARRNN_HOME": str(services.settings.home)}
        for argv in (["models"], ["show", model.name]):
            charrnn = [*command, sys.executable, "-m", "charrnn", *argv]
            result = subprocess.run(charrnn, capture_output=True, text=True, env=environ)
            assert result.returncode == 0 and "training" in result.stdout, result.stdout + result.stderr
        seen.append(services.models.get(model.id).state)
        services.training.stop(model.id)

    corpus, _ = services.corpora.add(TEXT)
    model = services.models.create("ducks", corpus=corpus, options=ENDLESS)
    services.training.begin(model.id, listeners=[list_models])
    ended = services.training.wait(model.id)
    assert (seen, ended.state, ended.error) == ([ModelState.TRAINING], ModelState.STOPPED, None)


def test_a_killed_worker_of_this_process_table_is_detected_at_once(services: Services, ended: str) -> None:
    corpus, _ = services.corpora.add(TEXT)
    model = services.models.create("ducks", corpus=corpus, options=OPTIONS)
    leases = services.training.launcher.leases
    leases.queue(model.id)
    leases.claim(model.id, changed(pid=ended), seconds=1000)
    with open_services(services.settings.home, environ={}) as other:
        assert other.models.get(model.id).state == ModelState.INTERRUPTED
