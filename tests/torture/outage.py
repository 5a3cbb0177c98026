"""Stop the database during a training: nothing is missing afterwards, and no two workers train."""

import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from charrnn.core.errors import StateError
from charrnn.core.records import ModelState
from charrnn.services import open_services
from tests.support.database_servers import Server
from tests.torture.child_process import Nursery
from tests.torture.findings import Finding, all_held
from tests.torture.training_history import gaps, new_model, told

ENDLESS = 1_000_000
BACK_SECONDS = 30
"""Time in which a worker must use a database that is back."""
WAYS = {
    "shut down": (Server.stop, Server.start),
    "silent": (Server.freeze, Server.thaw),
}


def run(server: Server, home: Path, url: str, seconds: float, *, lease: float) -> list[Finding]:
    """Stop the database in each way for some seconds, while another process looks for dead workers."""
    findings = []
    for way, (take_away, bring_back) in WAYS.items():
        with open_services(home, database_url=url, environ={}) as services, Nursery(home, url) as nursery:
            model_id = new_model(services, f"database {way}", max_steps=ENDLESS, save_every_n=ENDLESS)
            child = nursery.train(model_id, lease=lease)
            child.wait_for_steps()
            time.sleep(1)
            began = datetime.now(UTC).replace(tzinfo=None)
            take_away(server)
            time.sleep(seconds)
            bring_back(server)
            back = datetime.now(UTC).replace(tzinfo=None)
            taken = time.monotonic()
            model = services.models.get(model_id)
            behind = model.step
            while not (model.step > behind and model.state == ModelState.TRAINING):
                services.training.end_dead()
                model = services.models.get(model_id)
                if time.monotonic() > taken + BACK_SECONDS or not child.is_alive():
                    break
                time.sleep(0.05)
            taken = time.monotonic() - taken
            with suppress(StateError):  # the training was lost; the table shows it
                services.training.stop(model_id)
            child.end()
            ended = services.models.get(model_id)
            losses = services.models.metrics(model_id, names=["loss"])
            away = sum(began < metric.time < back for metric in losses)
            whole = not gaps(services, model_id) and [m.step for m in losses] == list(range(1, ended.step + 1))
            promise = f"database {way} for {seconds:g} s"
            findings += [
                Finding(
                    f"{promise}: steps done during the outage and stored later", away, f"{away:,}", "some", away > 0
                ),
                Finding(
                    f"{promise}: new steps in the database",
                    1,
                    f"{taken:.1f} s",
                    f"{BACK_SECONDS} s",
                    taken < BACK_SECONDS,
                ),
                all_held(f"{promise}: every line and metric once and in order", [whole]),
                Finding(f"{promise}: then stopped", 1, ended.state, "stopped", ended.state == ModelState.STOPPED),
            ]
    return findings


def take_over(home: Path, url: str, *, lease: float, steps: int) -> list[Finding]:
    """Freeze a worker until its lease expires, let another worker take over, then wake the first."""
    with open_services(home, database_url=url, environ={}) as services, Nursery(home, url) as nursery:
        undisturbed = new_model(services, "not taken over", max_steps=steps)
        nursery.train(undisturbed).end()
        model_id = new_model(services, "taken over", max_steps=steps)
        frozen = nursery.train(model_id, lease=lease)
        frozen.wait_for_steps()
        while not services.models.checkpoints(model_id):
            time.sleep(0.01)
        frozen.kill(signal.SIGSTOP)
        began = time.monotonic()
        while services.models.get(model_id).state != ModelState.INTERRUPTED:
            services.training.end_dead()
            time.sleep(0.05)
        noticed = time.monotonic() - began
        other = nursery.train(model_id)
        other.wait_for_steps()
        frozen.kill(signal.SIGCONT)
        heard = frozen.state()
        other.end()
        frozen.end()
        same = told(services, model_id) == told(services, undisturbed) and not gaps(services, model_id)
        epochs = {checkpoint.folder.rpartition("-")[2] for checkpoint in services.models.checkpoints(model_id)}
    longest = lease + 10
    return [
        Finding("dead elsewhere: shown as interrupted", 1, f"{noticed:.1f} s", f"{longest:g} s", noticed < longest),
        Finding("taken over: the old worker stops", 1, heard, "interrupted", heard == ModelState.INTERRUPTED),
        all_held("taken over: writes of the old worker are rejected", [same, epochs == {"2"}]),
    ]
