"""Measure how many log lines per second the store writes: `python benchmarks/store.py`. Starts MariaDB and MySQL."""

import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.support

from charrnn.core.records import Corpus  # noqa: E402
from charrnn.store.corpora import CorpusStore  # noqa: E402
from charrnn.store.database import Database  # noqa: E402
from charrnn.store.models import ModelStore  # noqa: E402
from charrnn.store.run_history import HistoryBatch, HistoryStore  # noqa: E402
from charrnn.store.training_leases import LeaseStore  # noqa: E402
from tests.support.database_servers import TITLES, running  # noqa: E402

LINE = "step: {}/1000...  loss: 2.9123...  0.0312 sec/batch"
ROUNDS = 3
MIN_RATE = {"SQLite": 50_000, "MariaDB": 20_000, "MySQL": 20_000}


def rate(database: Database, *, batch_size: int, batches: int) -> float:
    """Append `batches` batches to the log of a new model; return lines per second."""
    text = CorpusStore(database).add(Corpus("0" * 64, "text", 1, 1, 1, 1, "utf-8", "lf", datetime(2026, 1, 1)))
    model = ModelStore(database).create(f"{batch_size} {time.time_ns()}", corpus_id=text.id)
    LeaseStore(database).queue(model.id)
    epoch = LeaseStore(database).claim(model.id, "benchmark", seconds=600).epoch
    history = HistoryStore(database)
    begun = time.perf_counter()
    for first in range(1, batch_size * batches, batch_size):
        lines = [(LINE.format(step), "info") for step in range(batch_size)]
        history.append(model.id, epoch, HistoryBatch(first_position=first, lines=lines), seconds=600)
    return batch_size * batches / (time.perf_counter() - begun)


def measure(name: str, url: str) -> None:
    """Print a row of the table; medians, because other load on the machine varies."""
    database = Database.open(url)
    # A batch that takes half a second at the target rate.
    batch_size = MIN_RATE[name] // 2
    bulk = statistics.median(rate(database, batch_size=batch_size, batches=4) for _ in range(ROUNDS))
    small = statistics.median(rate(database, batch_size=200, batches=50) for _ in range(ROUNDS))
    single = statistics.median(rate(database, batch_size=1, batches=100) for _ in range(ROUNDS))
    database.close()
    verdict = "reached" if bulk >= MIN_RATE[name] else "MISSED"
    print(
        f"{name:8} {batch_size:7,} {bulk:12,.0f} {small:15,.0f} {single:13,.0f} {bulk / single:8,.0f} ×"
        f"   {MIN_RATE[name]:,} {verdict}"
    )


def main() -> None:
    """Measure each kind of database."""
    print("database   batch  lines/s, bulk  200 a commit  one a commit    ratio   target")
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", f"sqlite:///{folder}/studio.sqlite3")
        for kind in ("mariadb", "mysql"):
            (Path(folder) / kind).mkdir()
            with running(kind, Path(folder) / kind) as server:
                measure(TITLES[kind], server.make_database("studio"))


if __name__ == "__main__":
    main()
