"""Measure how fast exported web pages generate: `python benchmarks/web_page.py`.

Opens pages of random networks in Chromium, from a file. WebAssembly with SIMD and plain JavaScript take turns of 20
characters; speeds are the fastest turns, because the machine may be shared, and ratios are those of neighboring turns.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from peers import result_page
from peers.alternating_runs import Spread
from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[1]))

from charrnn.core.options import checked
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.network.network import Network
from charrnn.services.web_page.page import WebPage, render
from tests.support.browser import browser

CHARACTERS = "".join(map(chr, range(32, 120)))
NETWORKS = {
    "Quick (minGRU 5 × 192)": {"cell": "mingru", "lstm_size": 192, "num_layers": 5},
    "LSTM 2 × 128": {"cell": "lstm", "lstm_size": 128, "num_layers": 2},
    "LSTM 3 × 512": {"cell": "lstm", "lstm_size": 512, "num_layers": 3},
}
TARGETS = {"Quick (minGRU 5 × 192)": (5000, 800)}
"""Characters per second with and without SIMD."""
SECONDS = 10
TURNS = """([characters, seconds]) => {
  const writers = [true, false].map((simd) => createWriter({ simd }))
  for (const writer of writers) {
    writer.begin([" "], 1, 1)
    writer.read()
  }
  const turns = [], end = performance.now() + 1000 * seconds
  while (performance.now() < end) {
    turns.push(writers.map((writer) => {
      const started = performance.now()
      for (let count = 0; count < characters; count++) writer.write()
      return characters / (performance.now() - started) * 1000
    }))
  }
  return turns
}"""


def export(options: dict[str, Any], folder: Path) -> Path:
    """Write the page of a random network."""
    values = checked("training", options)
    network = Network(values, len(CHARACTERS) + 1)
    weights = {weight.path: weight.numpy() for weight in network.weights}
    page = WebPage("benchmark", values, Vocabulary(CHARACTERS), weights, step=1, loss=None)
    path = folder / "page.html"
    path.write_text(render(page, "int8"), "utf-8")
    return path


def measure(page: Page, path: Path) -> tuple[list[float], Spread]:
    """Return the speeds with and without SIMD in characters per second, and their ratio."""
    page.goto(path.as_uri())
    page.get_by_text("Ready.").wait_for()
    turns = np.array(page.evaluate(TURNS, [20, SECONDS]))
    return turns.max(0).tolist(), Spread.of((turns[:, 0] / turns[:, 1]).tolist())


def main() -> None:
    """Measure all networks, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result_page.add_option(parser)
    args = parser.parse_args()
    lines = [
        "network | page | SIMD, characters/s | plain | times as fast | target",
        "--- | --- | --- | --- | --- | ---",
    ]
    print(*lines, sep="\n", flush=True)
    plotted = {}
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        page = chromium.new_page()
        for name, options in NETWORKS.items():
            path = export(options, Path(folder))
            speeds, ratio = measure(page, path)
            plotted[name] = {"SIMD": (ratio.low, ratio.median, ratio.high)}
            targets, reached = TARGETS.get(name), ""
            if targets:
                met = all(speed >= target for speed, target in zip(speeds, targets, strict=True))
                reached = f"≥ {targets[0]:,} and {targets[1]:,}: {'reached' if met else 'MISSED'}"
            size = f"{path.stat().st_size / 1e6:.2f} MB"
            lines.append(f"{name} | {size} | {speeds[0]:,.0f} | {speeds[1]:,.0f} | {ratio} | {reached}")
            print(lines[-1], flush=True)
    if args.write:
        plot = result_page.bars(plotted, "times as fast with SIMD")
        result_page.write("web_page", "Speed of exported web pages", lines, plot)


if __name__ == "__main__":
    main()
