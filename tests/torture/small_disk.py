"""Fill the disk during a training, and check that the training fails cleanly and can be resumed."""

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
from tests.torture.training_history import gaps, new_model, read_result

MEGABYTES = 8
FEW_BYTES = 100


class SmallDisk:
    """A folder on a separate small disk.

    Without permission to mount one, limit the size of the files that this process writes, which has the same effect.
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

    def empty(self) -> None:
        """Free the space again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
        (self.folder / "ballast").unlink(missing_ok=True)

    def remove(self) -> None:
        """Unmount the disk."""
        self.empty()
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
    has_failed = threading.Event()
    with small_disk(folder) as disk, open_services(folder / "home", database_url=url, environ={}) as services:

        def fill_halfway(event: Event) -> None:
            if isinstance(event, MetricsMeasured) and event.step == steps // 2:
                disk.fill()
            if isinstance(event, LogMessage) and event.level == "error":
                has_failed.set()

        uninterrupted, model_id = (new_model(services, name, max_steps=steps) for name in ("roomy", "full"))
        services.training.begin(uninterrupted)
        services.training.wait(uninterrupted)
        services.training.begin(model_id, listeners=[fill_halfway])
        has_failed.wait(120)
        disk.empty()
        failed = services.training.wait(model_id, timeout=120)
        valid = [_is_valid(services, model_id, c.folder) for c in services.models.checkpoints(model_id)]
        services.training.resume(model_id)
        services.training.wait(model_id)
        same = read_result(services, model_id) == read_result(services, uninterrupted) and not gaps(services, model_id)
        message = failed.error or ""
        is_explained = (
            f"The disk of {services.settings.checkpoints / model_id} is full" in message
            and "MB are needed, but only" in message
        )
    note = "" if disk.is_mounted else " (simulated by a file size limit)"
    return [
        Finding(f"full disk{note}: the training ends", 1, failed.state, "failed", failed.state == ModelState.FAILED),
        all_held("full disk: the message names the folder and the space needed", [is_explained]),
        all_held("full disk: the earlier checkpoints are valid", valid),
        all_held("full disk: with free space, it resumes and nothing is missing", [same]),
    ]


def _is_valid(services: Services, model_id: str, name: str) -> bool:
    from charrnn.model.training import checkpoint

    try:
        checkpoint.load(services.settings.checkpoints / model_id / name, with_training=True)
    except CheckpointError:
        return False
    return True
