"""Read texts with models: surprise of each character, fit, comparison of two models, contributions of characters."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from charrnn.core.encoding_detection import detect_encoding
from charrnn.core.errors import OptionError, StateError, TextError
from charrnn.core.limits import Limits
from charrnn.core.records import Checkpoint
from charrnn.core.text_decoding import decode
from charrnn.core.text_fit import MAX_CHARACTERS, CharacterMoments, Comparison, Fit, compare, fit
from charrnn.services.models import Models
from charrnn.services.text_copies import CopyReport, TextCopies
from charrnn.services.text_generation import LoadedNetwork, TextGeneration

ProgressCallback = Callable[[float], None]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Reading:
    """A text read by a model. The first character is not predicted."""

    checkpoint: Checkpoint
    nats: float
    """Mean surprise in nats per character, as returned by `writing.score`."""
    surprise: tuple[float, ...]
    """Surprise of each character but the first, in nats."""
    is_known: tuple[bool, ...]
    """Whether each character but the first is in the vocabulary."""
    fit: Fit | None
    """How the text fits the model, without unknown characters; `None` below 100 known characters."""
    copies: CopyReport | None
    """What is copied from the training text, where a low surprise says little; `None` if there is no training text."""

    @property
    def num_unknown(self) -> int:
        """Number of characters that are not in the vocabulary, of those that are predicted."""
        return self.is_known.count(False)


@dataclass(frozen=True, eq=False)
class ReadingPair:
    """A text read by two models."""

    first: Reading
    second: Reading
    comparison: Comparison | None
    """Comparison over the characters that both models know; `None` for fewer than 500 of them."""
    num_compared: int


@dataclass(frozen=True)
class Contributions:
    """What earlier characters contributed to the log-probability of a character.

    The contributions add up to `logprob - shortest_logprob`.
    """

    character: str
    context: str
    """The characters before it, up to 128."""
    logprob: float
    """Log-probability after the whole context."""
    shortest_logprob: float
    """Log-probability after the last character of the context alone."""
    nats: tuple[float, ...]
    """Contribution of each character of the context but the last one: the log-probability if the network begins to read
    with it, minus that if it begins with the next one."""


class TextReading:
    """Read texts with the models of one user.

    Args:
        models: The models.
        generation: Loads their networks.
        copies: Searches for copied stretches.
        limits: Limit the length of a text.
    """

    def __init__(self, models: Models, generation: TextGeneration, copies: TextCopies, limits: Limits):
        self._models, self._generation, self._copies, self._limits = models, generation, copies, limits

    def seen_by(self, models: Models, generation: TextGeneration, copies: TextCopies) -> "TextReading":
        """Return the service for one user's models."""
        return TextReading(models, generation, copies, self._limits)

    def read(
        self,
        model_id: str,
        text: str | BinaryIO,
        *,
        encoding: str | None = None,
        checkpoint: str = "best",
        progress: ProgressCallback | None = None,
    ) -> Reading:
        """Read any text with a model.

        Args:
            model_id: The model.
            text: The text, or an open binary file.
            encoding: Encoding of the file; detected if missing.
            checkpoint: As for `writing.stream`.
            progress: Called with the completed fraction, from 0 to 1, from several threads; an exception cancels.

        Raises:
            TextError: The text cannot be read, has fewer than two characters or more than a million.
            LimitExceeded: The text is longer than this server allows.
            NotFound: There is no such model, or it has no checkpoint yet.
            CheckpointError: No checkpoint is valid.
        """
        text = self._checked(text, encoding)
        return self._read(model_id, text, checkpoint, progress)[0]

    def compare(
        self,
        first_id: str,
        second_id: str,
        text: str | BinaryIO,
        *,
        encoding: str | None = None,
        checkpoint: str = "best",
        progress: ProgressCallback | None = None,
    ) -> ReadingPair:
        """Read a text with two models and compare their surprise; arguments and errors as for `read`.

        Characters that one of the models does not know are left out for both.
        """
        text = self._checked(text, encoding)

        def half(done_before: float) -> ProgressCallback | None:
            return None if progress is None else lambda done: progress(done_before + done / 2)

        first, first_moments = self._read(first_id, text, checkpoint, half(0))
        second, second_moments = self._read(second_id, text, "best", half(0.5))
        known = np.array(first.is_known) & np.array(second.is_known)
        comparison = compare(-first_moments.logprobs[known], -second_moments.logprobs[known])
        return ReadingPair(first, second, comparison, int(known.sum()))

    def why(self, model_id: str, text: str, offset: int, *, checkpoint: str = "best") -> Contributions:
        """Return what earlier characters contributed to one character, at temperature 1.

        Args:
            model_id: The model.
            text: The text.
            offset: Position of the character, at least 1.
            checkpoint: As for `writing.stream`.

        Raises:
            OptionError: There is no character at this offset, or nothing before it.
            TextError: The character is not in the vocabulary, or the text is too long.
            NotFound: There is no such model, or it has no checkpoint yet.
            CheckpointError: No checkpoint is valid.
        """
        from charrnn.model import reading

        if not 1 <= offset < len(text):
            raise OptionError(
                {"why": f"The offset is {offset}; expected 1 to {len(text) - 1}, a character with one before it."}
            )
        _, loaded, _ = self._generation.load(self._models.get(model_id), checkpoint)
        context = text[max(0, offset - reading.context_contributions.MAX_CONTEXT) : offset]
        [target] = loaded.vocabulary.encode(text[offset])
        if target == loaded.vocabulary.unknown_id:
            raise TextError(f"The character {text[offset]!r} at offset {offset} is not in the model's vocabulary.")
        if loaded.context_function is None:
            loaded.context_function = reading.context_contributions.context_function(loaded.network)
        logprobs = reading.context_contributions.context_logprobs(
            loaded.context_function, loaded.vocabulary.encode(context), int(target), loaded.mixture
        )
        nats = tuple((logprobs[:-1] - logprobs[1:]).tolist())
        return Contributions(text[offset], context, float(logprobs[0]), float(logprobs[-1]), nats)

    def _checked(self, text: str | BinaryIO, encoding: str | None) -> str:
        if not isinstance(text, str):
            text = "".join(decode(text, encoding=encoding or detect_encoding(text).encoding))
        if not 2 <= len(text) <= MAX_CHARACTERS:
            raise TextError(
                f"The text has {len(text):,} character(s); expected at least 2, because the first is not predicted, "
                f"and at most {MAX_CHARACTERS:,}."
            )
        self._limits.check("max_sample_length", len(text), f"This text has {len(text):,} characters")
        return text

    def _read(
        self, model_id: str, text: str, checkpoint: str, progress: ProgressCallback | None
    ) -> tuple[Reading, CharacterMoments]:
        copies = None
        with suppress(StateError):  # an imported model
            copies = self._copies.find(model_id, text)
        used, loaded, _ = self._generation.load(self._models.get(model_id), checkpoint)
        ids = loaded.vocabulary.encode(text)
        nats, moments = _statistics(loaded, ids, progress)
        known = ids[1:] != loaded.vocabulary.unknown_id
        known_moments = CharacterMoments(moments.logprobs[known], moments.means[known], moments.variances[known])
        return (
            Reading(
                used,
                float(np.mean(nats)),
                tuple(np.round(nats.astype(np.float64), 5).tolist()),
                tuple(known.tolist()),
                fit(known_moments),
                copies,
            ),
            moments,
        )


def _statistics(
    loaded: LoadedNetwork, ids: npt.NDArray[np.unsignedinteger], progress: ProgressCallback | None
) -> tuple[Floats, CharacterMoments]:
    from charrnn.model import reading

    statistics = reading.text_statistics.TextStatistics(
        loaded.network, ids, mixture=loaded.mixture, window=loaded.reading_window
    )
    loaded.reading_window = statistics.window
    return statistics.read(progress)
