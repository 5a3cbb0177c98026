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
from peers.cpu_time import spent
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
from dashboard.live.session import TABS as NAMES  # noqa: E402
from dashboard.server.server import Studio, free_port, serve  # noqa: E402
from tests.support.browser import browser  # noqa: E402
from tests.support.dashboard_server import Server  # noqa: E402

POINTS, SERIES, TOLD = 100_000, 10, 5_000
VISITS = 5
REST = 90
"""Seconds between preparation and measurement; shared machines throttle after a burst."""
TABS, WATCHED, SECONDS = 5, 60, 30
SPIKE = 77.0
WARM_UP_VISITS, MANY_VISITS = 40, 200
TEXT = "".join(f"{number} little ducks went out to play, over the hill and far away.\n" for number in range(999, 0, -1))
OPTIONS: dict[str, Any] = training_options(
    {
        "max_steps": 10_000_000, "max_epochs": 0, "max_minutes": 0, "log_every_n": 50,
        "eval_every_n": 1_000_000, "save_every_n": 1_000_000, "sample_every_n": 1_000_000,
    },
    num_characters=len(TEXT), num_distinct=len(set(TEXT)), preset_name="quick",
)  # fmt: skip
"""Quick without an end, validations, checkpoints or samples."""
MANY_LINES = {"log_every_n": 10}
"""Five times as many log lines as Quick writes, so that waits are short."""

SOURCES = """() => [...Bokeh.documents[0]._all_models.values()].filter((m) => m.type === "ColumnDataSource")
  .map((m) => [m.data.x.length, Math.max(...m.data.y), m.data.x.at(-1)])"""
"""Number of points, maximum and last step of each curve in the browser."""

COMPLETE = f"""([last, line]) => {{
  const find = (root) => {{
    for (const e of root.querySelectorAll("*")) {{
      if (e.getAttribute("role") === "log") return e
      const found = e.shadowRoot && find(e.shadowRoot)
      if (found) return found
    }}
  }}
  const log = find(document)
  const drawn = log?.lastChild?.textContent.startsWith(line) && ({SOURCES})().some((s) => s[2] === last)
  return drawn ? performance.now() : 0
}}"""
"""Milliseconds from the request until the last log line and the last step of a curve are shown, else 0."""

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
"""A client, which runs in a separate process because clients leave memory behind."""

WATCH = """(box) => {
  window.arrived = {}
  new MutationObserver((changes) => {
    for (const change of changes) for (const row of change.addedNodes) window.arrived[row.textContent] ??= Date.now()
  }).observe(box, { childList: true })
}"""


def row(name: str, came: str, needed: str, *, holds: bool | None) -> None:
    """Print a row of the table."""
    verdict = {True: "reached", False: "MISSED", None: ""}[holds]
    print(f"{name:66} {came:>10}   {needed:14} {verdict}", flush=True)


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
    for first in range(0, POINTS, TOLD):
        steps = range(first, first + TOLD)
        times = [began + timedelta(seconds=0.1 * step) for step in steps]
        metrics = [
            Metric(step + 1, name, float(values[step]), moment)
            for step, moment in zip(steps, times, strict=True)
            for name in ("loss", "val_loss")
        ]
        lines = [(f"step: {step + 1}/{POINTS}...  loss: {values[step]:.4f}...", "info") for step in steps]
        told = HistoryBatch(first_position=first + 1, lines=lines, metrics=metrics, step=first + TOLD)
        history.append(model.id, epoch, told, seconds=600)
    table = MetricRow.__table__.c
    for number in range(SERIES - 2):
        name = literal(f"series {number}")
        copied = select(table.model_id, name, table.step, table.value, table.time).where(table.name == "loss")
        copy = insert(MetricRow).from_select(["model_id", "name", "step", "value", "time"], copied)
        database.write(lambda session, copy=copy: session.execute(copy))
    leases.finish(model.id, epoch, ModelState.COMPLETED)
    database.close()
    return model.id


def opened(chromium: Browser, url: str) -> Page:
    """Open a page in a new browser context."""
    return shown(chromium.new_context(viewport={"width": 1280, "height": 900}), url)


def shown(context: BrowserContext, url: str, *, hidden: bool = False) -> Page:
    """Open a page; a hidden one reports that another tab of its window is in front."""
    page = context.new_page()
    if hidden:
        page.add_init_script("Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })")
    page.goto(url)
    page.get_by_role("tab", name="Library").wait_for()
    return page


