"""How fast text is written beside a loop around PyTorch's LSTM: `python benchmarks/writing.py`.

Both have the same network and take turns of half a second; what counts is the ratio of neighbouring turns. PyTorch is
no dependency of this project: PEER_PYTHON names an interpreter that has it.
"""

import os
import sys

from peers.race import programs, race, ratio

CLASSES = 66
ROUNDS = 10
SIZES = [(2, 128), (3, 512)]
NEEDED_ONE, NEEDED_MANY = 10.0, 3.0
MANY = 16


def row(what: str, came: object, *, needed: float, holds: bool) -> None:
    """Print a line of the table."""
    print(f"{what} | {came} | ≥ {needed:g} | {'reached' if holds else 'MISSED'}", flush=True)


def main() -> None:
    """Write and compare."""
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is left out: PEER_PYTHON names no interpreter that has it")
    print("what | came, times as fast | needed |\n--- | --- | --- | ---")
    for layers, units in SIZES:
        network = [str(layers), str(units), str(CLASSES)]
        commands = {
            "one": [sys.executable, "ours_writing.py", *network, "1"],
            "many": [sys.executable, "ours_writing.py", *network, str(MANY)],
        }
        if torch:
            commands["PyTorch"] = [torch, "torch_writing.py", *network, "1"]
        with programs(commands) as started:
            seconds = race(started, ROUNDS)
        name = f"LSTM {layers} × {units}"
        if "PyTorch" in seconds:
            spread = ratio(seconds["PyTorch"], seconds["one"])
            row(f"{name}, one text, beside PyTorch", spread, needed=NEEDED_ONE, holds=spread.median >= NEEDED_ONE)
        spread = ratio(seconds["one"], seconds["many"])
        row(f"{name}, {MANY} texts beside one", spread, needed=NEEDED_MANY, holds=spread.median >= NEEDED_MANY)


if __name__ == "__main__":
    main()
