"""Random search over training options: `python benchmarks/search.py TEXT --minutes 1 --configurations 30`.

The search covers the network, batches, optimizer and regularization. Each configuration trains on an excerpt of the
text for a random fraction of the time budget, because short texts are memorized long before its end. The budget is
converted to the number of steps of an idle machine (`services/cost_estimate.py`), so that other load changes the
duration of the search but not its result. Configurations are ranked by the loss of their best checkpoint on the last
100,000 characters of the text, which are held out first.

TEXT is a UTF-8 file or the name of an example text; `--characters` sets the length of the excerpt. `--write` stores the
table in results/. `--rows FILE` stores finished configurations, and resumes an interrupted search.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from peers import result_page
from peers.benchmark_texts import read_text
from peers.preset_options import preset_options
from peers.text_split import TextSplit, split_text
from peers.train_and_score import Scored, train_and_score

sys.path.insert(0, str(Path(__file__).parents[1]))  # the checkout, even if another version is installed

from charrnn.core.duration_estimate import step_seconds  # noqa: E402
from charrnn.services.cost_estimate import COMPILE_SECONDS, measure_speed  # noqa: E402

VALIDATIONS = 25
"""Number of evenly spaced validations in a training. More of them would lower the loss of the best checkpoint by much
less than configurations differ."""

Draw = Callable[[np.random.Generator], Any]


def _one_of(*values: Any) -> Draw:
    return lambda rng: values[int(rng.integers(len(values)))]


def _between(low: float, high: float) -> Draw:
    """Draw from a log-uniform distribution, rounded to two digits."""
    return lambda rng: float(f"{math.exp(rng.uniform(math.log(low), math.log(high))):.2g}")


DRAWN: dict[str, Draw] = {
    "lstm_size": _one_of(96, 128, 160, 192, 256, 320),
    "num_layers": _one_of(2, 3, 4, 5, 6),
    "num_seqs": _one_of(16, 32, 32, 64),
    "num_steps": _one_of(32, 64, 64, 128),
    "learning_rate": _between(0.002, 0.012),
    "weight_decay": _between(0.1, 10),
    "weight_average": _one_of(0.97, 0.98, 0.99, 0.995),
    "train_keep_prob": _one_of(1, 1, 0.9, 0.8),
}
"""The distribution of each option; the other options are those that Auto chooses."""
FIXED = {"max_epochs": 0, "patience": 0, "fit_steps": False, "cadence": "even"}
"""Options that make a training end only after `max_steps`, with evenly spaced validations."""
FRACTION = _between(0.05, 1)
"""Distribution of the fraction of the time budget that a training takes."""


def configurations(seed: int, minutes: float, text: str) -> Iterator[dict[str, Any]]:
    """Yield random training options; on one machine, the same seed gives the same sequence.

    Args:
        seed: Seed of the random numbers.
        minutes: Maximum duration of a training on this machine when it is idle.
        text: The training and validation text.
    """
    rng, num_classes = np.random.default_rng(seed), len(set(text)) + 1
    while True:
        drawn = {name: draw(rng) for name, draw in DRAWN.items()} | {"seed": int(rng.integers(1, 1000))}
        changes = drawn | {"embedding_size": drawn["lstm_size"], **FIXED}
        options = preset_options("auto", text, minutes, changes=changes)
        seconds = FRACTION(rng) * max(60 * minutes - COMPILE_SECONDS, 1)
        steps = max(1, round(seconds / step_seconds(options, num_classes, measure_speed())))
        every = math.ceil(steps / VALIDATIONS)
        yield options | {"max_minutes": 0.0, "max_steps": steps, "eval_every_n": every, "save_every_n": steps}


def search(
    parts: TextSplit, *, minutes: float, count: int, seed: int, rows: Path | None
) -> list[tuple[dict[str, Any], Scored]]:
    """Train and score random configurations, except those whose results are stored already.

    Args:
        parts: The text.
        minutes: Maximum duration of a training.
        count: Number of configurations.
        seed: Seed of the configurations.
        rows: File for finished configurations, one JSON object per line; `None` to store nothing.

    Returns:
        The options and the result of each training.
    """
    stored = [json.loads(line) for line in rows.read_text("utf-8").splitlines()] if rows and rows.exists() else []
    results = []
    drawn = configurations(seed, minutes, parts.train)
    for number, options in zip(range(count), drawn, strict=False):
        if number < len(stored):
            results.append((stored[number]["options"], Scored(**stored[number]["scored"])))
            continue
        scored = train_and_score(parts, options)
        results.append((options, scored))
        if rows:
            with rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"options": options, "scored": asdict(scored)}) + "\n")
        print(row(options, scored), flush=True)
    return results


COLUMNS = [*DRAWN, "max_steps"]


def row(options: dict[str, Any], scored: Scored) -> str:
    """Return a row of the table."""
    losses = [f"{scored.loss:.3f} ± {scored.error:.3f}", f"{scored.validation:.3f}", f"{scored.step:,}"]
    return " | ".join([*losses, *(f"{options[name]:g}" for name in COLUMNS)])


def main() -> None:
    """Search, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", default="python")
    parser.add_argument("--characters", type=int, default=120_000, help="length of the excerpt")
    parser.add_argument("--first", type=int, default=0, help="position of the excerpt in the text")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--configurations", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=Path)
    result_page.add_option(parser)
    args = parser.parse_args()
    parts = split_text(read_text(args.text), characters=args.characters, first=args.first)
    lines = [
        " | ".join(["test loss", "validation loss", "step", *COLUMNS]),
        " | ".join(["---"] * (len(COLUMNS) + 3)),
    ]
    print(*lines, sep="\n", flush=True)
    results = search(parts, minutes=args.minutes, count=args.configurations, seed=args.seed, rows=args.rows)
    results.sort(key=lambda result: result[1].loss)
    if args.write:
        name = Path(args.text).stem
        title = f"Random search: {args.characters:,} characters of {name}, {args.minutes:g} minutes, seed {args.seed}"
        points = {"configurations, best first": list(enumerate(scored.loss for _, scored in results))}
        plot = result_page.curves(points, "configurations", "test loss, nats per character")
        file = f"search-{name}-{args.characters}-{args.minutes:g}"
        result_page.write(file, title, [*lines, *(row(*result) for result in results)], plot)


if __name__ == "__main__":
    main()
