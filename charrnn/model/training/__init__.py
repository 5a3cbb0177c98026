"""Train networks: the loop, the optimizers, callbacks, evaluation and checkpoints."""
