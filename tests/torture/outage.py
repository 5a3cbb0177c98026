"""Stop the database during a training, and check that nothing is missing afterwards and only one worker trains."""

import math
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from charrnn.core.errors import StateError
from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from tests.support.database_servers import Server
from tests.torture.child_process import Child, ForkServer
from tests.torture.findings import Finding, all_held
from tests.torture.training_history import gaps, new_model, read_result

ENDLESS = 1_000_000
BACK_SECONDS = 30
"""Time after which a worker must use a database that is reachable again."""
OUTAGES = {
    "shut down": (Server.stop, Server.start),
    "silent": (Server.suspend, Server.resume),
}


def run(server: Server, home: Path, url: str, seconds: float, *, lease: float) -> list[Finding]:
    """Stop the database in each way for some seconds, while another process checks for dead workers."""
    findings = []
    for name, (begin_outage, end_outage) in OUTAGES.items():
        with open_services(home, database_url=url, environ={}) as services, ForkServer(home, url) as fork_server:
            model_id = new_model(services, f"database {name}", max_steps=ENDLESS, save_every_n=ENDLESS)
            child = fork_server.train(model_id, lease=lease)
            child.wait_for_steps()
            time.sleep(1)
            outage_start = datetime.now(UTC).replace(tzinfo=None)
            begin_outage(server)
            time.sleep(seconds)
            end_outage(server)
            outage_end = datetime.now(UTC).replace(tzinfo=None)
            recovery_seconds = _measure_recovery(services, model_id, child)
            with suppress(StateError):  # the training was lost; the table shows it
                services.training.stop(model_id)
            child.end()
            ended = services.models.get(model_id)
            losses = services.models.metrics(model_id, names=["loss"])
            during_outage = sum(outage_start < metric.time < outage_end for metric in losses)
            is_complete = not gaps(services, model_id) and [m.step for m in losses] == list(range(1, ended.step + 1))
            promise = f"database {name} for {seconds:g} s"
            findings += [
                Finding(
                    f"{promise}: steps completed during the outage and stored later",
                    during_outage,
                    f"{during_outage:,}",
                    "some",
                    during_outage > 0,
                ),
                Finding(
                    f"{promise}: new steps in the database",
                    1,
                    f"{recovery_seconds:.1f} s",
                    f"{BACK_SECONDS} s",
                    recovery_seconds < BACK_SECONDS,
                ),
                all_held(f"{promise}: every line and metric once and in order", [is_complete]),
                Finding(f"{promise}: then stopped", 1, ended.state, "stopped", ended.state == ModelState.STOPPED),
            ]
    return findings


def _measure_recovery(services: Services, model_id: str, child: Child) -> float:
    """Wait until a training stores new steps; return the seconds; infinity if it does not in time."""
    start = time.monotonic()
    model = services.models.get(model_id)
    stored_step = model.step
    while not (model.step > stored_step and model.state == ModelState.TRAINING):
        services.training.end_dead()
        model = services.models.get(model_id)
        if time.monotonic() > start + BACK_SECONDS or not child.is_alive():
            return math.inf
        time.sleep(0.05)
    return time.monotonic() - start


def take_over(home: Path, url: str, *, lease: float, steps: int) -> list[Finding]:
    """Freeze a worker until its lease expires, let another worker take over, then resume the first."""
    with open_services(home, database_url=url, environ={}) as services, ForkServer(home, url) as fork_server:
        uninterrupted = new_model(services, "not taken over", max_steps=steps)
        fork_server.train(uninterrupted).end()
        model_id = new_model(services, "taken over", max_steps=steps)
        frozen = fork_server.train(model_id, lease=lease)
        frozen.wait_for_steps()
        while not services.models.checkpoints(model_id):
            time.sleep(0.01)
        frozen.kill(signal.SIGSTOP)
        start = time.monotonic()
        while services.models.get(model_id).state != ModelState.INTERRUPTED:
            services.training.end_dead()
            time.sleep(0.05)
        detection_seconds = time.monotonic() - start
        other = fork_server.train(model_id)
        other.wait_for_steps()
        frozen.kill(signal.SIGCONT)
        final_state = frozen.state()
        other.end()
        frozen.end()
        same = read_result(services, model_id) == read_result(services, uninterrupted) and not gaps(services, model_id)
        epochs = {checkpoint.folder.rpartition("-")[2] for checkpoint in services.models.checkpoints(model_id)}
    longest = lease + 10
    return [
        Finding(
            "suspended worker: shown as interrupted",
            1,
            f"{detection_seconds:.1f} s",
            f"{longest:g} s",
            detection_seconds < longest,
        ),
        Finding(
            "taken over: the old worker stops", 1, final_state, "interrupted", final_state == ModelState.INTERRUPTED
        ),
        all_held("taken over: writes of the old worker are rejected", [same, epochs == {"2"}]),
    ]
