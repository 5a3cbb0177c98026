"""Generate text with a loop around the LSTM of PyTorch, sampling one character at a time on the host, in turns.

Each turn prints the seconds per character, counting the characters of all samples.
"""

import sys
import time

import numpy as np
import torch
from torch import nn
from turn_protocol import BLOCK_SECONDS, num_processors, send, wait_for_turn


def main() -> None:
    """Generate the given number of samples in parallel."""
    layers, units, classes, samples = map(int, sys.argv[1:])
    torch.set_num_threads(num_processors())
    table, output = nn.Embedding(classes, units), nn.Linear(units, classes)
    recurrent = nn.LSTM(units, units, layers, batch_first=True)
    random = np.random.default_rng(1)
    last, state = np.zeros(samples, np.int64), None
    send("ready")
    while wait_for_turn():
        begun, count = time.perf_counter(), 0
        with torch.inference_mode():
            while (took := time.perf_counter() - begun) < BLOCK_SECONDS:
                x, state = recurrent(table(torch.from_numpy(last)[:, None]), state)
                probabilities = torch.softmax(output(x[:, -1]), -1).numpy().astype(np.float64)
                last = np.array([random.choice(classes, p=row / row.sum()) for row in probabilities])
                count += samples
        send(took / count)


if __name__ == "__main__":
    main()
