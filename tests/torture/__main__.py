"""Puts every promise that nothing is lost to the test: `make torture`. Prints one table; its status is 1 if one broke.

`make test` does the same in a short form.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from charrnn.services.recorder import LEASE_SECONDS
from tests.store import mariadb_server
from tests.torture import crowd, endings, outage, small_disk
from tests.torture.finding import Finding, table
from tests.torture.kills import Kills
from tests.torture.powercut import PowerCuts

PARTS = ("kills", "powercut", "outage", "disk", "crowd", "ends")


def main() -> int:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="SIGKILLs of trainings")
    parser.add_argument("--powercuts", type=int, default=50, help="power cuts, each with a database that falls back")
    parser.add_argument("--seconds", type=float, default=60, help="how long the database is away, each time")
    parser.add_argument("--lease", type=float, default=LEASE_SECONDS, help="seconds that a lease lasts meanwhile")
    parser.add_argument("--writers", type=int, default=32, help="writers to one database")
    parser.add_argument("--lines", type=int, default=1000, help="log lines that each of them writes")
    parser.add_argument("--starts", type=int, default=16, help="processes that start one model")
    parser.add_argument("--steps", type=int, default=900, help="steps of a training that is disturbed")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all chance")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be given several times")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # servers and trainings end with it
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        findings = run(options, Path(folder))
    print(table(findings))
    return 0 if all(finding.reached for finding in findings) else 1


def run(options: argparse.Namespace, root: Path) -> list[Finding]:
    """Put the promises to the test in a folder."""
    for name in ("server", "sqlite", "mariadb", "disk", "power"):
        (root / name).mkdir()
    sqlite, chance = f"sqlite:///{root}/sqlite/studio.sqlite3", random.Random(options.seed)
    findings: list[Finding] = []
    with mariadb_server.running(root / "server") as server:
        mariadb = server.make_database("torture")
        homes = {"SQLite": (root / "sqlite", sqlite), "MariaDB": (root / "mariadb", mariadb)}
        parts: dict[str, Callable[[], list[Finding]]] = {
            "kills": lambda: Kills(homes, options.steps, chance).run(options.kills),
            "powercut": lambda: PowerCuts(root / "power", options.steps, chance).run(options.powercuts),
            "outage": lambda: [
                *outage.run(server, root / "mariadb", mariadb, options.seconds, lease=options.lease),
                *outage.take_over(root / "mariadb", mariadb, lease=options.lease, steps=options.steps),
            ],
            "disk": lambda: small_disk.run(root / "disk", steps=options.steps),
            "crowd": lambda: [
                *crowd.starts(root / "mariadb", mariadb, options.starts),
                *(crowd.writers(url, options.writers, options.lines, chance) for url in (sqlite, mariadb)),
            ],
            "ends": lambda: endings.run(root, times=3),
        }
        for name in options.only or PARTS:
            began = time.monotonic()
            found = parts[name]()
            print(f"\n{name}: {time.monotonic() - began:,.0f} s\n{table(found)}", flush=True)
            findings += found
    print("\nall:")
    return findings


if __name__ == "__main__":
    sys.exit(main())
