"""Send SIGKILL at random moments, and check that nothing is lost, duplicated or different afterwards."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from charrnn.store.row_conversion import LEASED
from tests.torture.checkpoint_damage import DAMAGES
from tests.torture.child_process import Child, ForkServer
from tests.torture.findings import Finding, all_held
from tests.torture.training_history import (
    TrainingResult,
    gaps,
    missing_steps,
    new_model,
    read_result,
    unfinished_checkpoints,
    unmatched_checkpoints,
    without_steps,
)

MOMENTS = ("starting", "training", "training", "writing")
KILLS_PER_MODEL, MODELS_PER_FOLDER = 8, 3


@dataclass
class Kills:
    """Kill trainings of one data folder after another, and count the results.

    Args:
        homes: Data folder and database URL by kind of database.
        steps: Steps per training.
        rng: Random choice of moments and damage.
    """

    homes: dict[str, tuple[Path, str]]
    steps: int
    rng: random.Random
    moments: dict[str, int] = field(default_factory=dict)
    kills_during_write: int = 0
    detection_seconds: list[float] = field(default_factory=list)
    """Seconds from each kill until the model was `interrupted`."""
    equal: list[bool] = field(default_factory=list)
    complete: list[bool] = field(default_factory=list)
    consistent: list[bool] = field(default_factory=list)
    damaged: set[tuple[str, str]] = field(default_factory=set)
    """Model ID and checkpoint folder."""
    skipped: set[tuple[str, str]] = field(default_factory=set)

    def run(self, kills: int) -> list[Finding]:
        """Kill trainings the given number of times, and let each one finish."""
        expected: TrainingResult | None = None
        done = 0
        while done < kills:
            for kind, (home, url) in self.homes.items():
                if done >= kills:
                    break
                with (
                    open_services(home, database_url=url, environ={}) as services,
                    ForkServer(home, url) as fork_server,
                ):
                    expected = expected or self._train_uninterrupted(services, fork_server)
                    for number in range(MODELS_PER_FOLDER):
                        name = f"{kind} {len(self.equal)} {number}"
                        model_id = new_model(services, name, max_steps=self.steps)
                        done += self._train(services, fork_server, model_id, min(KILLS_PER_MODEL, kills - done))
                        self._check(services, model_id, expected)
                        if done >= kills:
                            break
        return self._findings(kills)

    def _train_uninterrupted(self, services: Services, fork_server: ForkServer) -> TrainingResult:
        model_id = new_model(services, "uninterrupted", max_steps=self.steps)
        fork_server.train(model_id).end()
        return read_result(services, model_id)

    def _train(self, services: Services, fork_server: ForkServer, model_id: str, kills: int) -> int:
        """Train a model to its end, killing it several times; return the number of kills."""
        done = 0
        while services.models.get(model_id).state != ModelState.COMPLETED:
            child = fork_server.train(model_id)
            if done >= kills:
                child.end()
            else:
                done += self._kill(services, model_id, child)
        return done

    def _kill(self, services: Services, model_id: str, child: Child) -> bool:
        moment = self.rng.choice(MOMENTS)
        if moment == "starting":
            time.sleep(self.rng.uniform(0, 3))  # a random moment of the start
        else:
            child.wait_for_steps()
            time.sleep(self.rng.uniform(0, 1))  # a random moment of the training
        end, before = time.monotonic() + 5, unfinished_checkpoints(services, model_id)
        while moment == "writing" and unfinished_checkpoints(services, model_id) <= before and time.monotonic() < end:
            pass
        killed = child.kill()
        killed_at = time.monotonic()
        if not killed:
            return False
        self.moments[moment] = self.moments.get(moment, 0) + 1
        self.kills_during_write += not unfinished_checkpoints(services, model_id) <= before
        self._wait_until_interrupted(services, model_id, killed_at)
        if self.rng.random() < 0.3:
            self._damage(services, model_id)
        return True

    def _wait_until_interrupted(self, services: Services, model_id: str, killed_at: float) -> None:
        if services.models.get(model_id).state not in LEASED:
            return  # it had not started; if it was queued already, the next process takes it over
        while services.models.get(model_id).state != ModelState.INTERRUPTED and time.monotonic() < killed_at + 90:
            services.training.end_dead()
        self.detection_seconds.append(time.monotonic() - killed_at)

    def _damage(self, services: Services, model_id: str) -> None:
        """Damage the newest checkpoint once, if there is another one to resume from and the training continues."""
        if services.models.get(model_id).state == ModelState.COMPLETED:
            return  # it had already ended
        newest, *others = services.models.checkpoints(model_id) or [None]
        if others and newest.folder != others[0].folder and (model_id, newest.folder) not in self.damaged:
            damage = self.rng.choice(DAMAGES)
            damage(services.settings.checkpoints / model_id / newest.folder, self.rng)
            self.damaged.add((model_id, newest.folder))

    def _check(self, services: Services, model_id: str, expected: TrainingResult) -> None:
        lines = services.models.lines(model_id)
        warnings = [line.text for line in lines if line.level == "warning"]
        for damaged in self.damaged:
            if damaged[0] == model_id and any(damaged[1] in text for text in warnings):
                self.skipped.add(damaged)
        missing = missing_steps(services, model_id)  # killed between the first checkpoint folder and its row
        self.equal.append(without_steps(read_result(services, model_id), missing) == without_steps(expected, missing))
        errors = gaps(services, model_id)
        self.complete.append(not errors)
        self.consistent.append(not unmatched_checkpoints(services, model_id))
        name, killed = services.models.get(model_id).name, sum(self.moments.values())
        print(f"{name}: {killed} kills so far", *errors, "" if self.equal[-1] else "differs", flush=True)

    def _findings(self, kills: int) -> list[Finding]:
        count = sum(self.moments.values())
        moments = ", ".join(f"{number} {name}" for name, number in sorted(self.moments.items()))
        slowest = max(self.detection_seconds, default=0.0)
        return [
            Finding(
                "killed at random moments",
                count,
                f"{moments}; {self.kills_during_write} during a write",
                f"{kills}",
                count >= kills,
            ),
            Finding(
                "shown as interrupted by the next process",
                len(self.detection_seconds),
                f"{slowest:.2f} s",
                "2 s",
                slowest <= 2,
            ),
            all_held("weights, optimizer state, metrics and samples equal an uninterrupted training", self.equal),
            all_held("no log line lost or duplicated, all in order", self.complete),
            all_held("no checkpoint without a row, no row without one", self.consistent),
            Finding(
                "damaged checkpoints skipped with a log line",
                len(self.damaged),
                f"{len(self.skipped)}",
                "each",
                self.skipped == self.damaged,
            ),
        ]
