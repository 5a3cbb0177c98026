"""Simulate power cuts: restore the database to any commit, and folders to any state that their syncs allow."""

import random
import re
import shutil
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from os import link
from pathlib import Path

from charrnn.core.checkpoint_manifest import verify
from charrnn.core.errors import CheckpointError
from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from charrnn.services.checkpoint_manager import parse_folder
from tests.torture.child_process import ForkServer
from tests.torture.findings import Finding, all_held
from tests.torture.training_history import (
    TrainingResult,
    gaps,
    missing_steps,
    new_model,
    read_result,
    unmatched_checkpoints,
    without_steps,
)

CUTS_PER_MODEL = 4
WAL_HEADER, FRAME_HEADER = 32, 24


@dataclass
class PowerCuts:
    """Simulate repeated power cuts of a machine with a SQLite data folder.

    Args:
        home: The data folder.
        steps: Steps per training.
        rng: Random choice of moments, lost commits and removed folders that reappear.
    """

    home: Path
    steps: int
    rng: random.Random
    lost_commits: list[int] = field(default_factory=list)
    """Number of commits that each cut lost."""
    adopted: int = 0
    kept: list[bool] = field(default_factory=list)
    resumed_correctly: list[bool] = field(default_factory=list)
    equal: list[bool] = field(default_factory=list)
    complete: list[bool] = field(default_factory=list)
    consistent: list[bool] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    expected_step: int | None = None
    """Step at which the next start should resume; `None` if there is no checkpoint."""

    def run(self, cuts: int) -> list[Finding]:
        """Cut the power the given number of times, and let each training finish."""
        with self._fork_server() as fork_server:
            with self._services() as services:
                model_id = new_model(services, "uninterrupted", max_steps=self.steps)
            fork_server.train(model_id).end()
            with self._services() as services:
                expected = read_result(services, model_id)
            while len(self.lost_commits) < cuts:
                with self._services() as services:
                    model_id = new_model(services, f"cut {len(self.lost_commits)}", max_steps=self.steps)
                self.expected_step = None
                for _ in range(min(CUTS_PER_MODEL, cuts - len(self.lost_commits))):
                    if not self._cut_once(fork_server, model_id):
                        break
                self._finish(fork_server, model_id, expected)
        return self._findings(cuts)

    def _cut_once(self, fork_server: ForkServer, model_id: str) -> bool:
        """Train for a while, cut the power and check the result; return whether the training continues."""
        log_position = self._log_position(model_id)
        with _CommitHistory(self.home / "charrnn.sqlite3") as history, _copied_folders(self.home, model_id) as removed:
            child = fork_server.train(model_id)
            child.wait_for_steps()
            time.sleep(self.rng.uniform(0, 3))  # a random moment of the training
            child.kill()
        self._check_start(model_id, log_position)
        commits = history.commits
        lost = min(commits, self.rng.choice((0, 1, 3, self.rng.randint(0, commits), commits)))
        history.restore_commits(commits - lost, self.rng)
        self.lost_commits.append(lost)
        self._restore_removed_folders(removed(), model_id)
        return self._reopen(model_id)

    def _restore_removed_folders(self, removed: list[Path], model_id: str) -> None:
        """Restore some removed folders, whose removal was not synced, some of them only partly."""
        for path in removed:
            target = self.home / "checkpoints" / model_id / path.name
            if self.rng.random() < 0.4 and not target.exists():
                shutil.copytree(path, target)
                if self.rng.random() < 0.3:
                    self.rng.choice(sorted(target.iterdir())).unlink()

    def _reopen(self, model_id: str) -> bool:
        """Open the data folder as after a restart."""
        before = _valid_checkpoints(self.home / "checkpoints" / model_id)
        rows = self._rows(model_id)
        self.expected_step = max((_step(name) for name in rows & before), default=None)
        with self._services() as services:
            services.training.end_dead()
            state = services.models.get(model_id).state
            if state == ModelState.FAILED:
                self.failed.append(services.models.get(model_id).error or "")
            self.kept.append(_valid_checkpoints(self.home / "checkpoints" / model_id) >= before)
            if self.expected_step is None and before:
                self.expected_step = max(map(_step, before))
                self.adopted += 1
        return state != ModelState.COMPLETED

    def _check_start(self, model_id: str, log_position: int) -> None:
        """Check that a training resumed at the expected step."""
        expected, self.expected_step = self.expected_step, None
        if expected is None:
            return
        with sqlite3.connect(self.home / "charrnn.sqlite3") as database:
            query = "SELECT chunk FROM model_log WHERE model_id = ? AND position > ? ORDER BY position"
            lines = [line for (line,) in database.execute(query, (model_id, log_position))]
        database.close()
        steps = [int(found[1]) for line in lines if (found := re.match(r"resumed at step (\d+)", line))]
        self.resumed_correctly.append(steps == [expected])

    def _finish(self, fork_server: ForkServer, model_id: str, expected: TrainingResult) -> None:
        """Let a training finish and compare it with an uninterrupted one."""
        with self._services() as services:
            state = services.models.get(model_id).state
        is_resumed = state != ModelState.COMPLETED
        if is_resumed:
            log_position = self._log_position(model_id)
            fork_server.train(model_id).end()
            self._check_start(model_id, log_position)
        with self._services() as services:
            model, result = services.models.get(model_id), read_result(services, model_id)
            if model.state != ModelState.COMPLETED:
                self.failed.append(model.error or model.state)
            missing = missing_steps(services, model_id)
            self.equal.append((result.weights, result.training_state) == (expected.weights, expected.training_state))
            is_equal = without_steps(expected, missing) == without_steps(result, missing)
            errors = gaps(services, model_id)
            self.complete.append(is_equal and not errors)
            if is_resumed:  # the next training deletes restored folders
                self.consistent.append(not unmatched_checkpoints(services, model_id))
            difference = "" if is_equal else "differs"
            print(f"{model.name}: {len(self.lost_commits)} cuts so far", *errors, difference, flush=True)

    @contextmanager
    def _services(self) -> Iterator[Services]:
        with open_services(self.home, environ={}) as services:
            yield services

    def _fork_server(self) -> ForkServer:
        return ForkServer(self.home, f"sqlite:///{self.home}/charrnn.sqlite3")

    def _log_position(self, model_id: str) -> int:
        with self._services() as services:
            return services.models.get(model_id).log_position

    def _rows(self, model_id: str) -> set[str]:
        with sqlite3.connect(self.home / "charrnn.sqlite3") as database:
            rows = database.execute("SELECT folder FROM checkpoint WHERE model_id = ?", (model_id,)).fetchall()
        database.close()
        return {folder for (folder,) in rows}

    def _findings(self, cuts: int) -> list[Finding]:
        count, most = len(self.lost_commits), max(self.lost_commits, default=0)
        measured = f"{sum(map(bool, self.lost_commits))} behind, at most {most} commits; {self.adopted} adopted"
        return [
            Finding("power cuts, database older than the folders", count, measured, f"{cuts}", count >= cuts),
            Finding("after a power cut: failed", count, "; ".join(self.failed) or "0", "0", not self.failed),
            all_held("no valid folder is deleted when the database is opened", self.kept),
            all_held("resumed at the newest checkpoint with a row, else at the newest folder", self.resumed_correctly),
            all_held("weights and optimizer state equal an uninterrupted training", self.equal),
            all_held("log, metrics and samples complete, or the log names the missing steps", self.complete),
            all_held("no checkpoint without a row, no row without one", self.consistent),
        ]


