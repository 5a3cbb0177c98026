"""Compare the speed of generation with a loop around the LSTM of PyTorch: `python benchmarks/writing.py`.

Both use the same network and take turns of half a second; ratios are those of neighboring turns. PyTorch is not a
dependency of this project: set PEER_PYTHON to an interpreter that has it.
"""

import argparse
import os
import sys

from peers import result_page
from peers.alternating_runs import Spread, programs, race, ratio

CLASSES = 66
ROUNDS = 10
SIZES = [(2, 128), (3, 512)]
MIN_RATIO, MIN_RATIO_OF_MANY = 10.0, 3.0
MANY = 16


def measure(layers: int, units: int, torch: str | None) -> dict[str, tuple[Spread, float]]:
    """Generate in turns; return the ratios of speeds and their targets."""
    network = [str(layers), str(units), str(CLASSES)]
    commands = {
        "one": [sys.executable, "charrnn_writing.py", *network, "1"],
        "many": [sys.executable, "charrnn_writing.py", *network, str(MANY)],
    }
    if torch:
        commands["PyTorch"] = [torch, "torch_writing.py", *network, "1"]
    with programs(commands) as started:
        seconds = race(started, ROUNDS)
    ratios = {f"{MANY} samples, relative to one": (ratio(seconds["one"], seconds["many"]), MIN_RATIO_OF_MANY)}
    if "PyTorch" in seconds:
        ratios = {"one sample, relative to PyTorch": (ratio(seconds["PyTorch"], seconds["one"]), MIN_RATIO)} | ratios
    return ratios


def main() -> None:
    """Measure all networks, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result_page.add_option(parser)
    args = parser.parse_args()
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is skipped: set PEER_PYTHON to an interpreter that has it")
    lines = ["comparison | times as fast | target |", "--- | --- | --- | ---"]
    print(*lines, sep="\n", flush=True)
    plotted = {}
    for layers, units in SIZES:
        name = f"LSTM {layers} × {units}"
        ratios = measure(layers, units, torch)
        for comparison, (spread, target) in ratios.items():
            reached = "reached" if spread.median >= target else "MISSED"
            lines.append(f"{name}, {comparison} | {spread} | ≥ {target:g} | {reached}")
            print(lines[-1], flush=True)
        plotted[name] = {
            comparison: (spread.low, spread.median, spread.high) for comparison, (spread, _) in ratios.items()
        }
    if args.write:
        result_page.write("writing", "Writing speed", lines, result_page.bars(plotted, "times as fast"))


if __name__ == "__main__":
    main()
