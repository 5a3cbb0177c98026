"""Start one model from many processes, and write to one database from many threads.

`python -m tests.torture.concurrency HOME DATABASE_URL MODEL STARTS` starts a model in STARTS processes at once.
"""

import multiprocessing
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from charrnn.core.errors import LeaseLost, StateError
from charrnn.core.records import ModelState
from charrnn.services import open_services
from charrnn.services.database_retry import retry_while_unavailable
from charrnn.store.corpora import CorpusStore
from charrnn.store.database import Database
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryBatch, HistoryStore
from charrnn.store.training_leases import LeaseStore
from tests.support.small_training import corpus_record
from tests.torture.child_process import ROOT
from tests.torture.findings import Finding, all_held
from tests.torture.training_history import new_model

REPEATED = 0.1
"""Fraction of batches that are delivered twice."""
WINDOW = 6
"""Number of batches that can overtake each other."""


def starts(home: Path, url: str, number: int) -> list[Finding]:
    """Start one model from many processes and stop it from another one."""
    with open_services(home, database_url=url, environ={}) as services:
        model_id = new_model(services, "started by many", max_steps=1_000_000)
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.torture.concurrency",
            str(home),
            url,
            model_id,
            str(number),
        ]
        starters = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        while not services.models.get(model_id).step:
            time.sleep(0.05)
        services.training.stop(model_id)
        start = time.monotonic()
        ended = services.training.wait(model_id)
        seconds = time.monotonic() - start
        results = starters.communicate()[0].split()
    only_one = results.count("won") == 1 and results.count("lost") == number - 1 and ended.epoch == 1
    return [
        Finding(f"{number} processes start one model at once", number, f"{results.count('won')} trained", "1",
                only_one),
        Finding("stop requested on another server", 1, f"{ended.state}, {seconds:.1f} s", "stopped",
                ended.state == ModelState.STOPPED),
    ]  # fmt: skip


def _start(home: str, url: str, model_id: str, barrier: Any) -> None:
    with open_services(home, database_url=url, environ={}) as services:
        barrier.wait()
        try:
            services.training.begin(model_id)
        except StateError:
            print("lost", flush=True)
        else:
            print("won", flush=True)
            services.training.wait(model_id)


def writers(url: str, number: int, lines: int, rng: random.Random) -> Finding:
    """Deliver the log lines of many trainings concurrently, out of order and some of them twice.

    Writers retry like trainings if the database is busy.
    """
    database = Database.open(url)
    models, leases, history = ModelStore(database), LeaseStore(database), HistoryStore(database)
    CorpusStore(database).add(corpus_record())

    def write(seed: int) -> bool:
        rng = random.Random(seed)
        model = retry_while_unavailable(lambda: models.create(f"writer {seed}", corpus_id=corpus_record().id))
        retry_while_unavailable(lambda: leases.queue(model.id))
        epoch = retry_while_unavailable(lambda: leases.claim(model.id, f"writer:{seed}:x", seconds=600)).epoch
        pending = _deliveries(lines, rng)
        while pending:
            batch = pending.pop(rng.randrange(min(WINDOW, len(pending))))
            try:
                retry_while_unavailable(lambda batch=batch: history.append(model.id, epoch, batch, seconds=600))
            except LeaseLost:  # an earlier batch is missing
                pending.insert(min(WINDOW, len(pending)), batch)
        read = retry_while_unavailable(lambda: history.lines(model.id, limit=2 * lines))
        return [(line.position, line.text) for line in read] == [(n, f"line {n}") for n in range(1, lines + 1)]

    with ThreadPoolExecutor(number) as threads:
        is_correct = list(threads.map(write, rng.sample(range(10**6), number)))
    database.close()
    return all_held(f"{number} writers × {lines:,} lines, shuffled, 10 % twice: each once, in order", is_correct)


def _deliveries(lines: int, rng: random.Random) -> list[HistoryBatch]:
    batches, first = [], 1
    while first <= lines:
        last = min(first + rng.randint(1, 20), lines + 1)
        batch = HistoryBatch(first_position=first, lines=[(f"line {n}", "info") for n in range(first, last)])
        batches += [batch] * (1 + (rng.random() < REPEATED))
        first = last
    return batches


def main() -> None:
    """Start one model from many processes."""
    home, url, model_id, number = sys.argv[1:]
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(int(number))
    arguments = (home, url, model_id, barrier)
    processes = [context.Process(target=_start, args=arguments) for _ in range(int(number))]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