class _CommitHistory:
    """Keep every commit in the write-ahead log, by keeping a read transaction of the previous state open."""

    def __init__(self, database: Path):
        self._path, self._log = database, database.with_name(database.name + "-wal")

    def __enter__(self) -> "_CommitHistory":
        self._base = self._path.read_bytes()
        self._reader = sqlite3.connect(self._path, isolation_level=None)
        self._reader.execute("BEGIN")
        self._reader.execute("SELECT count(*) FROM model").fetchone()
        return self

    def __exit__(self, *error: object) -> None:
        self._frames = self._log.read_bytes()
        self._reader.close()

    @property
    def commits(self) -> int:
        """The number of commits."""
        return len(self._ends())

    def restore_commits(self, commits: int, rng: random.Random) -> None:
        """Keep the given number of commits, and sometimes part of the next one, as a power cut does."""
        end = [WAL_HEADER, *self._ends()][commits]
        torn = bytearray(self._frames[end : end + rng.choice((0, 11, FRAME_HEADER, 999))])
        if torn:
            torn[-1] ^= 0xFF
        self._path.with_name(self._path.name + "-shm").unlink(missing_ok=True)
        self._path.write_bytes(self._base)
        self._log.write_bytes(self._frames[:end] + torn)

    def _ends(self) -> list[int]:
        """Return the end of each commit: the last frame of a commit contains the size of the database."""
        (page,) = struct.unpack_from(">I", self._frames, 8)
        frame = FRAME_HEADER + page
        starts = range(WAL_HEADER, len(self._frames) - frame + 1, frame)
        salt = self._frames[16:24]
        return [
            start + frame
            for start in starts
            if self._frames[start + 8 : start + 16] == salt and struct.unpack_from(">I", self._frames, start + 4)[0]
        ]


@contextmanager
def _copied_folders(home: Path, model_id: str) -> Iterator[Callable[[], list[Path]]]:
    """Copy each new checkpoint; yield a function that lists those that were removed since."""
    source, target = home / "checkpoints" / model_id, home / "kept" / model_id
    source.mkdir(exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    is_done = threading.Event()

    def copy() -> None:
        while not is_done.wait(0.005):
            for path in source.iterdir():
                if parse_folder(path.name) and not (target / path.name).exists():
                    with suppress(OSError):  # it is being removed
                        shutil.copytree(path, target / path.name, copy_function=link)

    thread = threading.Thread(target=copy)
    thread.start()
    try:
        yield lambda: [path for path in sorted(target.iterdir()) if not (source / path.name).exists()]
    finally:
        is_done.set()
        thread.join()


def _valid_checkpoints(folder: Path) -> set[str]:
    valid = set()
    for path in folder.iterdir() if folder.exists() else ():
        if parse_folder(path.name):
            with suppress(CheckpointError):
                verify(path)
                valid.add(path.name)
    return valid


def _step(folder: str) -> int:
    return int(folder.split("-")[1])
