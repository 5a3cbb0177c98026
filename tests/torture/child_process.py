"""Train in processes that can be killed. One process imports TensorFlow once and forks the others.

`python -m tests.torture.child_process HOME DATABASE_URL` reads lines with a model ID and the duration of its lease
in seconds. It forks a process for each, which trains the model and prints `measured PID` after its first step,
`ended PID STATE` after the training, and `exited PID` at its end.
TensorFlow starts its threads with its first operation, so a fork before that behaves like a new process.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from types import TracebackType
from typing import Self

from charrnn.core import atomic_files
from charrnn.core.records import ModelState
from charrnn.core.training_events import Event, MetricsMeasured, TrainingEnded
from charrnn.services import event_recorder, open_services, training_thread

STEP_SECONDS, WRITE_SECONDS = 0.003, 0.03
"""Minimum duration of a step and of renaming a checkpoint, so that kills hit both."""
ROOT = Path(__file__).parents[2]


class Child:
    """A training process, as seen by its parent."""

    def __init__(self, pid: int, fork_server: "ForkServer"):
        self.pid, self._fork_server = pid, fork_server

    def wait_for_steps(self) -> None:
        """Wait until it has completed a step or exited."""
        self._fork_server.wait_for_line(f"measured {self.pid}", f"exited {self.pid}")

    def state(self) -> str:
        """Wait until its training has ended and return the state that it reported."""
        return self._fork_server.wait_for_line(f"ended {self.pid} ", f"exited {self.pid}").rpartition(" ")[2]

    def end(self) -> None:
        """Wait until the process has ended."""
        self._fork_server.wait_for_line(f"exited {self.pid}")
        while self.is_alive():
            time.sleep(0.01)

    def kill(self, number: int = signal.SIGKILL) -> bool:
        """Send a signal; return whether the process was alive."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
            while number == signal.SIGKILL and self.is_alive():
                time.sleep(0.001)
            return True
        return False

    def is_alive(self) -> bool:
        """Return whether the process is alive."""
        return Path(f"/proc/{self.pid}").exists() if sys.platform == "linux" else _exists(self.pid)


class ForkServer:
    """Start trainings of one data folder, each in a forked process.

    Args:
        home: Data folder.
        url: URL of its database.
    """

    def __init__(self, home: Path, url: str):
        command = [sys.executable, "-W", "ignore", "-m", "tests.torture.child_process", str(home), url]
        self._process = Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True)
        self._lines: set[str] = set()

    def train(self, model_id: str, *, lease: float = event_recorder.LEASE_SECONDS) -> Child:
        """Start or resume a training with a lease of the given length in seconds."""
        self.wait_for_line("ready")
        print(model_id, lease, file=self._process.stdin, flush=True)
        self._lines -= {line for line in self._lines if line.startswith("started ")}
        return Child(int(self.wait_for_line("started ").removeprefix("started ")), self)

    def wait_for_line(self, *prefixes: str) -> str:
        """Wait for a line that starts with one of the prefixes and return it."""
        while True:
            for line in self._lines:
                if line.startswith(prefixes):
                    return line
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(f"the fork server exited before it printed {' or '.join(prefixes)}")
            self._lines.add(line.strip())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def write_line(*values: object) -> None:
    """Write a complete line to the parent process, without buffering.

    With `print`, the process can exit while one thread flushes its line, and lose the line of another thread.
    """
    os.write(1, (" ".join(map(str, values)) + "\n").encode())


def main() -> None:
    """Run the fork server."""
    home, url = sys.argv[1:]
    from charrnn.model import generation, training  # noqa: F401

    publish = atomic_files.publish
    atomic_files.publish = lambda building, path: (time.sleep(WRITE_SECONDS), publish(building, path))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # reaps children immediately
    write_line("ready")
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                write_line("started", os.getpid())
                model_id, lease = line.split()
                event_recorder.LEASE_SECONDS = training_thread.LEASE_SECONDS = float(lease)
                train(home, url, model_id)
            finally:
                write_line("exited", os.getpid())
                os._exit(0)


def train(home: str, url: str, model_id: str) -> None:
    """Train a model in this process, resuming from its newest checkpoint if it has one."""
    measured = False

    def report(event: Event) -> None:
        nonlocal measured
        if isinstance(event, MetricsMeasured):
            time.sleep(STEP_SECONDS)
            if not measured:
                measured = True
                write_line("measured", os.getpid())
        elif isinstance(event, TrainingEnded):
            write_line("ended", os.getpid(), event.state)

    with open_services(home, database_url=url, environ={}) as services:
        # A process that was killed may have left the training in the queue, from where `resume` takes it over.
        is_queued = services.models.get(model_id).state == ModelState.QUEUED
        resumes = is_queued or services.training.can_resume(model_id)
        (services.training.resume if resumes else services.training.begin)(model_id, listeners=[report])
        services.training.wait(model_id)


if __name__ == "__main__":
    main()
