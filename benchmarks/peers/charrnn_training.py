"""Run training steps of this project in turns."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, even if another version is installed

from turn_protocol import Work, take_turns  # noqa: E402

from charrnn.core.options import preset  # noqa: E402
from charrnn.model.training.train_step import TrainStep  # noqa: E402


def main() -> None:
    """Train on one random batch with preset article and the given sizes; the last argument is the precision."""
    precision = sys.argv.pop()
    work = Work.asked()
    options = preset("article") | {
        "cell": work.cell,
        "num_layers": work.layers,
        "lstm_size": work.units,
        "num_seqs": work.batch,
        "num_steps": work.window,
        "use_embedding": True,
        "embedding_size": work.units,
        "grad_clip": 5.0,
        "precision": precision,
    }
    engine = TrainStep(options, work.classes)
    batch = np.random.default_rng(1).integers(0, work.classes, (work.batch, work.window + 1)).astype(np.int32)
    numbers = iter(range(10**9))
    take_turns(lambda: engine.step(batch, next(numbers), 0.001, restart=False))


if __name__ == "__main__":
    main()
