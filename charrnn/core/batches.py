"""Split a text into training and validation, and cut the training text into batches of parallel streams.

    B   sequences in a batch (`num_seqs`)      T   characters in a sequence (`num_steps`)

A text of N ids is cut into B streams of N // B ids. Step k of an epoch reads window k of every stream, so the recurrent
state carries over from window to window; it is reset at the start of each epoch. Each epoch starts a few characters
later, within the characters that the streams leave over, so that the window boundaries differ between epochs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.core.errors import TextError

Ids = npt.NDArray[np.unsignedinteger]


def min_length(num_seqs: int, num_steps: int) -> int:
    """Return the minimum length of a text in characters: one batch, whose sequences are each followed by a target."""
    return num_seqs * (num_steps + 1)


def check_length(num_characters: int, num_seqs: int, num_steps: int) -> None:
    """Check that a text is long enough for one batch.

    Raises:
        TextError: The text is too short; the message says which options to lower.
    """
    needed = min_length(num_seqs, num_steps)
    if num_characters >= needed:
        return
    suggestions = [f"Use a text of at least {needed:,} characters"]
    if num_characters // (num_steps + 1) >= 1:
        suggestions.append(f"lower num_seqs to {num_characters // (num_steps + 1)}")
    if num_characters // num_seqs >= 2:
        suggestions.append(f"lower num_steps to {num_characters // num_seqs - 1}")
    if len(suggestions) == 1 and num_characters >= 2:
        suggestions.append(f"lower num_seqs to 1 and num_steps to {num_characters - 1}")
    raise TextError(
        f"The text has {num_characters:,} characters, but one batch needs num_seqs × (num_steps + 1) = "
        f"{num_seqs:,} × {num_steps + 1:,} = {needed:,}. {', or '.join(suggestions)}."
    )


def steps_per_epoch(num_characters: int, num_seqs: int, num_steps: int) -> int:
    """Return the number of steps in one epoch, a pass over `num_characters` of training text."""
    return (num_characters // num_seqs - 1) // num_steps


def epoch_limit(options: Mapping[str, Any], epoch_steps: int) -> int | None:
    """Return the step at which `max_epochs` is reached, given the steps per epoch; `None` if it sets no limit."""
    epochs = options["max_epochs"]
    return max(1, round(epochs * epoch_steps)) if epochs else None


def total_steps(options: Mapping[str, Any], epoch_steps: int) -> int:
    """Return the number of steps of a training: `max_steps`, or fewer if `max_epochs` ends earlier."""
    steps: int = options["max_steps"]
    limit = epoch_limit(options, epoch_steps)
    return steps if limit is None else min(steps, limit)


@dataclass(frozen=True)
class Split:
    """Numbers of characters for training, at the beginning of the text, and for validation, at its end."""

    num_train: int
    num_val: int


def split(num_characters: int, *, val_fraction: float, num_seqs: int, num_steps: int, max_val_chars: int = 0) -> Split:
    """Reserve the last `val_fraction` of a text for validation, at most `max_val_chars` characters unless that is 0.

    Training has priority: on a short text, validation gets what is left after one training batch, or nothing if that
    is less than two characters.

    Raises:
        TextError: The text is too short for one batch.
    """
    check_length(num_characters, num_seqs, num_steps)
    requested = int(num_characters * val_fraction)
    num_val = min(requested, max_val_chars or requested, num_characters - min_length(num_seqs, num_steps))
    if num_val < 2:
        num_val = 0
    return Split(num_characters - num_val, num_val)


class Streams:
    """The batches of a text, addressed by step, so that training can resume at any step.

    Args:
        ids: The ids of the training text, shape `(N,)`; may be memory-mapped.
        num_seqs: B.
        num_steps: T.
        seed: Seed of the offsets of all epochs but the first.

    Raises:
        TextError: The text is too short for one batch.
    """

    def __init__(self, ids: Ids, *, num_seqs: int, num_steps: int, seed: int):
        check_length(len(ids), num_seqs, num_steps)
        self._ids, self._seed = ids, seed
        self.num_seqs, self.num_steps = num_seqs, num_steps
        self._stride = len(ids) // num_seqs
        self.steps_per_epoch = steps_per_epoch(len(ids), num_seqs, num_steps)

    def starts_epoch(self, step: int) -> bool:
        """Return whether the step (counted from 0) is the first of an epoch, where the state is reset."""
        return step % self.steps_per_epoch == 0

    def batch(self, step: int) -> npt.NDArray[np.int32]:
        """Return the batch of a step (counted from 0).

        Returns:
            Shape `(B, T + 1)`: columns `0 … T-1` are the inputs, columns `1 … T` the targets; the target at each
            position is the character that follows it in the text.
        """
        epoch, window = divmod(step, self.steps_per_epoch)
        first = self._offset(epoch) + window * self.num_steps
        rows = [first + row * self._stride for row in range(self.num_seqs)]
        return np.stack([self._ids[start : start + self.num_steps + 1] for start in rows]).astype(np.int32)

    def _offset(self, epoch: int) -> int:
        """Return where an epoch (counted from 0) starts in every stream; the first starts at 0."""
        spare = len(self._ids) - ((self.num_seqs - 1) * self._stride + self.steps_per_epoch * self.num_steps + 1)
        if epoch == 0 or spare == 0:
            return 0
        return int(np.random.default_rng([self._seed, epoch]).integers(min(spare, self.num_steps - 1) + 1))
