"""Simulate power cuts: the database falls back to any commit, folders to any state their syncs allow."""

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
from tests.torture.child_process import Nursery
from tests.torture.findings import Finding, all_held
from tests.torture.training_history import Story, gaps, left_over, missing_steps, new_model, told, told_without

CUTS_A_MODEL = 4
WAL_HEADER, FRAME_HEADER = 32, 24


@dataclass
class PowerCuts:
    """Cut the power of a machine with a SQLite data folder again and again.

    Args:
        home: The data folder.
        steps: Steps per training.
        chance: Random choice of moments, lost commits and removed folders that return.
    """

    home: Path
    steps: int
    chance: random.Random
    behind: list[int] = field(default_factory=list)
    """Number of commits that each cut lost."""
    adopted: int = 0
    kept: list[bool] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    tidy: list[bool] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    expected_step: int | None = None
    """Step at which the next start should resume; `None` if there is no checkpoint."""

    def run(self, cuts: int) -> list[Finding]:
        """Cut the power the given number of times, and let each training finish."""
        with self._nursery() as nursery:
            with self._services() as services:
                model_id = new_model(services, "undisturbed", max_steps=self.steps)
            nursery.train(model_id).end()
            with self._services() as services:
                expected = told(services, model_id)
            while len(self.behind) < cuts:
                with self._services() as services:
                    model_id = new_model(services, f"cut {len(self.behind)}", max_steps=self.steps)
                self.expected_step = None
                for _ in range(min(CUTS_A_MODEL, cuts - len(self.behind))):
                    if not self._cut_once(nursery, model_id):
                        break
                self._finish(nursery, model_id, expected)
        return self._findings(cuts)

    def _cut_once(self, nursery: Nursery, model_id: str) -> bool:
        """Train for a while, cut the power and check the result; return whether the training continues."""
        began = self._lines(model_id)
        with _Grown(self.home / "charrnn.sqlite3") as grown, _kept_folders(self.home, model_id) as removed:
            child = nursery.train(model_id)
            child.wait_for_steps()
            time.sleep(self.chance.uniform(0, 3))
            child.kill()
        self._check_start(model_id, began)
        commits = grown.commits
        lost = min(commits, self.chance.choice((0, 1, 3, self.chance.randint(0, commits), commits)))
        grown.go_back(commits - lost, self.chance)
        self.behind.append(lost)
        self._bring_back(removed(), model_id)
        return self._look(model_id)

    def _bring_back(self, removed: list[Path], model_id: str) -> None:
        """Restore some removed folders, whose removal was not synced, some of them only partly."""
        for path in removed:
            target = self.home / "checkpoints" / model_id / path.name
            if self.chance.random() < 0.4 and not target.exists():
                shutil.copytree(path, target)
                if self.chance.random() < 0.3:
                    self.chance.choice(sorted(target.iterdir())).unlink()

    def _look(self, model_id: str) -> bool:
        """Open the data folder as after a restart."""
        before = _sound(self.home / "checkpoints" / model_id)
        rows = self._rows(model_id)
        self.expected_step = max((_step(name) for name in rows & before), default=None)
        with self._services() as services:
            services.training.end_dead()
            state = services.models.get(model_id).state
            if state == ModelState.FAILED:
                self.failed.append(services.models.get(model_id).error or "")
            self.kept.append(_sound(self.home / "checkpoints" / model_id) >= before)
            if self.expected_step is None and before:
                self.expected_step = max(map(_step, before))
                self.adopted += 1
        return state != ModelState.COMPLETED

    def _check_start(self, model_id: str, began: int) -> None:
        """Check that a training resumed at the expected step."""
        expected, self.expected_step = self.expected_step, None
        if expected is None:
            return
        with sqlite3.connect(self.home / "charrnn.sqlite3") as database:
            query = "SELECT chunk FROM model_log WHERE model_id = ? AND position > ? ORDER BY position"
            lines = [line for (line,) in database.execute(query, (model_id, began))]
        database.close()
        steps = [int(found[1]) for line in lines if (found := re.match(r"resumed at step (\d+)", line))]
        self.right.append(steps == [expected])

    def _finish(self, nursery: Nursery, model_id: str, expected: Story) -> None:
        """Let a training finish and compare it with an uninterrupted one."""
        with self._services() as services:
            state = services.models.get(model_id).state
        is_resumed = state != ModelState.COMPLETED
        if is_resumed:
            began = self._lines(model_id)
            nursery.train(model_id).end()
            self._check_start(model_id, began)
        with self._services() as services:
            model, story = services.models.get(model_id), told(services, model_id)
            if model.state != ModelState.COMPLETED:
                self.failed.append(model.error or model.state)
            missing = missing_steps(services, model_id)
            self.same.append((story.weights, story.memory) == (expected.weights, expected.memory))
            values = told_without(expected, missing) == told_without(story, missing)
            wrong = gaps(services, model_id)
            self.whole.append(values and not wrong)
            if is_resumed:  # folders that came back with the power are deleted by the next training
                self.tidy.append(not left_over(services, model_id))
            print(f"{model.name}: {len(self.behind)} cuts so far", *wrong, "" if values else "differs", flush=True)

    @contextmanager
    def _services(self) -> Iterator[Services]:
        self._let_time_pass()
        with open_services(self.home, environ={}) as services:
            yield services

    def _nursery(self) -> Nursery:
        return Nursery(self.home, f"sqlite:///{self.home}/charrnn.sqlite3")

    def _let_time_pass(self) -> None:
        """Expire the minute that a queued training waits for its worker."""
        if (self.home / "charrnn.sqlite3").exists():
            with sqlite3.connect(self.home / "charrnn.sqlite3") as database:
                database.execute("UPDATE model SET lease_until = '2000-01-01 00:00:00' WHERE state = 'queued'")
            database.close()

    def _lines(self, model_id: str) -> int:
        with self._services() as services:
            return services.models.get(model_id).log_position

    def _rows(self, model_id: str) -> set[str]:
        with sqlite3.connect(self.home / "charrnn.sqlite3") as database:
            rows = database.execute("SELECT folder FROM checkpoint WHERE model_id = ?", (model_id,)).fetchall()
        database.close()
        return {folder for (folder,) in rows}

    def _findings(self, cuts: int) -> list[Finding]:
        count, furthest = len(self.behind), max(self.behind, default=0)
        came = f"{sum(map(bool, self.behind))} behind, at most {furthest} commits; {self.adopted} adopted"
        return [
            Finding("power cuts, database older than the folders", count, came, f"{cuts}", count >= cuts),
            Finding("after a power cut: failed", count, "; ".join(self.failed) or "0", "0", not self.failed),
            all_held("no valid folder is deleted when the database is opened", self.kept),
            all_held("resumed at the newest checkpoint with a row, else at the newest folder", self.right),
            all_held("weights and optimizer state equal an uninterrupted training", self.same),
            all_held("log, metrics and samples complete, or the log names the missing steps", self.whole),
            all_held("no checkpoint without a row, no row without one", self.tidy),
        ]


