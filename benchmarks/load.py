"""Fifty visitors watch one live training: `python benchmarks/load.py`. Ten minutes of watching; `--minutes 1` for less.

The training runs in the server's process, the visitors in another: each opens a page and keeps its websocket, as a
browser does, and notes when each log line comes. Stretches with and without visitors take turns, since the speed of a
machine that others use too changes by more than what is looked for here; what the server's threads take of all
processor time says the same without a comparison, where the machine lends the training all of it.
"""

import argparse
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
from benchmarks.peers.processors import spent  # noqa: E402

VISITORS, TURNS = 50, 5
QUIET_SHARE = 0.5
"""Length of a stretch without visitors, of one with them."""

WATCH = r"""
import asyncio, json, os, re, sys, time, urllib.request
from tornado.websocket import websocket_connect

os.nice(19)  # what visitors' browsers need is not the server's
_, address, count, seconds = sys.argv
line, arrived, errors = re.compile(r"step: \d+/\d+[^\"\\]*"), {}, []

READY = {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data":
         {"type": "event", "name": "document_ready", "values": {"type": "map", "entries": []}}}]}

async def watch(number, end):
    try:
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=60).read().decode())
        token = re.search(r'"token":"([^"]+)"', page)[1]
        socket = "ws" + address.partition("?")[0].removeprefix("http") + "ws"
        connection = await websocket_connect(socket, subprotocols=["bokeh", token], max_message_size=10**8)
        for _ in range(3):
            await connection.read_message()  # the server greets in three parts
        for kind, content in (("PULL-DOC-REQ", {}), ("PATCH-DOC", READY)):  # as a browser does
            for part in ({"msgid": f"{number}{kind}", "msgtype": kind}, {}, content):
                await connection.write_message(json.dumps(part))
        seen = set()
        while (left := end - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(connection.read_message(), left)
            except TimeoutError:
                break
            if message is None:
                raise ConnectionError("the server closed the connection")
            now = time.time()
            for text in line.findall(message if isinstance(message, str) else ""):
                if text not in seen:
                    seen.add(text)
                    arrived.setdefault(text, []).append(now)
        connection.close()
        if not seen:
            raise ConnectionError("no line came")
    except Exception as error:
        errors.append(f"visitor {number}: {error!r}")

async def main():
    end = time.monotonic() + float(seconds)
    await asyncio.gather(*(watch(number, end) for number in range(int(count))))
    print(json.dumps({"arrived": arrived, "errors": errors}))

asyncio.run(main())
"""
"""The visitors' program: prints when each line came to each of them, and what went wrong."""


class Complaints(logging.Handler):
    """Keeps what the server logs as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.words.append(record.getMessage())


def memory() -> int:
    """Return the memory that this process holds, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def speed(ears: Ears, begin: float, end: float) -> float:
    """Return steps a second between two moments."""
    steps = [(moment, step) for moment, step in ears.steps if begin <= moment <= end]
    return (steps[-1][1] - steps[0][1]) / (steps[-1][0] - steps[0][0])


def main() -> None:
    """Let visitors come and go, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long visitors watch in all (default 10)")
    parser.add_argument("--visitors", type=int, default=VISITORS)
    arguments = parser.parse_args()
    stretch = 60 * arguments.minutes / TURNS
    complaints, ways, ratios, shares, held, errors = Complaints(), [], [], [], [], []
    logging.getLogger().addHandler(complaints)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), lifetime=20_000) as (services, hub, address):
        with training(services) as (model_id, ears):
            for _ in range(TURNS):
                begin = time.time()
                time.sleep(QUIET_SHARE * stretch)
                alone = speed(ears, begin, time.time())
                url = f"{address}?tab=training&model={model_id}"
                command = [sys.executable, "-c", WATCH, url, str(arguments.visitors), str(stretch)]
                watchers = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
                time.sleep(0.3 * stretch)  # pages are being built, which is another matter
                begin, before = time.time(), spent()
                found = json.loads(watchers.communicate()[0])
                shares.append((spent() - before) / (time.time() - begin) / (os.cpu_count() or 1))
                held.append(memory())
                ratios.append(speed(ears, begin, time.time()) / alone)
                errors += found["errors"]
                told = {text: moment for text, moment in ears.said.items() if moment >= begin}
                ways += [came - told[text] for text, all_came in found["arrived"].items() if text in told
                         for came in all_came]  # fmt: skip
                while hub.num_sessions:
                    time.sleep(0.1)
    errors += complaints.words
    print(f"{'':66} {'came':>10}   needed")
    row(f"errors of {arguments.visitors} visitors and of the server", f"{len(errors)}", "0", holds=not errors)
    p95 = float(np.quantile(ways, 0.95))
    row(f"a log line's way to a visitor, p95 of {len(ways):,}", f"{1000 * p95:.0f} ms", "< 1000 ms", holds=p95 < 1)
    grown = held[-1] / held[TURNS // 2] - 1
    row("memory, from the middle to the end", f"{100 * grown:+.1f} %", "≤ +5 %", holds=grown <= 0.05)
    slower = 1 - statistics.median(ratios)
    row(f"training slower with them, median of {TURNS} pairs", f"{100 * slower:+.1f} %", "≤ 5 %", holds=slower <= 0.05)
    share = statistics.median(shares)
    row("what the server takes of all processor time", f"{100 * share:.1f} %", "≤ 5 %", holds=share <= 0.05)
    for words in errors[:5]:
        print(words)


if __name__ == "__main__":
    main()
