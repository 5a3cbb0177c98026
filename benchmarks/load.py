"""Watch one training in fifty sessions: `python benchmarks/load.py`. Takes ten minutes; `--minutes 1` for less.

The training runs in the server process, the clients in another one: each opens a page, keeps its websocket like a
browser, and records when each log line arrives. Periods with and without clients alternate, because the speed of a
shared machine changes by more than the effect. The processor time of the server threads measures the same directly.
"""

import argparse
import itertools
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.dashboard import Ears, row, served, training  # noqa: E402
from benchmarks.peers.cpu_time import spent, spent_by  # noqa: E402
from dashboard.live.hub import Hub  # noqa: E402

VISITORS, TURNS, SETTLING = 50, 3, 10
QUIET_SHARE = 0.5
"""Length of a period without clients, relative to one with them."""
COMING_SECONDS = 300
"""Limit for building all pages at once; reported, but not a target."""

WATCH = r"""
import asyncio, json, os, re, sys, time, urllib.request
from tornado.websocket import websocket_connect

os.nice(19)  # what visitors' browsers need is not the server's
_, address, count = sys.argv
line, arrived, errors, is_over = re.compile(r"step: \d+/\d+[^\"\\]*"), {}, [], asyncio.Event()

log_pane = re.compile(r'"id":"(p\d+)","attributes":{"external_resources":null,"name":"LogPane"')

def event(name, *entries):
    data = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
    return {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data}]}

async def say(connection, kind, content):
    for part in ({"msgid": f"{time.monotonic_ns()}", "msgtype": kind}, {}, content):
        await connection.write_message(json.dumps(part))

async def watch(number):
    try:
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=60).read().decode())
        token = re.search(r'"token":"([^"]+)"', page)[1]
        socket = "ws" + address.partition("?")[0].removeprefix("http") + "ws"
        connection = await websocket_connect(socket, subprotocols=["bokeh", token], max_message_size=10**8)
        for _ in range(3):
            await connection.read_message()  # the server greets in three parts
        await say(connection, "PULL-DOC-REQ", {})  # as a browser does, and what follows
        await say(connection, "PATCH-DOC", event("document_ready"))
        seen = set()
        asyncio.create_task(leave(connection))
        while (message := await connection.read_message()) is not None:
            now = time.time()
            message = message if isinstance(message, str) else ""
            if pane := log_pane.search(message):
                drawn = {"type": "map", "entries": [["type", "drawn"], ["number", 0]]}
                await say(connection, "PATCH-DOC", event("data_event", ["model", {"id": pane[1]}], ["data", drawn]))
            for text in line.findall(message):
                if text not in seen:
                    seen.add(text)
                    arrived.setdefault(text, []).append(now)
        if not is_over.is_set():
            raise ConnectionError("the server closed the connection")
        if not seen:
            raise ConnectionError("no line came")
    except Exception as error:
        errors.append(f"visitor {number}: {error!r}")

async def leave(connection):
    await is_over.wait()
    connection.close()

async def main():
    watching = [asyncio.create_task(watch(number)) for number in range(int(count))]
    await asyncio.to_thread(sys.stdin.readline)
    is_over.set()
    await asyncio.gather(*watching)
    print(json.dumps({"arrived": arrived, "errors": errors}))

asyncio.run(main())
"""
"""The clients: they leave when a line arrives on standard input, and print when each log line arrived, and errors."""


class Complaints(logging.Handler):
    """Collects the errors that the server logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store an error."""
        self.words.append(record.getMessage())


def memory() -> int:
    """Return the resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def speed(ears: Ears, begin: float, end: float) -> float:
    """Return steps per second between two moments."""
    steps = [(moment, step) for moment, step in ears.steps if begin <= moment <= end]
    return (steps[-1][1] - steps[0][1]) / (steps[-1][0] - steps[0][0])


def speed_alone(ears: Ears, seconds: float) -> float:
    """Return steps per second without clients."""
    begin = time.time()
    time.sleep(seconds)
    return speed(ears, begin, time.time())


def until_all_are_there(hub: Hub, visitors: int) -> float:
    """Wait until each client has its page; return the seconds."""
    begin = time.monotonic()
    while hub.num_sessions < visitors and time.monotonic() < begin + COMING_SECONDS:
        time.sleep(0.2)
    return time.monotonic() - begin


def main() -> None:
    """Connect and disconnect clients, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="total time with clients (default 10)")
    parser.add_argument("--visitors", type=int, default=VISITORS)
    arguments = parser.parse_args()
    stretch = 60 * arguments.minutes / TURNS
    complaints, coming, ways, speeds, shares, theirs, held, errors = Complaints(), [], [], [], [], [], [], []
    logging.getLogger().addHandler(complaints)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), lifetime=20_000) as (services, hub, address):
        with training(services) as (model_id, ears):
            alone = [speed_alone(ears, QUIET_SHARE * stretch)]
            for _ in range(TURNS):
                url = f"{address}?tab=training&model={model_id}"
                command = [sys.executable, "-c", WATCH, url, str(arguments.visitors)]
                watchers = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
                coming.append(until_all_are_there(hub, arguments.visitors))
                time.sleep(SETTLING)
                begin, ours, visitors = time.time(), spent(), spent_by(watchers.pid)
                time.sleep(stretch)
                end = time.time()
                processors = (end - begin) * (os.cpu_count() or 1)
                shares.append((spent() - ours) / processors)
                theirs.append((spent_by(watchers.pid) - visitors) / processors)
                held.append(memory())
                speeds.append(speed(ears, begin, end))
                found = json.loads(watchers.communicate("\n")[0])
                errors += found["errors"]
                told = {text: moment for text, moment in ears.said.items() if begin <= moment <= end - 5}
                ways += [came - told[text] for text, all_came in found["arrived"].items() if text in told
                         for came in all_came]  # fmt: skip
                while hub.num_sessions:
                    time.sleep(0.1)
                alone.append(speed_alone(ears, QUIET_SHARE * stretch))
    errors += complaints.words
    print(f"{'':66} {'result':>10}   target")
    row(f"errors of {arguments.visitors} clients and of the server", f"{len(errors)}", "0", holds=not errors)
    row("seconds until all clients had their pages, connecting at once", f"{max(coming):.0f} s", "", holds=None)
    p95 = float(np.quantile(ways, 0.95))
    row(f"latency of a log line to a client, p95 of {len(ways):,}", f"{1000 * p95:.0f} ms", "< 1000 ms", holds=p95 < 1)
    grown = held[-1] / held[TURNS // 2] - 1
    row("memory, from the middle to the end", f"{100 * grown:+.1f} %", "≤ +5 %", holds=grown <= 0.05)
    visitors = statistics.median(theirs)
    row("share of processor time of the clients", f"{100 * visitors:.1f} %", "", holds=None)
    # The training is compared with itself before and after; in real use, clients run on other machines.
    quiet = [statistics.mean(around) for around in itertools.pairwise(alone)]
    slower = 1 - statistics.median(with_them / without for with_them, without in zip(speeds, quiet, strict=True))
    row(
        f"training slower with clients, including their own load, median of {TURNS}",
        f"{100 * slower:+.1f} %",
        "",
        holds=None,
    )
    slower -= visitors
    row("training slower with clients, without their own load", f"{100 * slower:+.1f} %", "≤ 5 %", holds=slower <= 0.05)
    share = statistics.median(shares)
    row("share of processor time of the server", f"{100 * share:.1f} %", "≤ 5 %", holds=share <= 0.05)
    for words in errors[:5]:
        print(words)


if __name__ == "__main__":
    main()
