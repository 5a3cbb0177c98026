"""Compare training speed on a GPU and on the CPU of the same machine: `python benchmarks/gpu.py`.

Uses the networks of `training.py`, and minGRU. Without a GPU, prints that and measures nothing.
"""

import os
import sys
from itertools import product

import tensorflow as tf
from peers.alternating_runs import programs, race, ratio

SIZES = [(2, 128, 32, 50), (2, 256, 64, 100), (3, 512, 64, 128)]
CELLS = "lstm", "gru", "mingru"
CLASSES = 66
ROUNDS, MINUTES = 9, 1.0
DEVICES = "GPU", "CPU"
WITHOUT_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}


def main() -> None:
    """Measure all networks, and print the table."""
    if not tf.config.list_physical_devices("GPU"):
        print("No GPU found: nothing measured.")
        return
    print("network, batch | characters per second, GPU | CPU | times as fast\n--- | --- | --- | ---", flush=True)
    for cell, size in product(CELLS, SIZES):
        layers, units, batch, window = size
        numbers = [str(number) for number in (layers, units, batch, window, CLASSES)]
        command = [sys.executable, "charrnn_training.py", cell, *numbers, "auto"]
        with programs({device: command for device in DEVICES}, {"CPU": os.environ | WITHOUT_GPU}) as started:
            seconds = race(started, ROUNDS, MINUTES)
        rates = [f"{batch * window / min(seconds[device]):,.0f}" for device in DEVICES]
        speedup = ratio(seconds["CPU"], seconds["GPU"])
        print(f"{cell} {layers} × {units}, {batch} × {window} | {' | '.join(rates)} | {speedup}", flush=True)


if __name__ == "__main__":
    main()
