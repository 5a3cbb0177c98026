"""Test the recovery of checkpoints after the database lost its newest commits, as in a power failure."""

import random
import re
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from charrnn.core.records import Model, ModelState
from charrnn.core.training_events import CheckpointSaved, Event, MetricsMeasured
from charrnn.services import Services, open_services
from tests.services.test_training import At
from tests.support.small_training import OPTIONS, TEXT
from tests.torture.checkpoint_damage import flip_bit

STEPS = 11
LONG = OPTIONS | {"max_steps": STEPS, "save_every_n": 3}
"""Saves `last` at steps 3, 6, 9 and 11, and `best` at most even steps."""


@dataclass
class Disk:
    """A data folder whose database can be reset to an earlier state."""

    home: Path
    snapshots: list[Path] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.home / "charrnn.sqlite3"

    def take_snapshot(self) -> None:
        """Copy the current database."""
        self.snapshots.append(self.home / f"snapshot-{len(self.snapshots)}")
        with sqlite3.connect(self.database) as source, sqlite3.connect(self.snapshots[-1]) as target:
            source.backup(target)
        source.close()
        target.close()

    def restore_snapshot(self, number: int = 0) -> None:
        """Reset the database to a snapshot, as after a power failure; keep the folders."""
        for ending in ("-wal", "-shm"):
            self.database.with_name(self.database.name + ending).unlink(missing_ok=True)
        shutil.copyfile(self.snapshots[number], self.database)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "home")


