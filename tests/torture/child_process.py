"""Train in processes that can be killed; one process imports TensorFlow once and forks them.

`python -m tests.torture.child_process HOME DATABASE_URL` reads model ids with the duration of a lease in seconds, and
trains each model in a process of its own, which prints `measured PID` after its first step, `ended PID STATE` and
`over PID`.
TensorFlow starts its threads with its first operation, so a fork before that is as good as a new process.
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
from charrnn.core.training_events import Event, MetricsMeasured, TrainingEnded
from charrnn.services import event_recorder, open_services, training_thread

STEP_SECONDS, WRITE_SECONDS = 0.003, 0.03
"""Minimum duration of a step and of renaming a checkpoint, so that kills hit both."""
ROOT = Path(__file__).parents[2]


class Child:
    """A training process, as seen by its parent."""

    def __init__(self, pid: int, nursery: "Nursery"):
        self.pid, self._nursery = pid, nursery

    def wait_for_steps(self) -> None:
        """Wait until it has done a step or ended."""
        self._nursery.hear(f"measured {self.pid}", f"over {self.pid}")

    def state(self) -> str:
        """Wait until its training has ended and return the state that it reported."""
        return self._nursery.hear(f"ended {self.pid} ", f"over {self.pid}").rpartition(" ")[2]

    def end(self) -> None:
        """Wait until the process has ended."""
        self._nursery.hear(f"over {self.pid}")
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
        return Path(f"/proc/{self.pid}").exists() if sys.platform == "linux" else _answers(self.pid)


class Nursery:
    """Start trainings of one data folder, each in its own process.

    Args:
        home: Data folder.
        url: Of its database.
    """

    def __init__(self, home: Path, url: str):
        command = [sys.executable, "-W", "ignore", "-m", "tests.torture.child_process", str(home), url]
        self._process = Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True)
        self._heard: set[str] = set()

    def train(self, model_id: str, *, lease: float = event_recorder.LEASE_SECONDS) -> Child:
        """Start or resume a training with a lease of the given length in seconds."""
        self.hear("warm")
        print(model_id, lease, file=self._process.stdin, flush=True)
        self._heard -= {word for word in self._heard if word.startswith("began ")}
        return Child(int(self.hear("began ").removeprefix("began ")), self)

    def hear(self, *words: str) -> str:
        """Wait for a line that starts with one of the words and return it."""
        while True:
            for line in self._heard:
                if line.startswith(words):
                    return line
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(f"the nursery ended before {' or '.join(words)}")
            self._heard.add(line.strip())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def say(*words: object) -> None:
    """Write a line to the parent process, whole and immediately.

    `print` does neither: while one thread flushes its line, the process can end and lose the line of another.
    """
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main() -> None:
    """Run the process that forks trainings."""
    home, url = sys.argv[1:]
    from charrnn.model import generation, training  # noqa: F401

    publish = atomic_files.publish
    atomic_files.publish = lambda building, path: (time.sleep(WRITE_SECONDS), publish(building, path))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # reaps children immediately
    say("warm")
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                say("began", os.getpid())
                model_id, lease = line.split()
                event_recorder.LEASE_SECONDS = training_thread.LEASE_SECONDS = float(lease)
                train(home, url, model_id)
            finally:
                say("over", os.getpid())
                os._exit(0)


def train(home: str, url: str, model_id: str) -> None:
    """Train a model in this process, resuming from its newest checkpoint if it has one."""
    measured = False

    def hear(event: Event) -> None:
        nonlocal measured
        if isinstance(event, MetricsMeasured):
            time.sleep(STEP_SECONDS)
            if not measured:
                measured = True
                say("measured", os.getpid())
        elif isinstance(event, TrainingEnded):
            say("ended", os.getpid(), event.state)

    with open_services(home, database_url=url, environ={}) as services:
        begun = services.training.can_resume(model_id)
        (services.training.resume if begun else services.training.begin)(model_id, listeners=[hear])
        services.training.wait(model_id)


if __name__ == "__main__":
    main()
