"""Send SIGTERM to the command line and to a dashboard, and check that the training is saved and can be resumed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from tests.support.small_training import TEXT
from tests.torture.child_process import ROOT
from tests.torture.findings import Finding
from tests.torture.training_history import new_model

LIMIT_SECONDS = 10
SMALL = "--num_steps 7 --num_seqs 3 --lstm_size 5 --num_layers 1 --max_steps 1000000 --sample_every_n 0".split()
DASHBOARD = """
import sys
from charrnn.services import open_services
from dashboard.__main__ import run
from dashboard.server.server import Studio, free_port, serve
with open_services(sys.argv[1]) as services:
    studio = Studio.open(services)
    services.training.begin(sys.argv[2])
    run(serve(studio, address="127.0.0.1", port=free_port("127.0.0.1", 5006), start=False))
    studio.close()
"""
"""A program that acts like `python -m dashboard` after a user clicks Train."""


def run(home: Path, url: str, times: int) -> list[Finding]:
    """Send SIGTERM to the command line and to a dashboard, each `times` times."""
    return [_sigterm("command line", home, url, times), _sigterm("dashboard", home, url, times)]


def _sigterm(where: str, home: Path, url: str, times: int) -> Finding:
    seconds, saved = [], []
    with open_services(home, database_url=url, environ={}) as services:
        for number in range(times):
            process, model_id = _begin(where, services, url, number)
            while services.models.get(model_id).step < 3 + 50 * number:
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            start = time.monotonic()
            process.wait()
            seconds.append(time.monotonic() - start)
            model, checkpoints = services.models.get(model_id), services.models.checkpoints(model_id)
            saved.append(
                model.state == ModelState.INTERRUPTED and bool(checkpoints) and checkpoints[0].step == model.step
            )
    longest = max(seconds)
    measured = f"{longest:.1f} s, {sum(saved)} saved"
    target = f"{LIMIT_SECONDS} s, all"
    return Finding(f"SIGTERM to the {where}: saved and interrupted", times, measured, target,
                   longest < LIMIT_SECONDS and all(saved))  # fmt: skip


def _begin(where: str, services: Services, url: str, number: int) -> tuple[subprocess.Popen[bytes], str]:
    home, name = services.settings.home, f"{where} {number}"
    quiet = {
        "cwd": ROOT,
        "env": os.environ | {"CHARRNN_DATABASE_URL": url},
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    if where == "dashboard":
        model_id = new_model(services, name, max_steps=1_000_000)
        return subprocess.Popen([sys.executable, "-c", DASHBOARD, str(home), model_id], **quiet), model_id
    text = home / "ducks.txt"
    text.write_text(TEXT)
    command = [sys.executable, "-m", "charrnn", "--home", str(home), "train", "--input_file", str(text)]
    process = subprocess.Popen([*command, "--name", name, *SMALL], **quiet)
    while not (found := [model.id for model in services.models.all() if model.name == name]):
        time.sleep(0.02)
    return process, found[0]
