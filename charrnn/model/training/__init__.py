"""Train networks: the loop, the optimizers, callbacks, evaluation and checkpoints."""

from charrnn.model.training import checkpoint, dynamic_evaluation, evaluation, training_loop

__all__ = ["checkpoint", "dynamic_evaluation", "evaluation", "training_loop"]