@contextmanager
def opened(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Open the data folder as in a new process."""
    monkeypatch.setattr("charrnn.services.process_identity._TOKEN", secrets.token_hex(6))
    with open_services(disk.home, environ={}) as services:
        yield services


def stop_at(services: Services, step: int, model: Model) -> At:
    return At(step, lambda: services.training.stop(model.id))


def train_until(services: Services, step: int, *, snapshot: Disk | None = None, after: int = 0) -> Model:
    """Train a new model until a step; take a snapshot once the database lists the checkpoint of step `after`."""
    corpus, _ = services.corpora.add(TEXT)
    model = services.models.create("ducks", corpus=corpus, options=LONG)

    def wait_and_take_snapshot() -> None:
        while not [c for c in services.models.checkpoints(model.id) if c.step >= after and c.kind == "last"]:
            services.training.launcher.thread(model.id)._recorder.deliver()
        if snapshot:
            snapshot.take_snapshot()

    callbacks = [At(after + 1, wait_and_take_snapshot)] if snapshot else []
    services.training.begin(model.id, callbacks=[*callbacks, stop_at(services, step, model)])
    return services.training.wait(model.id)


def resume(services: Services, model: Model, **options: int) -> Model:
    services.training.resume(model.id, options=options)
    return services.training.wait(model.id)


def losses(services: Services, model: Model) -> dict[int, float]:
    return {metric.step: metric.value for metric in services.models.metrics(model.id, names=["loss"])}


def weights(services: Services, model: Model) -> bytes:
    newest = next(c for c in services.models.checkpoints(model.id) if c.kind == "last")
    return (services.settings.checkpoints / model.id / newest.folder / "weights.safetensors").read_bytes()


def folders(services: Services, model: Model) -> set[str]:
    return {path.name for path in (services.settings.checkpoints / model.id).iterdir()}


def warnings(services: Services, model: Model) -> list[str]:
    return [line.text for line in services.models.lines(model.id) if line.level == "warning"]


@dataclass(frozen=True)
class Undisturbed:
    losses: dict[int, float]
    weights: bytes


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The result of an uninterrupted training with these options."""
    with open_services(tmp_path_factory.mktemp("undisturbed"), environ={}) as services:
        model = services.training.start(TEXT, options=LONG)
        services.training.wait(model.id)
        return Undisturbed(losses(services, model), weights(services, model))


def test_folders_lost_by_the_database_are_adopted_and_the_log_states_what_is_missing(
    disk: Disk, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These folders used to be deleted, and the training failed without a checkpoint."""
    with opened(disk, monkeypatch) as services:
        model = train_until(services, 10, snapshot=disk, after=3)
        on_disk = folders(services, model)
        assert {"last-9-1", "last-10-1"} < on_disk
    disk.restore_snapshot()
    with opened(disk, monkeypatch) as services:
        found = services.models.get(model.id)
        assert (found.state, found.step) == (ModelState.INTERRUPTED, 10)
        assert {checkpoint.folder for checkpoint in services.models.checkpoints(model.id)} == on_disk
        assert "last-10-1 was found on the disk and is used instead" in (found.error or "")
        assert resume(services, model).state == ModelState.COMPLETED
        (line,) = [text for text in warnings(services, model) if "found on the disk" in text]
        assert re.search("of steps [34] to 10 may be missing", line) and "last-3-1" in line
        assert weights(services, model) == undisturbed.weights
        kept = losses(services, model)  # the loss of step 4 may or may not have been stored
        assert kept.items() <= undisturbed.losses.items()
        assert set(undisturbed.losses) - set(kept) in ({5, 6, 7, 8, 9, 10}, {4, 5, 6, 7, 8, 9, 10})
        best = min(metric.value for metric in services.models.metrics(model.id, names=["val_loss"]))
        assert services.models.get(model.id).best_loss == best


def test_listed_checkpoints_are_preferred_and_nothing_is_removed_before_a_newer_one_is_stored(
    disk: Disk, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders_during_training: list[set[str]] = []
    with opened(disk, monkeypatch) as services:
        model = train_until(services, 10, snapshot=disk, after=9)
    disk.restore_snapshot()
    with opened(disk, monkeypatch) as services:
        assert "last-10-1" not in {checkpoint.folder for checkpoint in services.models.checkpoints(model.id)}

        def record_folders(event: Event) -> None:
            is_first_checkpoint = isinstance(event, CheckpointSaved) and not folders_during_training
            if isinstance(event, MetricsMeasured) or is_first_checkpoint:
                folders_during_training.append(folders(services, model))

        services.training.resume(model.id, listeners=[record_folders])
        assert services.training.wait(model.id).state == ModelState.COMPLETED
        assert "last-10-1" in folders_during_training[0]
        assert "last-10-1" not in folders(services, model)
        assert not warnings(services, model)
        assert (losses(services, model), weights(services, model)) == (undisturbed.losses, undisturbed.weights)


def test_a_training_number_used_by_a_folder_is_not_reused(
    disk: Disk, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(disk, monkeypatch) as services:
        model = train_until(services, 5)
        disk.take_snapshot()
        services.training.resume(model.id, callbacks=[stop_at(services, 2, model)])
        assert "last-7-2" in {c.folder for c in services.models.checkpoints(services.training.wait(model.id).id)}
    disk.restore_snapshot()
    with opened(disk, monkeypatch) as services:
        assert services.models.get(model.id).epoch == 1
        ended = resume(services, model)
        assert (ended.state, ended.epoch) == (ModelState.COMPLETED, 3)
        assert weights(services, model) == undisturbed.weights


def test_options_lost_by_the_database_are_restored_from_the_checkpoint(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(disk, monkeypatch) as services:
        model = train_until(services, 4)
        disk.take_snapshot()
        assert resume(services, model, max_steps=13).step == 13
    disk.restore_snapshot()
    with opened(disk, monkeypatch) as services:
        found = services.models.get(model.id)
        assert (found.step, found.train_params["max_steps"]) == (13, 13)


def test_metrics_of_a_replaced_training_are_not_mixed_with_those_of_the_next(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(disk, monkeypatch) as services:
        model = train_until(services, 8)
        disk.take_snapshot()
        services.models.set_options(model.id, model.train_params | {"seed": 5})
        services.training.begin(model.id, callbacks=[stop_at(services, 4, model)])
        assert services.training.wait(model.id).step == 4
    disk.restore_snapshot()
    with opened(disk, monkeypatch) as services:
        found = services.models.get(model.id)
        assert (found.step, found.train_params["seed"]) == (4, 5)
        assert losses(services, model) == {}
        assert "of steps 0 to 4 may be missing" in warnings(services, model)[-1]
        assert resume(services, model).state == ModelState.COMPLETED
        assert sorted(losses(services, model)) == list(range(5, STEPS + 1))


def test_a_training_lost_by_the_database_is_recovered_as_interrupted(
    disk: Disk, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(disk, monkeypatch) as services:
        corpus, _ = services.corpora.add(TEXT)
        model = services.models.create("ducks", corpus=corpus, options=LONG)
        disk.take_snapshot()
        services.training.begin(model.id, callbacks=[stop_at(services, 7, model)])
        services.training.wait(model.id)
    disk.restore_snapshot()
    with opened(disk, monkeypatch) as services:
        assert services.models.get(model.id).state == ModelState.INTERRUPTED
        assert services.training.can_resume(model.id)
        assert resume(services, model).state == ModelState.COMPLETED
        assert weights(services, model) == undisturbed.weights


def test_damaged_folders_are_neither_adopted_nor_removed(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(disk, monkeypatch) as services:
        model = train_until(services, 10, snapshot=disk, after=3)
        flip_bit(services.settings.checkpoints / model.id / "last-10-1", random.Random(7))
    disk.restore_snapshot()
    with opened(disk, monkeypatch) as services:
        assert services.models.get(model.id).step == 9
        assert "last-10-1" not in {checkpoint.folder for checkpoint in services.models.checkpoints(model.id)}
        assert "last-10-1" in folders(services, model)


def test_folders_of_a_worker_that_lost_its_database_connection_are_not_adopted(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first checkpoint is on the disk, its rows are not stored yet, and its lease has expired."""
    with opened(disk, monkeypatch) as services:
        corpus, _ = services.corpora.add(TEXT)
        model = services.models.create("elsewhere", corpus=corpus, options=LONG)
        leases = services.training.launcher.leases
        leases.queue(model.id)
        claimed = leases.claim(model.id, "elsewhere:4711:token:0123456789abcdef:55", seconds=-1)
        other = train_until(services, 3)
        source = services.settings.checkpoints / other.id / "last-3-1"
        shutil.copytree(source, services.settings.checkpoints / model.id / "last-3-1")
        services.training.end_dead()
    with opened(disk, monkeypatch) as services:
        found = services.models.get(model.id)
        assert (found.state, found.worker) == (ModelState.INTERRUPTED, claimed.worker)
        assert services.training.can_resume(model.id)
        assert not services.models.checkpoints(model.id)
        assert resume(services, model).state == ModelState.COMPLETED  # resuming takes over the training


def test_folders_of_a_training_that_was_restarted_are_not_adopted(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """This simulates a second machine that shares only the database and lacks the folders of the newer training."""
    with opened(disk, monkeypatch) as services:
        model = train_until(services, 5)
        folder = services.settings.checkpoints / model.id
        shutil.copytree(folder / "last-5-1", disk.home / "last-5-1")
        services.training.begin(model.id, callbacks=[stop_at(services, 3, model)])
        services.training.wait(model.id)
        rows = services.models.checkpoints(model.id)
        shutil.rmtree(folder)
        folder.mkdir()
        (disk.home / "last-5-1").rename(folder / "last-5-1")
    with opened(disk, monkeypatch) as services:
        assert services.models.get(model.id).state == ModelState.STOPPED
        assert services.models.checkpoints(model.id) == rows
