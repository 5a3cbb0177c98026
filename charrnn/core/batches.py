"""How a text becomes batches: streams read side by side, window after window. Knows ids only, never text.

    B   sequences in a batch (`num_seqs`)      T   characters in a sequence (`num_steps`)

A text of N ids is cut into B streams of N // B ids. Step k of a pass reads window k of every stream, so that the
network's memory goes on from window to window; it restarts with each pass. Each pass begins a few characters later
than the one before, within what the cut leaves over, so that windows do not always break at the same places.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.core.errors import TextError

Ids = npt.NDArray[np.unsignedinteger]


def shortest(num_seqs: int, num_steps: int) -> int:
    """Return how many characters one batch needs: every sequence and the character that follows it."""
    return num_seqs * (num_steps + 1)


def check_length(num_characters: int, num_seqs: int, num_steps: int) -> None:
    """Refuse a text that is too short for one batch.

    Raises:
        TextError: Says how long the text must be, or what to lower an option to.
    """
    needed = shortest(num_seqs, num_steps)
    if num_characters >= needed:
        return
    ways = [f"Use a text of at least {needed:,} characters"]
    if num_characters // (num_steps + 1) >= 1:
        ways.append(f"lower num_seqs to {num_characters // (num_steps + 1)}")
    if num_characters // num_seqs >= 2:
        ways.append(f"lower num_steps to {num_characters // num_seqs - 1}")
    if len(ways) == 1 and num_characters >= 2:
        ways.append(f"lower num_seqs to 1 and num_steps to {num_characters - 1}")
    raise TextError(
        f"The text has {num_characters:,} characters, but one batch needs num_seqs × (num_steps + 1) = "
        f"{num_seqs:,} × {num_steps + 1:,} = {needed:,}. {', or '.join(ways)}."
    )


@dataclass(frozen=True)
class Split:
    """Where training ends and validation begins."""

    num_train: int
    num_val: int


def split(num_characters: int, *, val_fraction: float, num_seqs: int, num_steps: int, max_val_chars: int = 0) -> Split:
    """Keep the last `val_fraction` of a text for validation, but at most `max_val_chars` characters unless that is 0.

    Training goes first: where the text is short, validation gets what one training batch leaves, and nothing if that
    is less than two characters.

    Raises:
        TextError: The text is too short for one batch.
    """
    check_length(num_characters, num_seqs, num_steps)
    wanted = int(num_characters * val_fraction)
    num_val = min(wanted, max_val_chars or wanted, num_characters - shortest(num_seqs, num_steps))
    if num_val < 2:
        num_val = 0
    return Split(num_characters - num_val, num_val)


class Streams:
    """The batches of a text, addressed by step, so that a training can go on anywhere.

    Args:
        ids: The training text, shape `(N,)`; may be memory-mapped.
        num_seqs: B.
        num_steps: T.
        seed: Decides where each pass after the first begins.

    Raises:
        TextError: The text is too short for one batch.
    """

    def __init__(self, ids: Ids, *, num_seqs: int, num_steps: int, seed: int):
        check_length(len(ids), num_seqs, num_steps)
        self._ids, self._seed = ids, seed
        self.num_seqs, self.num_steps = num_seqs, num_steps
        self._stride = len(ids) // num_seqs
        self.steps_per_pass = (self._stride - 1) // num_steps

    def starts_pass(self, step: int) -> bool:
        """Tell whether the step (counted from 0) is the first of a pass, where the memory restarts."""
        return step % self.steps_per_pass == 0

    def batch(self, step: int) -> npt.NDArray[np.int32]:
        """Return what step number `step` (counted from 0) reads.

        Returns:
            Shape `(B, T + 1)`: columns `0 … T-1` are the inputs, columns `1 … T` the targets; the target of every
            position is the character that follows it in the text.
        """
        number, window = divmod(step, self.steps_per_pass)
        first = self._offset(number) + window * self.num_steps
        rows = [first + row * self._stride for row in range(self.num_seqs)]
        return np.stack([self._ids[start : start + self.num_steps + 1] for start in rows]).astype(np.int32)

    def _offset(self, number: int) -> int:
        """Where pass number `number` begins in every stream; the first begins at 0."""
        spare = len(self._ids) - ((self.num_seqs - 1) * self._stride + self.steps_per_pass * self.num_steps + 1)
        if number == 0 or spare == 0:
            return 0
        return int(np.random.default_rng([self._seed, number]).integers(min(spare, self.num_steps - 1) + 1))
