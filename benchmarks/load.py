"""Measure the load of fifty sessions that follow one training: `python benchmarks/load.py`.

The training runs in the server process, and the clients in another one. Each client opens a page, keeps its websocket
open as a browser does, and records when each log line arrives. Periods with and without clients alternate, because the
speed of a shared machine varies by more than the effect; the processor time of the server threads measures the effect
directly. Takes about twenty minutes; `--minutes` changes that.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.dashboard import EventTimes, dashboard_server, row, running_training  # noqa: E402
from benchmarks.peers.cpu_time import dashboard_seconds, process_seconds  # noqa: E402
from dashboard.live.hub import Hub  # noqa: E402

CLIENTS, PERIODS = 50, 3
SETTLING_SECONDS = 10
"""Pause after the pages have opened, so that opening them does not count."""
QUIET_SHARE = 0.5
"""Length of a period without clients, relative to one with clients."""
MAX_OPENING_SECONDS = 300
"""Time limit for opening all pages at once."""
MAX_LATENCY_SECONDS = 5
"""Lines logged later than this before the end of a period are not counted, because they may not arrive in time."""

CLIENT_PROGRAM = r"""
import asyncio, json, os, re, sys, time, urllib.request
from tornado.websocket import websocket_connect

os.nice(19)  # low priority, because real clients use other machines
_, address, count = sys.argv
line, arrived, errors, is_over = re.compile(r"step: \d+/\d+[^\"\\]*"), {}, [], asyncio.Event()

log_pane = re.compile(r'"id":"(p\d+)","attributes":{"external_resources":null,"name":"LogPane"')

def event(name, *entries):
    data = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
    return {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data}]}

async def send(connection, kind, content):
    for part in ({"msgid": f"{time.monotonic_ns()}", "msgtype": kind}, {}, content):
        await connection.write_message(json.dumps(part))

async def follow(number):
    try:
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=60).read().decode())
        token = re.search(r'"token":"([^"]+)"', page)[1]
        socket = "ws" + address.partition("?")[0].removeprefix("http") + "ws"
        connection = await websocket_connect(socket, subprotocols=["bokeh", token], max_message_size=10**8)
        for _ in range(3):
            await connection.read_message()  # the server's first message has three parts
        await send(connection, "PULL-DOC-REQ", {})  # the messages of a browser from here on
        await send(connection, "PATCH-DOC", event("document_ready"))
        received = set()
        asyncio.create_task(close_at_end(connection))
        while (message := await connection.read_message()) is not None:
            now = time.time()
            message = message if isinstance(message, str) else ""
            if pane := log_pane.search(message):
                drawn = {"type": "map", "entries": [["type", "drawn"], ["number", 0]]}
                await send(connection, "PATCH-DOC", event("data_event", ["model", {"id": pane[1]}], ["data", drawn]))
            for text in line.findall(message):
                if text not in received:
                    received.add(text)
                    arrived.setdefault(text, []).append(now)
        if not is_over.is_set():
            raise ConnectionError("the server closed the connection")
        if not received:
            raise ConnectionError("no log line arrived")
    except Exception as error:
        errors.append(f"client {number}: {error!r}")

async def close_at_end(connection):
    await is_over.wait()
    connection.close()

async def main():
    clients = [asyncio.create_task(follow(number)) for number in range(int(count))]
    await asyncio.to_thread(sys.stdin.readline)
    is_over.set()
    await asyncio.gather(*clients)
    print(json.dumps({"arrived": arrived, "errors": errors}))

asyncio.run(main())
"""
"""Program of the clients.

It disconnects them when it reads a line on standard input, and prints the times at which each log line arrived, and
errors, as JSON.
"""


class ErrorLog(logging.Handler):
    """Collect the errors that the server logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store an error."""
        self.messages.append(record.getMessage())


def memory() -> int:
    """Return the resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def speed(times: EventTimes, begin: float, end: float) -> float:
    """Return steps per second between two moments."""
    steps = [(moment, step) for moment, step in times.steps if begin <= moment <= end]
    return (steps[-1][1] - steps[0][1]) / (steps[-1][0] - steps[0][0])


def speed_alone(times: EventTimes, seconds: float) -> float:
    """Measure steps per second without clients."""
    begin = time.time()
    time.sleep(seconds)
    return speed(times, begin, time.time())


def wait_for_sessions(hub: Hub, clients: int) -> float:
    """Wait until each client has its page; return the seconds."""
    begin = time.monotonic()
    while hub.num_sessions < clients and time.monotonic() < begin + MAX_OPENING_SECONDS:
        time.sleep(0.2)
    return time.monotonic() - begin