def measure_opening(chromium: Browser, home: Path, model_id: str) -> None:
    """Measure first paint and opening a model with a long history; report the first visit separately."""
    server = Server(home)
    paints, completes, found = [], [], []
    try:
        for _ in range(1 + VISITS):
            page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
            # Check for the end only: locating a role walks the whole page on each frame.
            page.goto(f"{server.url}/?tab=training&model={model_id}", wait_until="commit")
            last = [POINTS, f"step: {POINTS}/"]
            completes.append(page.wait_for_function(COMPLETE, arg=last, polling=20).json_value() / 1000)
            paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            paints.append(page.evaluate(paint) / 1000)
            found = page.evaluate(SOURCES)
            page.context.close()
    finally:
        server.stop()
    first, later = paints[0], statistics.median(paints[1:])
    row("first paint, first visit after the start", f"{first:.2f} s", "< 1.5 s", holds=first < 1.5)
    row("first paint, later visits", f"{later:.2f} s", "< 1.5 s", holds=later < 1.5)
    later = statistics.median(completes[1:])
    row(f"{POINTS:,} lines, {SERIES} × {POINTS:,} points, first visit", f"{completes[0]:.2f} s", "", holds=None)
    row(f"{POINTS:,} lines, {SERIES} × {POINTS:,} points, later visits", f"{later:.2f} s", "< 2 s", holds=later < 2)
    most = max(points for points, _, _ in found)
    row("points sent per series", f"{most:,}", f"≤ {MAX_POINTS:,}", holds=most <= MAX_POINTS)
    highest = sum(top == SPIKE for _, top, _ in found)
    row("curves that show their maximum", f"{highest} of 2", "2 of 2", holds=highest == 2)


class Ears:
    """Record when a training logged each line and did each step."""

    def __init__(self) -> None:
        self.said: dict[str, float] = {}
        self.steps: list[tuple[float, int]] = []

    def hear(self, event: Event) -> None:
        """Record an event of the training."""
        now = time.time()
        if isinstance(event, LogMessage):
            self.said[event.text] = now
        elif isinstance(event, MetricsMeasured) and "loss" in event.values:
            self.steps.append((now, event.step))


@contextmanager
def training(services: Services, **options: Any) -> Iterator[tuple[str, Ears]]:
    """Train in this process; yield the model once the speed is stable."""
    ears = Ears()
    model = services.training.start(TEXT, options=OPTIONS | options, listeners=[ears.hear])
    while len(ears.steps) < 5:
        if error := services.models.get(model.id).error:
            raise RuntimeError(error)
        time.sleep(0.1)
    time.sleep(2)
    yield model.id, ears
    services.training.stop(model.id)
    services.training.wait(model.id)


@contextmanager
def served(home: Path, lifetime: int) -> Iterator[tuple[Services, Hub, str]]:
    """Serve the dashboard in this process; closed sessions expire within milliseconds."""
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
    with served(home, lifetime=2000) as (services, _, address):
        with training(services, **MANY_LINES) as (model_id, ears):
            measure_lines(opened(chromium, f"{address}?tab=training&model={model_id}"), ears)
        with training(services) as (model_id, ears):
            url = f"{address}?tab=training&model={model_id}"
            measure_tabs("tabs of a window, one of them in front", [True] * (TABS - 1) + [False], chromium, url)
            measure_tabs("windows side by side", [False] * TABS, chromium, url)


def measure_lines(page: Page, ears: Ears) -> None:
    """Compare when lines were logged with when they were shown."""
    page.get_by_role("log").evaluate(WATCH)
    time.sleep(40)
    arrived = page.evaluate("window.arrived")
    page.context.close()
    ways = [moment / 1000 - ears.said[text] for text, moment in arrived.items() if text in ears.said]
    p95 = float(np.quantile(ways, 0.95))
    row(f"latency of a log line to the screen, p95 of {len(ways)}", f"{1000 * p95:.0f} ms", "< 500 ms", holds=p95 < 0.5)


def measure_tabs(what: str, hidden: list[bool], chromium: Browser, url: str) -> None:
    """Measure the processor time of browser and server, which the training would use otherwise.

    Speeds with and without pages differ by more on a machine that others use too than what is looked for here.
    """
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    for is_hidden in hidden:
        shown(context, url, hidden=is_hidden)
    time.sleep(WATCHED)
    before, begin = spent(), time.monotonic()
    time.sleep(SECONDS)
    cost = (spent() - before) / (time.monotonic() - begin) / (os.cpu_count() or 1)
    context.close()
    row(f"of all processor time, {len(hidden)} {what}", f"{100 * cost:.1f} %", "≤ 2 %", holds=cost <= 0.02)


def measure_memory(home: Path) -> None:
    """Measure the memory that sessions leave behind after they are closed."""
    with served(home, lifetime=100) as (_, hub, address):
        before = after_visits(WARM_UP_VISITS, address, hub)
        after = after_visits(MANY_VISITS, address, hub)
    grown = after / before - 1
    row(f"memory after {MANY_VISITS} more sessions", f"{100 * grown:+.1f} %", "≤ +10 %", holds=grown <= 0.1)


def after_visits(count: int, address: str, hub: Hub) -> int:
    """Open and close pages; return the memory in bytes that is held afterwards."""
    subprocess.run([sys.executable, "-c", VISIT, address, str(count), *NAMES], check=True, cwd=ROOT)
    while hub.num_sessions:
        time.sleep(0.1)
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def main() -> None:
    """Measure everything."""
    print(f"{'':66} {'result':>10}   target")
    with tempfile.TemporaryDirectory() as folder:
        model_id = write_long_model(Path(folder) / "long")
        time.sleep(REST)
        with browser() as chromium:
            measure_opening(chromium, Path(folder) / "long", model_id)
            measure_live(chromium, Path(folder) / "live")
        measure_memory(Path(folder) / "long")


if __name__ == "__main__":
    main()
