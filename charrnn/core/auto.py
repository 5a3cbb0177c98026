"""Auto: the options for a text, a time budget and a machine. Few rules with few constants, no table of texts.

    n  characters of the text     N  steps     B  sequences     T  characters in a sequence

What a network can learn is bounded by two things. The text: after some epochs a network has memorized it. The time:
it allows so many steps. Each rule below looks at one of them, or at the smaller.
"""

import math
from collections.abc import Mapping
from typing import Any

from charrnn.core.batches import split
from charrnn.core.errors import OptionError
from charrnn.core.network_cost import num_parameters
from charrnn.core.options import Value, checked, options
from charrnn.core.speed import READING, SAMPLE_SECONDS, SAVE_SECONDS, Speed, step_seconds

RECIPE: Mapping[str, Value] = {
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
"""What suits all texts."""
SIZES = 128, 192, 256, 320, 384, 512
"""Layers to choose from, all multiples of what a CPU multiplies at once."""
READ_PER_WEIGHT = 2.5
"""Characters to be read for each weight, so that the weights are worth their time."""
SIZE_OF_MEGABYTE, SIZE_GROWTH = 256, 0.25
"""Size of layers that a text of a million characters fills, and the power of n by which it grows."""
SMALLEST_SIZE = 192
"""Size that even a short text may have."""
EPOCHS = 9.0
"""Epochs, each of which reads the text once, after which a network with the decay below has memorized it."""
DECAY_AT_MEGABYTE, DECAY_FALL, MOST_DECAY = 0.004, 0.5, 0.012
"""Weight decay × learning rate, by which AdamW and Muon shrink weights at each step, for a text of a million
characters; the power of n with which it falls; and the most, for texts up to about 110,000 characters."""
LONGEST_SEQUENCE, MOST_SEQUENCES = 64, 32
CHARACTERS_PER_SEQUENCE = 3000
"""Of the text, for each sequence of a batch; where there are fewer, an epoch has too few steps."""
VALIDATION, MOST_FOR_VALIDATION = 14.0, 1 / 7
"""Characters kept for validation: this often the square root of n, since noise falls with the root of their number,
but at most this share."""
SHARE_OF_VALIDATIONS, SHARE_OF_THE_REST = 0.015, 0.004
"""Of the time: for validations, and for samples and for checkpoints."""
SHARE_IN_LONG_TRAININGS = 1 / 3
"""Of these shares, from `LONG` seconds on."""
SHORT, LONG = 60, 300
"""Seconds: what a shorter training would save on validations nobody would notice; a longer one spends less on them."""
FEWEST_VALIDATIONS = 12
"""In a training, beside the early ones, so that the best state is close to one of them."""
PATIENCE = 4
MOST_ALLOWED_DECAY = float(options("training")["weight_decay"].maximum or 0)
AVERAGED, FEWEST_AVERAGED, MOST_AVERAGED = 20, 0.003, 0.05
"""For the averaging of weights: share of the newest ones in it, times the steps, and its bounds."""
SPLITTING = "val_fraction", "max_val_chars", "num_seqs", "num_steps"
STARTING_SECONDS = 6.0
"""Of the time budget, for what comes before the second step: the graph is built, products are compiled."""


def auto_options(
    num_characters: int,
    num_distinct: int,
    minutes: float,
    speed: Speed,
    given: Mapping[str, Any] | None = None,
) -> dict[str, Value]:
    """Choose training options.

    Args:
        num_characters: n, at least 2.
        num_distinct: Different characters in the text.
        minutes: Time budget.
        speed: Of this machine.
        given: Options that the user has set; the rest is chosen to go with them.

    Returns:
        All training options, checked; equal arguments give equal options.

    Raises:
        OptionError: What is given is wrong, or `minutes` is.
    """
    if not 0 < minutes <= 100_000:
        raise OptionError({"minutes": f"minutes is {minutes!r}; it must be a number above 0, at most 100,000."})
    own = dict(checked("training", given or {}))
    fixed = {name: own[name] for name in given or {}}
    values: dict[str, Any] = {**own, **RECIPE, "max_minutes": float(minutes), **_batch(num_characters), **fixed}
    num_classes = min(num_distinct, values["max_vocab"]) + 1
    seconds = max(0.5 * 60 * minutes, 60 * minutes - STARTING_SECONDS)
    size = fixed.get("lstm_size") or _size(values, num_characters, num_classes, seconds, speed)
    values |= {"lstm_size": size, "embedding_size": size, **fixed}
    one_step = step_seconds(values, num_classes, speed)
    values |= {**_split(values, num_characters, seconds, one_step), **fixed}
    values |= {**_length(values, num_characters, seconds / one_step), **fixed}
    values |= {"weight_decay": _decay(values, num_characters), **fixed}
    values |= {"fit_steps": "max_steps" not in fixed, "weight_average": _average(values["max_steps"]), **fixed}
    values |= {**_cadence(values, num_characters, one_step), **fixed}
    return checked("training", values)


def _batch(num_characters: int) -> dict[str, int]:
    """Return B, a power of two that the text has batches for, and T."""
    wanted = max(1.0, num_characters / CHARACTERS_PER_SEQUENCE)
    sequences = min(MOST_SEQUENCES, 2 ** round(math.log2(wanted)))
    # a text of a few lines: at least four steps per epoch
    return {"num_seqs": sequences, "num_steps": max(1, min(LONGEST_SEQUENCE, num_characters // (4 * sequences) - 1))}


def _split(values: Mapping[str, Any], num_characters: int, seconds: float, one_step: float) -> dict[str, float]:
    """Return what is kept for validation: enough to tell losses apart, as far as validating is worth its time."""
    read = values["num_seqs"] * values["num_steps"]
    steps = max(min(seconds / one_step, EPOCHS * num_characters / read), SHORT / one_step)
    affordable = _share(SHARE_OF_VALIDATIONS, steps * one_step) * steps * READING * read / FEWEST_VALIDATIONS
    most = max(2, round(min(VALIDATION * math.sqrt(num_characters), affordable)))
    return {"val_fraction": round(min(MOST_FOR_VALIDATION, most / num_characters), 6), "max_val_chars": most}


def _size(values: Mapping[str, Any], num_characters: int, num_classes: int, seconds: float, speed: Speed) -> int:
    """Return the largest size that the text fills and the time trains."""
    filled = max(SMALLEST_SIZE, SIZE_OF_MEGABYTE * (num_characters / 1e6) ** SIZE_GROWTH)
    found = SIZES[0]
    for size in SIZES:
        wider = {**values, "lstm_size": size, "embedding_size": size}
        characters = seconds / step_seconds(wider, num_classes, speed) * values["num_seqs"] * values["num_steps"]
        if size <= filled and characters >= READ_PER_WEIGHT * num_parameters(wider, num_classes):
            found = size
    return found


def _length(values: Mapping[str, Any], num_characters: int, steps: float) -> dict[str, float]:
    """Return the end of the training, by epochs and by how many steps the time allows."""
    most = EPOCHS * _steps_per_epoch(values, num_characters)
    return {"max_epochs": EPOCHS, "max_steps": max(1, int(min(steps, most)))}


def _decay(values: Mapping[str, Any], num_characters: int) -> float:
    """Return the weight decay, stronger for a short text, which is read more often."""
    shrink = min(MOST_DECAY, DECAY_AT_MEGABYTE * (1e6 / num_characters) ** DECAY_FALL)
    return min(MOST_ALLOWED_DECAY, float(f"{shrink / values['learning_rate']:.2g}"))


def _steps_per_epoch(values: Mapping[str, Any], num_characters: int) -> int:
    kept = split(num_characters, **{name: values[name] for name in SPLITTING})
    return max(1, (kept.num_train // values["num_seqs"] - 1) // values["num_steps"])


def _average(steps: int) -> float:
    """Return the share for averaging weights over the last twentieth of the training, or less of a long one."""
    return round(1 - min(max(AVERAGED / steps, FEWEST_AVERAGED), MOST_AVERAGED), 4)


def _share(share: float, seconds: float) -> float:
    """Return the share of a training's time that recording may take."""
    return share * (SHARE_IN_LONG_TRAININGS if seconds >= LONG else 1.0)


def _cadence(values: Mapping[str, Any], num_characters: int, one_step: float) -> dict[str, int]:
    """Return how often to validate, to write samples and to save, so that each takes its share of the time."""
    steps = values["max_steps"]
    kept = split(num_characters, **{name: values[name] for name in SPLITTING})
    validation = kept.num_val / (READING * values["num_seqs"] * values["num_steps"])  # in steps

    def every(cost: float, share: float) -> int:
        return max(1, min(steps, math.ceil(cost / _share(share, steps * one_step))))

    return {
        "eval_every_n": min(every(validation, SHARE_OF_VALIDATIONS), math.ceil(steps / FEWEST_VALIDATIONS)),
        "sample_every_n": every(SAMPLE_SECONDS / one_step, SHARE_OF_THE_REST),
        "save_every_n": every(SAVE_SECONDS / one_step, SHARE_OF_THE_REST),
        "log_every_n": max(1, min(50, steps // 20)),
        "patience": PATIENCE,
    }
