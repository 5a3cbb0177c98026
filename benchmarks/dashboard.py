"""Measure the dashboard in Chromium: `python benchmarks/dashboard.py`. Takes about eight minutes.

Covers first paint, opening a long model, the latency of a log line, the cost of open tabs for a training in the server
process, and memory per session.
"""

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from peers.cpu_time import dashboard_seconds
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import insert, literal, select

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # for tests.support

from charrnn.core.records import Metric, ModelState  # noqa: E402
from charrnn.core.training_events import Event, LogMessage, MetricsMeasured  # noqa: E402
from charrnn.services import Services, open_services  # noqa: E402
from charrnn.services.settings import Settings  # noqa: E402
from charrnn.services.training_options import training_options  # noqa: E402
from charrnn.store.database import Database  # noqa: E402
from charrnn.store.database_url import url_from_environment  # noqa: E402
from charrnn.store.run_history import HistoryBatch, HistoryStore  # noqa: E402
from charrnn.store.tables import MetricRow  # noqa: E402
from charrnn.store.training_leases import LeaseStore  # noqa: E402
from dashboard.components.curve_smoothing import MAX_POINTS  # noqa: E402
from dashboard.live.hub import Hub  # noqa: E402
from dashboard.live.session import TABS as TAB_NAMES  # noqa: E402
from dashboard.server.server import Studio, free_port, serve  # noqa: E402
from tests.support.browser import browser  # noqa: E402
from tests.support.dashboard_server import Server  # noqa: E402

POINTS, SERIES, BATCH = 100_000, 10, 5_000
"""Points per curve, number of curves, and steps per write to the database."""
VISITS = 5
REST_SECONDS = 90
"""Pause between preparation and measurement, because shared machines throttle a process after high load."""
TABS, SETTLING_SECONDS, MEASURED_SECONDS = 5, 60, 30
"""Number of tabs; pause until opening them costs nothing any more; period in which their processor time is measured."""
LATENCY_SECONDS = 40
"""Period in which log lines are timed, long enough to estimate the 95th percentile."""
SPIKE = 77.0
"""A single high value in the curves, which downsampling must keep."""
WARM_UP_VISITS, MANY_VISITS = 40, 200
TEXT = "".join(f"{number} little ducks went out to play, over the hill and far away.\n" for number in range(999, 0, -1))
OPTIONS: dict[str, Any] = training_options(
    {
        "max_steps": 10_000_000, "max_epochs": 0, "max_minutes": 0, "log_every_n": 50,
        "eval_every_n": 1_000_000, "save_every_n": 1_000_000, "sample_every_n": 1_000_000,
    },
    num_characters=len(TEXT), num_distinct=len(set(TEXT)), preset_name="quick",
)  # fmt: skip
"""Options of Quick, but without an end, validations, checkpoints and samples."""
MANY_LINES = {"log_every_n": 10}
"""Five times as many log lines as with Quick, to collect enough of them in a short time."""

SOURCES = """() => [...Bokeh.documents[0]._all_models.values()].filter((m) => m.type === "ColumnDataSource")
  .map((m) => [m.data.x.length, Math.max(...m.data.y), m.data.x.at(-1)])"""
"""Number of points, maximum and last step of each curve in the browser."""

COMPLETE = f"""([last, line]) => {{
  const find = (root) => {{
    for (const e of root.querySelectorAll("*")) {{
      if (e.getAttribute("role") === "log") return e
      const log = e.shadowRoot && find(e.shadowRoot)
      if (log) return log
    }}
  }}
  const log = find(document)
  const drawn = log?.lastChild?.textContent.startsWith(line) && ({SOURCES})().some((s) => s[2] === last)
  return drawn ? performance.now() : 0
}}"""
"""Milliseconds since the request if the last log line and the last step of a curve are shown, else 0."""

VISIT = """
import asyncio, re, sys, urllib.request
from tornado.websocket import websocket_connect
async def visit(address, tab):
    page = urllib.request.urlopen(f"{address}?tab={tab}").read().decode()
    protocols = ["bokeh", re.search(r'"token":"([^"]+)"', page)[1]]
    socket = await websocket_connect(address.replace("http", "ws") + "ws", subprotocols=protocols)
    [await socket.read_message() for _ in range(3)]
_, address, count, *tabs = sys.argv
for number in range(int(count)):
    asyncio.run(visit(address, tabs[number % len(tabs)]))
"""
"""A client that opens pages; it runs in a separate process, so that its memory is not counted."""

WATCH = """(box) => {
  window.shownAt = {}
  new MutationObserver((changes) => {
    for (const change of changes) for (const row of change.addedNodes) window.shownAt[row.textContent] ??= Date.now()
  }).observe(box, { childList: true })
}"""
"""Record in `window.shownAt` when each log line is shown."""


