"""Run training steps of this project, in turns."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, even if another version is installed

from turn_protocol import TrainingSize, take_turns  # noqa: E402

from charrnn.core.options import preset  # noqa: E402
from charrnn.model.training.train_step import TrainStep  # noqa: E402


def main() -> None:
    """Train on one random batch with the preset Article; arguments are the sizes and the precision."""
    precision = sys.argv.pop()
    size = TrainingSize.from_arguments()
    options = preset("article") | {
        "cell": size.cell,
        "num_layers": size.layers,
        "lstm_size": size.units,
        "num_seqs": size.batch,
        "num_steps": size.window,
        "use_embedding": True,
        "embedding_size": size.units,
        "grad_clip": 5.0,
        "precision": precision,
    }
    train_step = TrainStep(options, size.classes)
    batch = np.random.default_rng(1).integers(0, size.classes, (size.batch, size.window + 1)).astype(np.int32)
    step_numbers = iter(range(10**9))
    take_turns(lambda: train_step.step(batch, next(step_numbers), 0.001, restart=False))


if __name__ == "__main__":
    main()
