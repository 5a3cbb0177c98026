"""Test `charrnn queue`, trainings that wait in a terminal, and those that run in the background."""

import json
import signal
import subprocess
from collections.abc import Iterator

import pytest

from charrnn.core.limits import Limits
from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from tests.cli.test_interrupt_signals import read_until
from tests.support.command_line import SMALL, TEXT, command
from tests.support.occupied_slot import OccupiedSlot, occupied_slot
from tests.support.small_training import OPTIONS
from tests.support.waiting import TIMEOUT, wait_until

SHORT = [*SMALL, "--max_steps", "1", "--sample_every_n", "0"]


@pytest.fixture(autouse=True)
def one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every process run one training at a time."""
    monkeypatch.setenv("CHARRNN_MAX_TRAININGS", "1")


@pytest.fixture
def services(home) -> Iterator[Services]:
    with open_services(home, limits=Limits(max_trainings=1)) as services:
        yield services


@pytest.fixture
def slot(services) -> Iterator[OccupiedSlot]:
    """The only slot, which is occupied."""
    with occupied_slot(services) as slot:
        yield slot


@pytest.fixture
def wait(services, slot):
    """Return a function that queues trainings by name."""

    def wait(*names: str) -> None:
        corpus, _ = services.corpora.add(TEXT, name="fox")
        for name in names:
            model = services.models.create(name, corpus=corpus, options=OPTIONS)
            services.training.launcher.leases.queue(model.id)

    return wait


@pytest.fixture
def waiting_process(home, text_file, slot) -> Iterator[subprocess.Popen]:
    """A `charrnn train` that waits in a terminal."""
    argv = ["train", "--input_file", str(text_file), "--name", "fox", *SHORT]
    process = subprocess.Popen(command(home, *argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    read_until(process.stderr.fileno(), "Waiting, 1st in line, starts in about ")
    yield process
    process.kill()
    process.communicate()


def state(services: Services, name: str) -> ModelState:
    return services.models.resolve(name).state


def test_the_queue_is_listed_moved_and_cancelled(charrnn, wait, services):
    wait("ants", "bees", "cats")
    listed = charrnn("queue")
    assert [line.split()[:2] for line in listed.out.splitlines()[1:]] == [["1", "ants"], ["2", "bees"], ["3", "cats"]]
    moved = charrnn("queue", "move", "cats", "up")
    assert (moved.code, moved.out) == (0, "")
    assert moved.err.startswith("'cats': Waiting, 2nd in line, starts in about ")
    cancelled = charrnn("queue", "cancel", "ants")
    assert "Cancelled the training of 'ants'. The model is kept; train it with: charrnn" in cancelled.err
    entries = json.loads(charrnn("queue", "--json").out)
    assert [(entry["position"], entry["model"]["name"]) for entry in entries] == [(1, "cats"), (2, "bees")]
    assert state(services, "ants") == ModelState.READY


def test_an_empty_queue_and_a_training_that_does_not_wait(charrnn_with_fox):
    assert charrnn_with_fox("queue").err == "No training waits.\n"
    for argv in (["move", "fox", "up"], ["cancel", "fox"]):
        result = charrnn_with_fox("queue", *argv)
        assert result.code == 1
        assert "completed" in result.err


@pytest.mark.parametrize("argv", [["move", "fox"], ["cancel"], ["list", "fox"], ["cancel", "fox", "up"]])
def test_wrong_arguments_are_usage_errors(charrnn, argv):
    result = charrnn("queue", *argv)
    assert result.code == 2
    assert f"Use: charrnn queue {argv[0]}" in result.err


def test_a_training_beyond_the_capacity_waits_visibly_and_starts_by_itself(waiting_process, slot):
    slot.release()
    out, err = waiting_process.communicate(timeout=TIMEOUT)
    assert waiting_process.returncode == 0, err.decode()
    assert "compiling the network" in out.decode()
    assert "Completed at step 1." in err.decode()


def test_ctrl_c_cancels_a_waiting_training(waiting_process, services):
    waiting_process.send_signal(signal.SIGINT)
    out, err = waiting_process.communicate(timeout=TIMEOUT)
    assert waiting_process.returncode == 130
    assert "Cancelling the training, which has not started" in err.decode()
    assert "The training of 'fox' was cancelled while it waited." in err.decode()
    assert state(services, "fox") == ModelState.READY


def test_sigterm_leaves_a_waiting_training_to_other_processes(waiting_process, slot, services):
    waiting_process.send_signal(signal.SIGTERM)
    _, err = waiting_process.communicate(timeout=TIMEOUT)
    assert waiting_process.returncode == 143
    assert "The training of 'fox' keeps its place in the queue" in err.decode()
    assert (state(services, "fox"), services.models.resolve("fox").worker) == (ModelState.QUEUED, "")
    services.queue.serve()
    slot.release()
    wait_until(lambda: state(services, "fox") == ModelState.COMPLETED)


def test_a_waiting_training_that_is_cancelled_elsewhere_ends_its_command(waiting_process, charrnn):
    assert charrnn("queue", "cancel", "fox").code == 0
    _, err = waiting_process.communicate(timeout=TIMEOUT)
    assert waiting_process.returncode == 1
    assert "was cancelled while it waited" in err.decode()


def test_a_detached_training_outlives_its_command(home, text_file, services):
    argv = ["train", "--input_file", str(text_file), "--name", "fox", *SHORT, "--detach"]
    result = subprocess.run(command(home, *argv), capture_output=True, text=True, timeout=TIMEOUT)
    assert (result.returncode, result.stdout) == (0, "fox\n"), result.stderr
    assert f"Follow it with: charrnn --home {home} log fox --follow" in result.stderr
    wait_until(lambda: state(services, "fox") == ModelState.COMPLETED)
    again = command(home, "resume", "fox", "--max_steps", "3", "--detach")
    assert subprocess.run(again, capture_output=True, timeout=TIMEOUT).returncode == 0
    wait_until(lambda: services.models.resolve("fox").step == 3)


def test_a_detached_training_waits_for_its_turn(charrnn, slot, services):
    result = charrnn("train", "--corpus", slot.model.corpus_id, "--name", "fox", *SHORT, "--detach")
    assert result.code == 0, result.err
    assert "Waiting, 1st in line, starts in about" in result.err
    slot.release()
    wait_until(lambda: state(services, "fox") == ModelState.COMPLETED)


def test_a_detached_training_that_is_rejected_leaves_no_model(charrnn, text_file, monkeypatch):
    monkeypatch.setenv("CHARRNN_MAX_PARAMETERS", "10")
    result = charrnn("train", "--input_file", str(text_file), "--name", "fox", *SHORT, "--detach")
    assert result.code == 1
    assert "The training cannot start in the background: This network has" in result.err
    assert json.loads(charrnn("models", "--json").out) == []
