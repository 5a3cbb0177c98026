"""Occupy a slot of a data folder with a training that waits for permission to end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from charrnn.core.records import Model
from charrnn.services import Services
from tests.support.small_training import OPTIONS, TEXT
from tests.support.waiting import TIMEOUT


@dataclass(frozen=True)
class OccupiedSlot:
    """The training `first` that occupies a slot."""

    services: Services
    model: Model
    _released: threading.Event

    def release(self) -> None:
        """Let the training end, and wait until it has."""
        self._released.set()
        self.services.training.wait(self.model.id, timeout=TIMEOUT)


@contextmanager
def occupied_slot(services: Services) -> Iterator[OccupiedSlot]:
    """Start the training; on exit, let it end."""
    released = threading.Event()

    def hold(event: object) -> None:
        released.wait()

    options = OPTIONS | {"max_steps": 1, "sample_every_n": 0}
    model = services.training.start(TEXT, name="first", options=options, listeners=[hold])
    try:
        yield OccupiedSlot(services, model, released)
    finally:
        released.set()
