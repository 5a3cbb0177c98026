"""The rules that turn gradients into changes of the weights: optimizer, learning rate over time, gradient limits."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

END_OF_COSINE = 0.02
"""Share of the learning rate that the cosine schedule ends at."""


def make_optimizer(
    options: Mapping[str, Any], variables: list[keras.Variable], *, without_decay: keras.Variable
) -> keras.optimizers.Optimizer:
    """Build the optimizer for some variables, of which one does not decay.

    Adam and RMSprop have the constants of the systems they come from: Adam TensorFlow 1's epsilon of 1e-8; RMSprop
    char-rnn's decay of 0.95 and an epsilon that matches its 1e-8, which it adds outside the root and Keras inside.
    AdamW forgets squared gradients sooner (0.99), which suits trainings of a few thousand steps; beside Muon, which
    changes the matrices between units, it changes all others.
    """
    rate, name = options["learning_rate"], options["optimizer"]  # Keras' own names are numbered through the process
    match name:
        case "adam":
            optimizer = keras.optimizers.Adam(rate, epsilon=1e-8, name=name)
        case "adamw" | "muon":
            optimizer = keras.optimizers.AdamW(
                rate, beta_2=0.99, epsilon=1e-8, weight_decay=options["weight_decay"], name=name
            )
            optimizer.exclude_from_weight_decay([without_decay])
        case "rmsprop":
            optimizer = keras.optimizers.RMSprop(rate, rho=0.95, epsilon=1e-16, name=name)
    optimizer.build(variables)
    return optimizer


def scheduled_rate(options: Mapping[str, Any], *, step: int, done: float, passes: int) -> float:
    """Return the learning rate of a step.

    Args:
        options: Training options.
        step: Steps done before this one.
        done: Share of the training that is done, in steps or in minutes, whichever is further; `0 … 1`.
        passes: Whole passes over the text done before this step.
    """
    rate = options["learning_rate"]
    if step < options["warmup_steps"]:
        rate *= (step + 1) / options["warmup_steps"]
    match options["lr_schedule"]:
        case "cosine":
            hold = options["lr_hold"]
            fallen = min(1.0, max(0.0, done - hold) / (1 - hold)) if hold < 1 else 0.0
            rate *= END_OF_COSINE + (1 - END_OF_COSINE) * 0.5 * (1 + math.cos(math.pi * fallen))
        case "decay":  # char-rnn multiplies at the end of the tenth pass and of each one after it
            rate *= options["lr_decay"] ** max(0, passes - max(options["lr_decay_after"], 1) + 1)
    return float(rate)


def limited(gradients: list[tf.Tensor], norm: tf.Tensor, options: Mapping[str, Any]) -> list[tf.Tensor]:
    """Shorten gradients to `grad_clip`, all together by their global `norm`, or each one by its value.

    By value, the limit applies to the loss summed over the sequence, as in char-rnn; ours is the mean, so the limit
    is divided by `num_steps`.
    """
    limit = options["grad_clip"]
    if limit == 0:
        return gradients
    if options["clip_by"] == "value":
        limit /= options["num_steps"]
        return [tf.clip_by_value(gradient, -limit, limit) for gradient in gradients]
    scale = limit / tf.maximum(norm, limit)
    return [gradient * scale for gradient in gradients]