def row(name: str, result: str, target: str, *, holds: bool | None) -> None:
    """Print a row of the table; `holds` is `None` for a result without a target."""
    verdict = {True: "reached", False: "MISSED", None: ""}[holds]
    print(f"{name:66} {result:>10}   {target:14} {verdict}", flush=True)


def write_long_model(home: Path) -> str:
    """Store a model with a long log and long curves; return its ID."""
    with open_services(home, environ={}) as services:
        corpus, _ = services.corpora.add(TEXT, name="ducks")
        model = services.models.create("long", corpus=corpus, options=OPTIONS)
    settings = Settings.read({}, home=home)
    database = Database.open(url_from_environment({}, settings.home))
    leases, history = LeaseStore(database), HistoryStore(database)
    leases.queue(model.id)
    epoch = leases.claim(model.id, "benchmark", seconds=600).epoch
    values = 5 / np.sqrt(np.arange(1, POINTS + 1))
    values[POINTS // 3] = SPIKE
    began = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    for first in range(0, POINTS, BATCH):
        steps = range(first, first + BATCH)
        times = [began + timedelta(seconds=0.1 * step) for step in steps]
        metrics = [
            Metric(step + 1, name, float(values[step]), moment)
            for step, moment in zip(steps, times, strict=True)
            for name in ("loss", "val_loss")
        ]
        lines = [(f"step: {step + 1}/{POINTS}...  loss: {values[step]:.4f}...", "info") for step in steps]
        batch = HistoryBatch(first_position=first + 1, lines=lines, metrics=metrics, step=first + BATCH)
        history.append(model.id, epoch, batch, seconds=600)
    table = MetricRow.__table__.c
    for number in range(SERIES - 2):
        name = literal(f"series {number}")
        copied = select(table.model_id, name, table.step, table.value, table.time).where(table.name == "loss")
        copy = insert(MetricRow).from_select(["model_id", "name", "step", "value", "time"], copied)
        database.write(lambda session, copy=copy: session.execute(copy))
    leases.finish(model.id, epoch, ModelState.COMPLETED)
    database.close()
    return model.id


def open_in_new_context(chromium: Browser, url: str) -> Page:
    """Open a page in a new browser context."""
    return open_page(chromium.new_context(viewport={"width": 1280, "height": 900}), url)


def open_page(context: BrowserContext, url: str, *, hidden: bool = False) -> Page:
    """Open a page; if `hidden`, it reports `document.visibilityState` as a background tab does."""
    page = context.new_page()
    if hidden:
        page.add_init_script("Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })")
    page.goto(url)
    page.get_by_role("navigation", name="Models").wait_for()
    return page


def measure_opening(chromium: Browser, home: Path, model_id: str) -> None:
    """Measure first paint and opening a model with a long history; report the first visit separately."""
    server = Server(home)
    paint_seconds, complete_seconds, curves = [], [], []
    try:
        for _ in range(1 + VISITS):
            page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
            # Polls only for the final state, because locating a role searches the whole page on each frame.
            page.goto(f"{server.url}/?tab=training&model={model_id}", wait_until="commit")
            expected = [POINTS, f"step: {POINTS}/"]
            complete_seconds.append(page.wait_for_function(COMPLETE, arg=expected, polling=20).json_value() / 1000)
            paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            paint_seconds.append(page.evaluate(paint) / 1000)
            curves = page.evaluate(SOURCES)
            page.context.close()
    finally:
        server.stop()
    first, later = paint_seconds[0], statistics.median(paint_seconds[1:])
    row("first paint, first visit after the start", f"{first:.2f} s", "< 1.5 s", holds=first < 1.5)
    row("first paint, later visits", f"{later:.2f} s", "< 1.5 s", holds=later < 1.5)
    later = statistics.median(complete_seconds[1:])
    first = complete_seconds[0]
    row(f"{POINTS:,} lines, {SERIES} × {POINTS:,} points, first visit", f"{first:.2f} s", "", holds=None)
    row(f"{POINTS:,} lines, {SERIES} × {POINTS:,} points, later visits", f"{later:.2f} s", "< 2 s", holds=later < 2)
    num_points = max(points for points, _, _ in curves)
    row("points sent per series", f"{num_points:,}", f"≤ {MAX_POINTS:,}", holds=num_points <= MAX_POINTS)
    with_spike = sum(maximum == SPIKE for _, maximum, _ in curves)
    row("curves that show their maximum", f"{with_spike} of 2", "2 of 2", holds=with_spike == 2)


class EventTimes:
    """Record the time of each log line and each step of a training."""

    def __init__(self) -> None:
        self.logged: dict[str, float] = {}
        self.steps: list[tuple[float, int]] = []

    def record(self, event: Event) -> None:
        """Record an event of the training."""
        now = time.time()
        if isinstance(event, LogMessage):
            self.logged[event.text] = now
        elif isinstance(event, MetricsMeasured) and "loss" in event.values:
            self.steps.append((now, event.step))


@contextmanager
def running_training(services: Services, **options: Any) -> Iterator[tuple[str, EventTimes]]:
    """Train in this process; yield the ID of the model and its event times once the speed is stable."""
    times = EventTimes()
    model = services.training.start(TEXT, options=OPTIONS | options, listeners=[times.record])
    while len(times.steps) < 5:
        if error := services.models.get(model.id).error:
            raise RuntimeError(error)
        time.sleep(0.1)
    time.sleep(2)  # the first steps compile
    yield model.id, times
    services.training.stop(model.id)
    services.training.wait(model.id)


@contextmanager
def dashboard_server(home: Path, lifetime: int) -> Iterator[tuple[Services, Hub, str]]:
    """Serve the dashboard in this process; closed sessions expire after `lifetime` milliseconds."""
    with open_services(home, environ={}) as services:
        studio = Studio(services, Hub(services), 1_000_000, _prepares=True)
        port = free_port("127.0.0.1", 5500)
        server = serve(
            studio, address="127.0.0.1", port=port, threaded=True, verbose=False,
            unused_session_lifetime_milliseconds=lifetime, check_unused_sessions_milliseconds=lifetime,
        )  # fmt: skip
        yield services, studio.hub, f"http://127.0.0.1:{port}/"
        server.stop()
        studio.close()


def measure_live(chromium: Browser, home: Path) -> None:
    """Measure the latency of a log line and the cost of open tabs, with a training in the server process."""
    with dashboard_server(home, lifetime=2000) as (services, _, address):
        with running_training(services, **MANY_LINES) as (model_id, times):
            measure_log_latency(open_in_new_context(chromium, f"{address}?tab=training&model={model_id}"), times)
        with running_training(services) as (model_id, times):
            url = f"{address}?tab=training&model={model_id}"
            measure_tabs("tabs of a window, one of them visible", [True] * (TABS - 1) + [False], chromium, url)
            measure_tabs("windows side by side", [False] * TABS, chromium, url)


def measure_log_latency(page: Page, times: EventTimes) -> None:
    """Measure the time from logging a line until it is shown."""
    page.get_by_role("log").evaluate(WATCH)
    time.sleep(LATENCY_SECONDS)
    shown_at = page.evaluate("window.shownAt")
    page.context.close()
    latencies = [ms / 1000 - times.logged[text] for text, ms in shown_at.items() if text in times.logged]
    p95 = float(np.quantile(latencies, 0.95))
    row(
        f"latency of a log line to the screen, p95 of {len(latencies)}",
        f"{1000 * p95:.0f} ms",
        "< 500 ms",
        holds=p95 < 0.5,
    )


def measure_tabs(name: str, hidden: list[bool], chromium: Browser, url: str) -> None:
    """Measure the processor time of browser and server, which is not available to the training.

    The speed of the training itself varies by more than this on a shared machine.

    Args:
        name: Description of the tabs.
        hidden: Whether each tab is in the background.
        chromium: The browser.
        url: Address of the page.
    """
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    for is_hidden in hidden:
        open_page(context, url, hidden=is_hidden)
    time.sleep(SETTLING_SECONDS)
    before, begin = dashboard_seconds(), time.monotonic()
    time.sleep(MEASURED_SECONDS)
    cost = (dashboard_seconds() - before) / (time.monotonic() - begin) / (os.cpu_count() or 1)
    context.close()
    row(f"share of all processor time, {len(hidden)} {name}", f"{100 * cost:.1f} %", "≤ 2 %", holds=cost <= 0.02)


def measure_memory(home: Path) -> None:
    """Measure the memory that is still allocated after sessions are closed."""
    with dashboard_server(home, lifetime=100) as (_, hub, address):
        before = after_visits(WARM_UP_VISITS, address, hub)
        after = after_visits(MANY_VISITS, address, hub)
    growth = after / before - 1
    row(f"memory after {MANY_VISITS} more sessions", f"{100 * growth:+.1f} %", "≤ +10 %", holds=growth <= 0.1)


def after_visits(count: int, address: str, hub: Hub) -> int:
    """Open and close pages; return the resident memory afterwards, in bytes."""
    subprocess.run([sys.executable, "-c", VISIT, address, str(count), *TAB_NAMES], check=True, cwd=ROOT)
    while hub.num_sessions:
        time.sleep(0.1)
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def main() -> None:
    """Run all measurements, and print the table."""
    print(f"{'':66} {'result':>10}   target")
    with tempfile.TemporaryDirectory() as folder:
        model_id = write_long_model(Path(folder) / "long")
        time.sleep(REST_SECONDS)
        with browser() as chromium:
            measure_opening(chromium, Path(folder) / "long", model_id)
            measure_live(chromium, Path(folder) / "live")
        measure_memory(Path(folder) / "long")


if __name__ == "__main__":
    main()
