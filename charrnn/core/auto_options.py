"""Choose training options for a text, a time budget and a machine: the preset Auto.

Notation:

    n  characters of the text     N  steps     B  batch size     T  sequence length

Two limits determine the options. The text limits the number of epochs, after which the network has memorized it. The
time budget limits the number of steps. Each rule below follows from one of these limits or from the tighter one, not
from a table of known texts.
"""

import math
from collections.abc import Mapping
from typing import Any

from charrnn.core.batches import split
from charrnn.core.duration_estimate import EVALUATION_SPEEDUP, SAMPLE_SECONDS, SAVE_SECONDS, Speed, step_seconds
from charrnn.core.errors import OptionError
from charrnn.core.network_cost import num_parameters
from charrnn.core.options import Value, checked, options

BASE_OPTIONS: Mapping[str, Value] = {
    "cell": "mingru",
    "num_layers": 5,
    "use_embedding": True,
    "optimizer": "muon",
    "learning_rate": 0.004,
    "lr_schedule": "cosine",
    "lr_hold": 0.1,
    "warmup_steps": 10,
    "grad_clip": 1.0,
    "train_keep_prob": 1.0,
    "cadence": "log",
}
"""Options used for all texts."""
SIZES = 128, 192, 256, 320, 384, 512
"""Numbers of hidden units to choose from, all multiples of a CPU's vector width."""
CHARACTERS_PER_WEIGHT = 2.5
"""Characters to train on per weight; a larger network would not be trained enough within the time budget."""
SIZE_AT_MILLION, SIZE_EXPONENT = 256, 0.25
"""Largest useful number of hidden units for a text of a million characters, and the exponent of n by which it grows."""
MIN_SIZE_LIMIT = 192
"""Minimum of that largest useful number, for short texts."""
MAX_EPOCHS = 9.0
"""Epochs after which a network has memorized the text, at the weight decay below."""
DECAY_AT_MILLION, DECAY_EXPONENT, MAX_DECAY = 0.004, 0.5, 0.012
"""Weight decay × learning rate, the fraction by which AdamW and Muon shrink weights at each step: its value for a text
of a million characters, the exponent of 1/n by which it changes, and its maximum, which applies below about 110,000
characters."""
MAX_NUM_STEPS, MAX_NUM_SEQS = 64, 32
CHARACTERS_PER_SEQUENCE = 3000
"""Minimum number of characters of the text per sequence of a batch; with fewer, an epoch would have too few steps."""
VALIDATION_FACTOR, MAX_VALIDATION_FRACTION = 14.0, 1 / 7
"""Size of the validation split: this factor times √n, because the noise of the loss decreases with the square root of
the size, but at most this fraction of the text."""
MIN_VALIDATION = 1000
"""Minimum size of the validation split in characters, regardless of its cost, if the text is long enough. In a smaller
split, noise would determine the best step."""
VALIDATION_TIME, RECORDING_TIME = 0.015, 0.004
"""Share of the training time for validations, and for samples and checkpoints each."""
LONG_TRAINING_FACTOR = 1 / 3
"""Factor of these shares for trainings of `LONG_SECONDS` or more."""
SHORT_SECONDS, LONG_SECONDS = 60, 300
"""The validation split of a training shorter than `SHORT_SECONDS` is chosen as for one of that duration."""
MIN_VALIDATIONS = 12
"""Minimum number of validations, not counting the early ones, so that one of them is close to the best step."""
PATIENCE = 4
MAX_WEIGHT_DECAY = float(options("training")["weight_decay"].maximum or 0)
AVERAGED_STEPS, MIN_AVERAGED, MAX_AVERAGED = 20, 0.003, 0.05
"""Weight averaging: the share of the newest weights is `AVERAGED_STEPS` / N, within these bounds."""
NGRAM_ORDER, MAX_NGRAM_CHARACTERS = 7, 500_000
"""Order of the n-grams mixed with the network, and length of the longest text for which they are used. They lower the
loss by 0.09 nats at 20 kB, by 0.06 at 120 kB, and by 0.6 if there are thousands of distinct characters."""
SPLIT_OPTIONS = "val_fraction", "max_val_chars", "num_seqs", "num_steps"
STARTUP_SECONDS = 6.0
"""Part of the time budget used before the second step: building the graph and compiling."""


def auto_options(
    num_characters: int,
    num_distinct: int,
    minutes: float,
    speed: Speed,
    overrides: Mapping[str, Any] | None = None,
) -> dict[str, Value]:
    """Choose training options. The result depends only on the arguments.

    Args:
        num_characters: Length of the text, n, at least 2.
        num_distinct: Number of distinct characters.
        minutes: Time budget, above 0, at most 100,000.
        speed: Speed of this machine.
        overrides: Options set by the user. They are kept, and the others are chosen to match.

    Returns:
        All training options, validated.

    Raises:
        OptionError: An override or `minutes` is invalid.
    """
    if not 0 < minutes <= 100_000:
        raise OptionError({"minutes": f"minutes is {minutes!r}; it must be a number above 0, at most 100,000."})
    own = dict(checked("training", overrides or {}))
    fixed = {name: own[name] for name in overrides or {}}
    values: dict[str, Any] = {**own, **BASE_OPTIONS, "max_minutes": float(minutes), **_batch(num_characters), **fixed}
    num_classes = min(num_distinct, values["max_vocab"]) + 1
    seconds = max(0.5 * 60 * minutes, 60 * minutes - STARTUP_SECONDS)
    size = fixed.get("lstm_size") or _size(values, num_characters, num_classes, seconds, speed)
    values |= {"lstm_size": size, "embedding_size": size, **fixed}
    one_step = step_seconds(values, num_classes, speed)
    values |= {**_split(values, num_characters, seconds, one_step), **fixed}
    values |= {**_duration(values, num_characters, seconds / one_step), **fixed}
    values |= {"weight_decay": _weight_decay(values, num_characters), **fixed}
    values |= {"ngram_order": NGRAM_ORDER if num_characters <= MAX_NGRAM_CHARACTERS else 0, **fixed}
    values |= {"fit_steps": "max_steps" not in fixed, "weight_average": _average(values["max_steps"]), **fixed}
    values |= {**_cadence(values, num_characters, one_step), **fixed}
    return checked("training", values)