class _Grown:
    """Keep every commit in the write-ahead log, by holding a reader of the previous state open."""

    def __init__(self, database: Path):
        self._path, self._log = database, database.with_name(database.name + "-wal")

    def __enter__(self) -> "_Grown":
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

    def go_back(self, commits: int, chance: random.Random) -> None:
        """Keep the given number of commits, and sometimes part of the next one, as a power cut does."""
        end = [WAL_HEADER, *self._ends()][commits]
        torn = bytearray(self._frames[end : end + chance.choice((0, 11, FRAME_HEADER, 999))])
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
def _kept_folders(home: Path, model_id: str) -> Iterator[Callable[[], list[Path]]]:
    """Copy each new checkpoint; yield a function that lists those that were removed since."""
    source, target = home / "checkpoints" / model_id, home / "kept" / model_id
    source.mkdir(exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    over = threading.Event()

    def keep() -> None:
        while not over.wait(0.005):
            for path in source.iterdir():
                if parse_folder(path.name) and not (target / path.name).exists():
                    with suppress(OSError):  # it is being removed
                        shutil.copytree(path, target / path.name, copy_function=link)

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield lambda: [path for path in sorted(target.iterdir()) if not (source / path.name).exists()]
    finally:
        over.set()
        thread.join()


def _sound(folder: Path) -> set[str]:
    found = set()
    for path in folder.iterdir() if folder.exists() else ():
        if parse_folder(path.name):
            with suppress(CheckpointError):
                verify(path)
                found.add(path.name)
    return found


def _step(folder: str) -> int:
    return int(folder.split("-")[1])
