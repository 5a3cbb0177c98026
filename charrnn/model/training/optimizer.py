"""Create optimizers, schedule the learning rate and clip gradients."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

FINAL_COSINE_RATE = 0.02
"""Fraction of the learning rate at the end of the cosine schedule."""


def make_optimizer(
    options: Mapping[str, Any], variables: list[keras.Variable], *, without_decay: keras.Variable
) -> keras.optimizers.Optimizer:
    """Create the optimizer for some variables, one of which does not decay.

    Adam uses TensorFlow 1's epsilon of 1e-8. RMSprop uses char-rnn's decay of 0.95; its epsilon of 1e-16 corresponds to
    char-rnn's 1e-8, because Keras adds epsilon inside the square root and char-rnn outside. AdamW averages squared
    gradients over fewer steps (0.99), which suits trainings of a few thousand steps. Muon updates the matrices between
    hidden units, and AdamW all other weights.
    """
    rate, name = options["learning_rate"], options["optimizer"]  # Keras' default names are numbered per process
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


def scheduled_rate(options: Mapping[str, Any], *, step: int, done: float, epochs: int) -> float:
    """Return the learning rate of a step.

    Args:
        options: Training options.
        step: Number of completed steps.
        done: Completed fraction of the training, in steps or in minutes, whichever is larger; `0 … 1`.
        epochs: Number of completed epochs.
    """
    rate = options["learning_rate"]
    if step < options["warmup_steps"]:
        rate *= (step + 1) / options["warmup_steps"]
    match options["lr_schedule"]:
        case "cosine":
            hold = options["lr_hold"]
            fallen = min(1.0, max(0.0, done - hold) / (1 - hold)) if hold < 1 else 0.0
            rate *= FINAL_COSINE_RATE + (1 - FINAL_COSINE_RATE) * 0.5 * (1 + math.cos(math.pi * fallen))
        case "decay":  # char-rnn multiplies at the end of the tenth epoch and of each one after it
            rate *= options["lr_decay"] ** max(0, epochs - max(options["lr_decay_after"], 1) + 1)
    return float(rate)


def clipped(gradients: list[tf.Tensor], norm: tf.Tensor, options: Mapping[str, Any]) -> list[tf.Tensor]:
    """Clip gradients to `grad_clip`, by their global `norm` or each one by value.

    Clipping by value applies to the loss summed over the sequence, as in char-rnn; the loss here is the mean, so the
    limit is divided by `num_steps`.
    """
    limit = options["grad_clip"]
    if limit == 0:
        return gradients
    if options["clip_by"] == "value":
        limit /= options["num_steps"]
        return [tf.clip_by_value(gradient, -limit, limit) for gradient in gradients]
    scale = limit / tf.maximum(norm, limit)
    return [gradient * scale for gradient in gradients]
