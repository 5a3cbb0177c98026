"""Measure how long a network of preset Quick takes to read 32,000 characters, with and without compilation.

.venv/bin/python benchmarks/reading.py
"""

import time

import numpy as np

from charrnn.core.options import checked
from charrnn.model.network.network import Network
from charrnn.model.reading.text_statistics import TextStatistics

NUM_CHARACTERS, CLASSES, REPEATS = 32_000, 66, 3
SIZES = {"mingru 5 × 192": ("mingru", 5, 192), "lstm 2 × 128": ("lstm", 2, 128)}


def main() -> None:
    """Print one line per network."""
    ids = np.random.default_rng(1).integers(0, CLASSES, NUM_CHARACTERS).astype(np.uint8)
    for name, (cell, layers, units) in SIZES.items():
        network = Network(checked("training", {"cell": cell, "num_layers": layers, "lstm_size": units}), CLASSES)
        window, seconds = None, []
        for _ in range(1 + REPEATS):
            start, used = time.perf_counter(), time.process_time()
            statistics = TextStatistics(network, ids, window=window)
            statistics.read()
            window = statistics.window
            seconds.append((time.perf_counter() - start, time.process_time() - used))
        (first, first_used), (best, best_used) = seconds[0], min(seconds[1:])
        print(
            f"{name}: {best:.2f} s ({best_used:.2f} s of CPU) for {NUM_CHARACTERS:,} characters; the first time, with "
            f"compilation, {first:.2f} s ({first_used:.2f} s)"
        )


if __name__ == "__main__":
    main()
