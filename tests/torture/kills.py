"""Send SIGKILL at random moments: nothing is lost, duplicated or different afterwards."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from tests.torture.checkpoint_damage import DAMAGES
from tests.torture.child_process import Child, Nursery
from tests.torture.findings import Finding, all_held
from tests.torture.training_history import (
    Story,
    gaps,
    half_written,
    left_over,
    missing_steps,
    new_model,
    told,
    told_without,
)

MOMENTS = ("starting", "learning", "learning", "writing")
KILLS_A_MODEL, MODELS_IN_TURN = 8, 3


@dataclass
class Kills:
    """Kill trainings of one data folder after another, and count the results.

    Args:
        homes: Data folder and database URL by kind of database.
        steps: Steps per training.
        chance: Random choice of moments and damage.
    """

    homes: dict[str, tuple[Path, str]]
    steps: int
    chance: random.Random
    moments: dict[str, int] = field(default_factory=dict)
    mid_write: int = 0
    noticed: list[float] = field(default_factory=list)
    """Seconds from each kill until the model was `interrupted`."""
    from_queue: list[float] = field(default_factory=list)
    """The same for workers that were killed before they acquired the lease."""
    same: list[bool] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    tidy: list[bool] = field(default_factory=list)
    damaged: set[tuple[str, str]] = field(default_factory=set)
    """Model ID and checkpoint folder."""
    passed_over: set[tuple[str, str]] = field(default_factory=set)

    def run(self, kills: int) -> list[Finding]:
        """Kill trainings the given number of times, and let each one finish."""
        expected: Story | None = None
        done = 0
        while done < kills:
            for kind, (home, url) in self.homes.items():
                if done >= kills:
                    break
                with open_services(home, database_url=url, environ={}) as services, Nursery(home, url) as nursery:
                    expected = expected or self._undisturbed(services, nursery)
                    for number in range(MODELS_IN_TURN):
                        name = f"{kind} {len(self.same)} {number}"
                        model_id = new_model(services, name, max_steps=self.steps)
                        done += self._train(services, nursery, model_id, min(KILLS_A_MODEL, kills - done))
                        self._check(services, model_id, expected)
                        if done >= kills:
                            break
        return self._findings(kills)

    def _undisturbed(self, services: Services, nursery: Nursery) -> Story:
        model_id = new_model(services, "undisturbed", max_steps=self.steps)
        nursery.train(model_id).end()
        return told(services, model_id)

    def _train(self, services: Services, nursery: Nursery, model_id: str, kills: int) -> int:
        """Train a model to its end, killing it on the way; return the number of kills."""
        done = 0
        while services.models.get(model_id).state != ModelState.COMPLETED:
            child = nursery.train(model_id)
            if done >= kills:
                child.end()
            else:
                done += self._kill(services, model_id, child)
        return done

    def _kill(self, services: Services, model_id: str, child: Child) -> bool:
        moment = self.chance.choice(MOMENTS)
        if moment == "starting":
            time.sleep(self.chance.uniform(0, 3))
        else:
            child.wait_for_steps()
            time.sleep(self.chance.uniform(0, 1))
        end, before = time.monotonic() + 5, half_written(services, model_id)
        while moment == "writing" and half_written(services, model_id) <= before and time.monotonic() < end:
            pass
        killed = child.kill()
        at = time.monotonic()
        if not killed:
            return False
        self.moments[moment] = self.moments.get(moment, 0) + 1
        self.mid_write += not half_written(services, model_id) <= before
        self._notice(services, model_id, at)
        if self.chance.random() < 0.3:
            self._damage(services, model_id)
        return True

    def _notice(self, services: Services, model_id: str, at: float) -> None:
        state = services.models.get(model_id).state
        if state not in (ModelState.QUEUED, ModelState.TRAINING, ModelState.STOPPING):
            return  # it had not started
        seconds = self.from_queue if state == ModelState.QUEUED else self.noticed
        while services.models.get(model_id).state != ModelState.INTERRUPTED and time.monotonic() < at + 90:
            services.training.end_dead()
        seconds.append(time.monotonic() - at)

    def _damage(self, services: Services, model_id: str) -> None:
        """Damage the newest checkpoint once, if there is another one to resume from and the training continues."""
        if services.models.get(model_id).state == ModelState.COMPLETED:
            return  # it had already ended
        newest, *others = services.models.checkpoints(model_id) or [None]
        if others and newest.folder != others[0].folder and (model_id, newest.folder) not in self.damaged:
            harm = self.chance.choice(DAMAGES)
            harm(services.settings.checkpoints / model_id / newest.folder, self.chance)
            self.damaged.add((model_id, newest.folder))

    def _check(self, services: Services, model_id: str, expected: Story) -> None:
        lines = services.models.lines(model_id)
        warnings = [line.text for line in lines if line.level == "warning"]
        for damaged in self.damaged:
            if damaged[0] == model_id and any(damaged[1] in text for text in warnings):
                self.passed_over.add(damaged)
        missing = missing_steps(services, model_id)  # killed between the first checkpoint folder and its row
        self.same.append(told_without(told(services, model_id), missing) == told_without(expected, missing))
        wrong = gaps(services, model_id)
        self.whole.append(not wrong)
        self.tidy.append(not left_over(services, model_id))
        name, killed = services.models.get(model_id).name, sum(self.moments.values())
        print(f"{name}: {killed} kills so far", *wrong, "" if self.same[-1] else "differs", flush=True)

    def _findings(self, kills: int) -> list[Finding]:
        count = sum(self.moments.values())
        moments = ", ".join(f"{number} {name}" for name, number in sorted(self.moments.items()))
        slowest, queued = max(self.noticed, default=0.0), max(self.from_queue, default=0.0)
        return [
            Finding(
                "killed at random moments",
                count,
                f"{moments}; {self.mid_write} in mid-write",
                f"{kills}",
                count >= kills,
            ),
            Finding(
                "shown as interrupted by the next process", len(self.noticed), f"{slowest:.2f} s", "2 s", slowest <= 2
            ),
            Finding("the same, killed while queued", len(self.from_queue), f"{queued:.1f} s", "62 s", queued <= 62),
            all_held("weights, optimizer state, metrics and samples equal an uninterrupted training", self.same),
            all_held("no log line lost or duplicated, all in order", self.whole),
            all_held("no checkpoint without a row, no row without one", self.tidy),
            Finding(
                "damaged checkpoints skipped with a log line",
                len(self.damaged),
                f"{len(self.passed_over)}",
                "each",
                self.passed_over == self.damaged,
            ),
        ]
