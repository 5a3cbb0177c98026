"""Fill the disk during a training."""

import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from charrnn.core.errors import CheckpointError
from charrnn.core.records import ModelState
from charrnn.core.training_events import Event, LogMessage, MetricsMeasured
from charrnn.services import Services, open_services
from tests.torture.findings import Finding, all_held
from tests.torture.training_history import gaps, new_model, told

MEGABYTES = 8
FEW_BYTES = 100


class SmallDisk:
    """A folder on a separate small disk.

    Where nothing may be mounted, the system is asked to let no file of this process grow, which looks the same to it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
        self.is_mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        """Use all free space."""
        if not self.is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (FEW_BYTES, self._limits[1]))
            return
        with open(self.folder / "ballast", "wb", buffering=0) as file:
            for size in (100_000, 1000, 1):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue

    def make_room(self) -> None:
        """Free the space."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
        (self.folder / "ballast").unlink(missing_ok=True)

    def remove(self) -> None:
        """Unmount the disk."""
        self.make_room()
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a small disk on an empty folder."""
    disk = SmallDisk(folder)
    try:
        yield disk
    finally:
        disk.remove()


def run(folder: Path, *, steps: int, url: str | None = None) -> list[Finding]:
    """Train on a small disk and fill it halfway through; without `url`, the SQLite database is on it, too."""
    heard: list[Event] = []
    complained = threading.Event()
    with small_disk(folder) as disk, open_services(folder / "home", database_url=url, environ={}) as services:

        def hear(event: Event) -> None:
            heard.append(event)
            if isinstance(event, MetricsMeasured) and event.step == steps // 2:
                disk.fill()
            if isinstance(event, LogMessage) and event.level == "error":
                complained.set()

        undisturbed, model_id = (new_model(services, name, max_steps=steps) for name in ("roomy", "full"))
        services.training.begin(undisturbed)
        services.training.wait(undisturbed)
        services.training.begin(model_id, listeners=[hear])
        complained.wait(120)
        disk.make_room()
        failed = services.training.wait(model_id, timeout=120)
        kept = [_is_sound(services, model_id, c.folder) for c in services.models.checkpoints(model_id)]
        services.training.resume(model_id)
        services.training.wait(model_id)
        same = told(services, model_id) == told(services, undisturbed) and not gaps(services, model_id)
        words = failed.error or ""
        names = (
            f"The disk of {services.settings.checkpoints / model_id} is full" in words
            and "MB are needed, but only" in words
        )
    how = "" if disk.is_mounted else " (no file may grow)"
    return [
        Finding(f"full disk{how}: the training ends", 1, failed.state, "failed", failed.state == ModelState.FAILED),
        all_held("full disk: the message names the folder and the room needed", [names]),
        all_held("full disk: the checkpoints from before are sound", kept),
        all_held("full disk: with room again it goes on, and nothing is missing", [same]),
    ]


def _is_sound(services: Services, model_id: str, name: str) -> bool:
    from charrnn.model.training import checkpoint

    try:
        checkpoint.load(services.settings.checkpoints / model_id / name, with_training=True)
    except CheckpointError:
        return False
    return True
