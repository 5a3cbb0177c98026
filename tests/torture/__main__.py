"""Kill trainings, stop databases and fill disks, and check that nothing is lost: `make torture`.

Prints a table of results. The exit code is 1 if a promise is broken. `make test` runs a short version.
"""

import argparse
import math
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from charrnn.services.event_recorder import LEASE_SECONDS
from tests.support.database_servers import TITLES
from tests.torture import concurrency, outage, sigterm, small_disk
from tests.torture.data_folders import Home, homes
from tests.torture.findings import Finding, table
from tests.torture.kills import Kills
from tests.torture.powercut import PowerCuts

DATABASES = tuple(TITLES)
PARTS = ("kills", "powercut", "outage", "disk", "crowd", "ends")


def main() -> int:
    """Run the requested parts."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="number of SIGKILLs, on all databases together")
    parser.add_argument("--powercuts", type=int, default=50, help="number of simulated power cuts (SQLite only)")
    parser.add_argument("--seconds", type=float, default=60, help="length of each database outage")
    parser.add_argument("--lease", type=float, default=LEASE_SECONDS, help="length of a lease during an outage")
    parser.add_argument("--writers", type=int, default=32, help="number of concurrent writers")
    parser.add_argument("--lines", type=int, default=1000, help="log lines per writer")
    parser.add_argument("--starts", type=int, default=16, help="number of processes that start the same model")
    parser.add_argument("--steps", type=int, default=900, help="steps per training")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="seed of all random choices"
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="run only this part; can be repeated")
    parser.add_argument(
        "--database", choices=DATABASES, action="append", help="use only this database; can be repeated"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # stops servers and trainings, too
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        findings = run(options, Path(folder))
    print(table(findings))
    return 0 if all(finding.is_reached for finding in findings) else 1


def run(options: argparse.Namespace, root: Path) -> list[Finding]:
    """Run all parts in a folder, on each selected kind of database."""
    kinds = tuple(dict.fromkeys(options.database or DATABASES))
    kills, rng = math.ceil(options.kills / len(kinds)), random.Random(options.seed)
    parts: dict[str, Callable[[Home], list[Finding]]] = {
        "kills": lambda home: Kills({home.database: (home.folder, home.url)}, options.steps, rng).run(kills),
        # A server that syncs each commit loses none; the SQLite file is rolled back independently of the folders.
        "powercut": lambda home: (
            [] if home.server else PowerCuts(home.folder, options.steps, rng).run(options.powercuts)
        ),
        "outage": lambda home: [
            *(outage.run(home.server, home.folder, home.url, options.seconds, lease=options.lease)
              if home.server else []),
            *outage.take_over(home.folder, home.url, lease=options.lease, steps=options.steps),
        ],
        "disk": lambda home: small_disk.run(home.folder, steps=options.steps, url=home.url if home.server else None),
        "crowd": lambda home: [
            *concurrency.starts(home.folder, home.url, options.starts),
            concurrency.writers(home.url, options.writers, options.lines, rng),
        ],
        "ends": lambda home: sigterm.run(home.folder, home.url, times=3),
    }  # fmt: skip
    findings: list[Finding] = []
    with homes(kinds, root) as all_homes:
        for name in options.only or PARTS:
            for home in all_homes.each(name):
                start = time.monotonic()
                results = [replace(finding, database=home.database) for finding in parts[name](home)]
                print(f"\n{name}, {home.database}: {time.monotonic() - start:,.0f} s\n{table(results)}", flush=True)
                findings += results
    print("\nall:")
    return findings


if __name__ == "__main__":
    sys.exit(main())
