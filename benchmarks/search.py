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
from peers.benchmark_options import recipe
from peers.benchmark_texts import read
from peers.scored_training import Scored, train_and_score
from peers.text_split import TextSplit, split_text

sys.path.insert(0, str(Path(__file__).parents[1]))  # as it is here, installed or not

from charrnn.core.duration_estimate import step_seconds  # noqa: E402
from charrnn.services.cost_estimate import COMPILE_SECONDS, measure_speed  # noqa: E402

VALIDATIONS = 25
"""In a training, evenly spaced: what the best of them misses is far below the differences between configurations."""

Draw = Callable[[np.random.Generator], Any]


def _one_of(*values: Any) -> Draw:
    return lambda draw: values[int(draw.integers(len(values)))]


def _between(low: float, high: float) -> Draw:
    """Draw evenly on a logarithmic scale, to two digits."""
    return lambda draw: float(f"{math.exp(draw.uniform(math.log(low), math.log(high))):.2g}")


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
"""What is drawn for each option; all others are Quick's."""
FIXED = {"max_epochs": 0, "patience": 0, "fit_steps": False, "cadence": "even"}
"""Trainings end after their steps and nothing else."""
SHARE = _between(0.05, 1)
"""Of the minutes that a configuration uses."""


def configurations(seed: int, minutes: float, text: str) -> Iterator[dict[str, Any]]:
    """Draw training options, as many as are asked for; the first ones of a seed are always the same on a machine.

    Args:
        seed: Of the draws.
        minutes: That a training may take on this machine while it does nothing else.
        text: That is trained and validated on.
    """
    draw, num_classes = np.random.default_rng(seed), len(set(text)) + 1
    while True:
        drawn = {name: one(draw) for name, one in DRAWN.items()} | {"seed": int(draw.integers(1, 1000))}
        options = recipe("auto", text, minutes, given=drawn | {"embedding_size": drawn["lstm_size"], **FIXED})
        seconds = SHARE(draw) * max(60 * minutes - COMPILE_SECONDS, 1)
        steps = max(1, round(seconds / step_seconds(options, num_classes, measure_speed())))
        every = math.ceil(steps / VALIDATIONS)
        yield options | {"max_minutes": 0.0, "max_steps": steps, "eval_every_n": every, "save_every_n": steps}


def search(
    parts: TextSplit, *, minutes: float, count: int, seed: int, rows: Path | None
) -> list[tuple[dict[str, Any], Scored]]:
    """Train and score configurations; those that a file holds already are not done again.

    Args:
        parts: The text.
        minutes: For each training.
        count: How many configurations.
        seed: Of their draws.
        rows: Where what is done is kept, a line of JSON each.
    """
    done = [json.loads(line) for line in rows.read_text("utf-8").splitlines()] if rows and rows.exists() else []
    found = []
    drawn = configurations(seed, minutes, parts.own)
    for number, options in zip(range(count), drawn, strict=False):
        if number < len(done):
            found.append((done[number]["options"], Scored(**done[number]["scored"])))
            continue
        scored = train_and_score(parts, options)
        found.append((options, scored))
        if rows:
            with rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"options": options, "scored": asdict(scored)}) + "\n")
        print(row(options, scored), flush=True)
    return found


HEAD = [*DRAWN, "max_steps"]


def row(options: dict[str, Any], scored: Scored) -> str:
    """Return a line of the table."""
    told = [f"{scored.loss:.3f} ± {scored.error:.3f}", f"{scored.validation:.3f}", f"{scored.step:,}"]
    return " | ".join([*told, *(f"{options[name]:g}" for name in HEAD)])


def main() -> None:
    """Search and tell, best first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", default="python")
    parser.add_argument("--characters", type=int, default=120_000, help="to train and validate on")
    parser.add_argument("--first", type=int, default=0, help="where they begin in the text")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--configurations", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=Path)
    result_page.add_option(parser)
    asked = parser.parse_args()
    parts = split_text(read(asked.text), characters=asked.characters, first=asked.first)
    lines = [
        " | ".join(["test, nats", "validation, nats", "at step", *HEAD]),
        " | ".join(["---"] * (len(HEAD) + 3)),
    ]
    print(*lines, sep="\n", flush=True)
    found = search(parts, minutes=asked.minutes, count=asked.configurations, seed=asked.seed, rows=asked.rows)
    found.sort(key=lambda one: one[1].loss)
    if asked.write:
        name = Path(asked.text).stem
        title = (
            f"Random search: {asked.characters:,} characters of {name}, {asked.minutes:g} minutes, seed {asked.seed}"
        )
        points = {"configurations, best first": list(enumerate(scored.loss for _, scored in found))}
        plot = result_page.curves(points, "configurations", "nats per character of the test part")
        file = f"search-{name}-{asked.characters}-{asked.minutes:g}"
        result_page.write(file, title, [*lines, *(row(*one) for one in found)], plot)


if __name__ == "__main__":
    main()