def _batch(num_characters: int) -> dict[str, int]:
    """Return the batch size, a power of two, and the sequence length."""
    ideal = max(1.0, num_characters / CHARACTERS_PER_SEQUENCE)
    num_seqs = min(MAX_NUM_SEQS, 2 ** round(math.log2(ideal)))
    # Texts of a few lines: at least four steps per epoch.
    return {"num_seqs": num_seqs, "num_steps": max(1, min(MAX_NUM_STEPS, num_characters // (4 * num_seqs) - 1))}


def _split(values: Mapping[str, Any], num_characters: int, seconds: float, one_step: float) -> dict[str, float]:
    """Return the validation split: large enough to compare losses, small enough for its share of the time."""
    per_step = values["num_seqs"] * values["num_steps"]
    steps = max(min(seconds / one_step, MAX_EPOCHS * num_characters / per_step), SHORT_SECONDS / one_step)
    time_share = _share(VALIDATION_TIME, steps * one_step)
    affordable = time_share * steps * EVALUATION_SPEEDUP * per_step / MIN_VALIDATIONS
    num_val = max(2, round(min(VALIDATION_FACTOR * math.sqrt(num_characters), max(MIN_VALIDATION, affordable))))
    return {
        "val_fraction": round(min(MAX_VALIDATION_FRACTION, num_val / num_characters), 6),
        "max_val_chars": num_val,
    }


def _size(values: Mapping[str, Any], num_characters: int, num_classes: int, seconds: float, speed: Speed) -> int:
    """Return the largest number of hidden units that is useful for the text and can be trained in the time budget."""
    limit = max(MIN_SIZE_LIMIT, SIZE_AT_MILLION * (num_characters / 1e6) ** SIZE_EXPONENT)
    largest = SIZES[0]
    for size in SIZES:
        resized = {**values, "lstm_size": size, "embedding_size": size}
        characters = seconds / step_seconds(resized, num_classes, speed) * values["num_seqs"] * values["num_steps"]
        if size <= limit and characters >= CHARACTERS_PER_WEIGHT * num_parameters(resized, num_classes):
            largest = size
    return largest


def _duration(values: Mapping[str, Any], num_characters: int, affordable_steps: float) -> dict[str, float]:
    """Return the maximum numbers of epochs and steps."""
    epoch_limit = MAX_EPOCHS * _steps_per_epoch(values, num_characters)
    return {"max_epochs": MAX_EPOCHS, "max_steps": max(1, int(min(affordable_steps, epoch_limit)))}


def _weight_decay(values: Mapping[str, Any], num_characters: int) -> float:
    """Return the weight decay; shorter texts need more, because they are trained on for more epochs."""
    decay = min(MAX_DECAY, DECAY_AT_MILLION * (1e6 / num_characters) ** DECAY_EXPONENT)
    return min(MAX_WEIGHT_DECAY, float(f"{decay / values['learning_rate']:.2g}"))


def _steps_per_epoch(values: Mapping[str, Any], num_characters: int) -> int:
    parts = split(num_characters, **{name: values[name] for name in SPLIT_OPTIONS})
    return max(1, (parts.num_train // values["num_seqs"] - 1) // values["num_steps"])


def _average(steps: int) -> float:
    """Return the decay of weight averaging, for an average over about a twentieth of the training, or less if long."""
    return round(1 - min(max(AVERAGED_STEPS / steps, MIN_AVERAGED), MAX_AVERAGED), 4)


def _share(share: float, seconds: float) -> float:
    """Return a share of the training time, lowered for trainings of `LONG_SECONDS` or more."""
    return share * (LONG_TRAINING_FACTOR if seconds >= LONG_SECONDS else 1.0)


def _cadence(values: Mapping[str, Any], num_characters: int, one_step: float) -> dict[str, int]:
    """Return the intervals of validations, samples, checkpoints and log lines, and the patience."""
    steps = values["max_steps"]
    parts = split(num_characters, **{name: values[name] for name in SPLIT_OPTIONS})
    validation = parts.num_val / (EVALUATION_SPEEDUP * values["num_seqs"] * values["num_steps"])  # in steps

    def every(cost: float, share: float) -> int:
        return max(1, min(steps, math.ceil(cost / _share(share, steps * one_step))))

    return {
        "eval_every_n": min(every(validation, VALIDATION_TIME), math.ceil(steps / MIN_VALIDATIONS)),
        "sample_every_n": every(SAMPLE_SECONDS / one_step, RECORDING_TIME),
        "save_every_n": every(SAVE_SECONDS / one_step, RECORDING_TIME),
        "log_every_n": max(1, min(50, steps // 20)),
        "patience": PATIENCE,
    }