@dataclass
class Measurements:
    """Results of all periods, each a list in their order."""

    opening_seconds: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    """Seconds from logging a line until a client receives it, for all lines and clients."""
    speeds: list[float] = field(default_factory=list)
    """Steps per second with clients."""
    speeds_alone: list[float] = field(default_factory=list)
    """Steps per second without clients, before the first period and after each one."""
    server_shares: list[float] = field(default_factory=list)
    """Share of all processor time that the server threads use."""
    client_shares: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    """Bytes of resident memory at the end of each period."""
    errors: list[str] = field(default_factory=list)

    def measure_period(self, hub: Hub, times: EventTimes, url: str, clients: int, seconds: float) -> None:
        """Connect clients, measure for some seconds, and disconnect them."""
        command = [sys.executable, "-c", CLIENT_PROGRAM, url, str(clients)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
        self.opening_seconds.append(wait_for_sessions(hub, clients))
        time.sleep(SETTLING_SECONDS)
        begin, server_before, clients_before = time.time(), dashboard_seconds(), process_seconds(process.pid)
        time.sleep(seconds)
        end = time.time()
        processor_seconds = (end - begin) * (os.cpu_count() or 1)
        self.server_shares.append((dashboard_seconds() - server_before) / processor_seconds)
        self.client_shares.append((process_seconds(process.pid) - clients_before) / processor_seconds)
        self.memory.append(memory())
        self.speeds.append(speed(times, begin, end))
        result: dict[str, Any] = json.loads(process.communicate("\n")[0])
        self.errors += result["errors"]
        logged = {text: at for text, at in times.logged.items() if begin <= at <= end - MAX_LATENCY_SECONDS}
        for text, arrivals in result["arrived"].items():
            if text in logged:
                self.latencies += [at - logged[text] for at in arrivals]
        while hub.num_sessions:
            time.sleep(0.1)

    def report(self, clients: int) -> None:
        """Print the table."""
        print(f"{'':66} {'result':>10}   target")
        num_errors = len(self.errors)
        row(f"errors of {clients} clients and of the server", f"{num_errors}", "0", holds=num_errors == 0)
        opening = max(self.opening_seconds)
        row("seconds until all clients had their pages, connecting at once", f"{opening:.0f} s", "", holds=None)
        p95, count = float(np.quantile(self.latencies, 0.95)), len(self.latencies)
        row(f"latency of a log line to a client, p95 of {count:,}", f"{1000 * p95:.0f} ms", "< 1000 ms", holds=p95 < 1)
        growth = self.memory[-1] / self.memory[PERIODS // 2] - 1
        row("memory, from the middle to the end", f"{100 * growth:+.1f} %", "≤ +5 %", holds=growth <= 0.05)
        client_share = statistics.median(self.client_shares)
        row("share of processor time of the clients", f"{100 * client_share:.1f} %", "", holds=None)
        # Speeds are compared with those before and after; real clients use other machines, so their load is subtracted.
        alone = [statistics.mean(neighbors) for neighbors in itertools.pairwise(self.speeds_alone)]
        slowdown = 1 - statistics.median(own / without for own, without in zip(self.speeds, alone, strict=True))
        title = f"slowdown of the training, including the clients' load, median of {PERIODS}"
        row(title, f"{100 * slowdown:+.1f} %", "", holds=None)
        slowdown -= client_share
        title = "slowdown of the training, without the clients' load"
        row(title, f"{100 * slowdown:+.1f} %", "≤ 5 %", holds=slowdown <= 0.05)
        share = statistics.median(self.server_shares)
        row("share of processor time of the server", f"{100 * share:.1f} %", "≤ 5 %", holds=share <= 0.05)
        for message in self.errors[:5]:
            print(message)


def main() -> None:
    """Alternate periods with and without clients, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="total time with clients (default: 10)")
    parser.add_argument("--visitors", type=int, default=CLIENTS, help=f"number of clients (default: {CLIENTS})")
    args = parser.parse_args()
    seconds = 60 * args.minutes / PERIODS
    error_log, measurements = ErrorLog(), Measurements()
    logging.getLogger().addHandler(error_log)
    with tempfile.TemporaryDirectory() as folder:
        with dashboard_server(Path(folder), lifetime=20_000) as (services, hub, address):
            with running_training(services) as (model_id, times):
                url = f"{address}?tab=training&model={model_id}"
                measurements.speeds_alone.append(speed_alone(times, QUIET_SHARE * seconds))
                for _ in range(PERIODS):
                    measurements.measure_period(hub, times, url, args.visitors, seconds)
                    measurements.speeds_alone.append(speed_alone(times, QUIET_SHARE * seconds))
    measurements.errors += error_log.messages
    measurements.report(args.visitors)


if __name__ == "__main__":
    main()
