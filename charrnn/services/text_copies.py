"""Measure how much of a text is copied from the text that a model was trained on."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from charrnn.core.batches import Ids, split
from charrnn.core.copies import SEED, Copies, Copy, find_copies
from charrnn.core.encoding_detection import detect_encoding
from charrnn.core.errors import StateError, TextError
from charrnn.core.limits import Limits
from charrnn.core.options import checked
from charrnn.core.records import Checkpoint, Model
from charrnn.core.text_decoding import decode
from charrnn.core.text_fit import MAX_CHARACTERS
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.corpora import Corpora
from charrnn.services.models import Models
from charrnn.services.text_generation import TextGeneration

LENGTHS = (16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)
"""Lengths in characters at which the share of copies is reported."""
DEFAULT_LENGTH = 32
"""Length from which a stretch counts as copied, if the unseen text does not determine it."""
MAX_UNSEEN_SHARE = 0.01
"""The shortest length of which at most this share of the unseen text is copied counts as copied."""
MAX_UNSEEN = 100_000
"""Maximum number of characters of the validation split that are searched."""
CONTEXT = 80
"""Characters of the source that are returned before and after a copy."""
MAX_STRETCHES = 1000
"""Maximum number of copied stretches in a report, the longest ones."""
CACHED_BASELINES = 16
PROMPT_LENGTH = CONTINUATION_LENGTH = 50
"""Characters of the prompts of the extraction test, and of the continuations."""
MAX_PROMPTS = 200

ProgressCallback = Callable[[float], None]


@dataclass(frozen=True)
class CopiedStretch:
    """A stretch of a text that also occurs in the training text."""

    start: int
    """Position in the text, in characters."""
    length: int
    source: int
    """Position in the training text, in characters."""
    line: int
    """Line of the training text, counted from 1."""
    before: str
    """Up to 80 characters of the training text before the stretch."""
    text: str
    after: str


@dataclass(frozen=True, eq=False)
class CopyReport:
    """How much of a text is copied from a model's training text."""

    min_length: int
    """Number of characters from which a stretch counts as copied."""
    share: float
    """Share of the text in stretches of at least `min_length` characters, from 0 to 1."""
    unseen_share: float | None
    """The same share for the validation split of the user's own text, which the model has not seen; `None` if there is
    none."""
    num_characters: int
    num_unseen: int
    """Number of characters of the validation split that were searched."""
    num_unknown: int
    """Number of characters of the text that are not in the vocabulary; they are never part of a copy."""
    curve: dict[int, float]
    """Share of the text by length of the stretches."""
    unseen_curve: dict[int, float]
    """The same for the validation split; empty if there is none."""
    stretches: tuple[CopiedStretch, ...]
    """The copied stretches in order; of more than 1,000, the longest."""
    longest: tuple[int, ...]
    """For each character of the text, the length of the longest copy that contains it, or 0 below 16: the heat map."""


@dataclass(frozen=True)
class Extraction:
    """How often the model continues its training text exactly, character by character, choosing the most likely one."""

    num_prompts: int
    exact: int
    """Number of prompts from the training text whose continuation is exact."""
    num_unseen_prompts: int
    unseen_exact: int
    """The same for prompts from the validation split."""


@dataclass(frozen=True)
class _Texts:
    """The ids of a model's text."""

    corpus_id: str
    training: Ids
    unseen: Ids
    vocabulary: Vocabulary


class TextCopies:
    """Compare texts with the training texts of one user's models.

    Args:
        models: The models.
        corpora: Their texts.
        generation: Generates the continuations of the extraction test.
        limits: Limit the length of a text.
    """

    def __init__(self, models: Models, corpora: Corpora, generation: TextGeneration, limits: Limits):
        self._models, self._corpora, self._generation, self._limits = models, corpora, generation, limits
        self._baselines: OrderedDict[tuple[str, int, int], Copies] = OrderedDict()
        self._lock = threading.Lock()

    def seen_by(self, models: Models, corpora: Corpora, generation: TextGeneration) -> "TextCopies":
        """Return the service for one user's models; cached baselines are shared by all users."""
        view = TextCopies(models, corpora, generation, self._limits)
        view._baselines, view._lock = self._baselines, self._lock
        return view

    def find(
        self,
        model_id: str,
        text: str | BinaryIO,
        *,
        encoding: str | None = None,
        min_length: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> CopyReport:
        """Find the stretches that a text shares with the training text of a model.

        Args:
            model_id: The model.
            text: The text, or an open binary file.
            encoding: Encoding of the file; detected if missing.
            min_length: Number of characters from which a stretch counts as copied, at least 16. If missing, it is the
                shortest length at which at most 1 % of the validation split is copied, or 32.
            progress: Called with the completed fraction, from 0 to 1; an exception cancels the search.

        Raises:
            NotFound: There is no such model or text.
            StateError: The model has no training text, e.g. because it was imported.
            TextError: The text cannot be read, is empty or has more than a million characters.
            LimitExceeded: The text is longer than this server allows.
            ValueError: `min_length` is below 16.
        """
        if min_length is not None and min_length < SEED:
            raise ValueError(f"min_length must be at least {SEED}, the shortest copy that is found, not {min_length}.")
        texts = self._texts(self._models.get(model_id))
        chunks = [text] if isinstance(text, str) else decode(text, encoding=encoding or detect_encoding(text).encoding)
        ids = np.concatenate([texts.vocabulary.encode(chunk) for chunk in ("", *chunks)])
        if not 1 <= len(ids) <= MAX_CHARACTERS:
            raise TextError(f"The text has {len(ids):,} characters; choose one with 1 to {MAX_CHARACTERS:,}.")
        self._limits.check("max_sample_length", len(ids), f"This text has {len(ids):,} characters")
        unseen = self._baseline(texts)
        found = find_copies(texts.training, ids, unknown_id=texts.vocabulary.unknown_id, progress=progress)
        length = min_length or _typical_length(unseen)
        stretches = sorted(found.at_least(length), key=lambda each: -each.length)[:MAX_STRETCHES]
        return CopyReport(
            min_length=length,
            share=found.share(length),
            unseen_share=unseen.share(length) if unseen else None,
            num_characters=len(ids),
            num_unseen=len(unseen.longest) if unseen else 0,
            num_unknown=int((ids == texts.vocabulary.unknown_id).sum()),
            curve={each: found.share(each) for each in LENGTHS},
            unseen_curve={each: unseen.share(each) for each in LENGTHS} if unseen else {},
            stretches=tuple(_with_sources(texts, stretches)),
            longest=tuple(found.longest.tolist()),
        )

    def extract(
        self, model_id: str, *, num_prompts: int = MAX_PROMPTS, checkpoint: str = "best"
    ) -> tuple[Checkpoint, Extraction]:
        """Test how often a model continues its own text exactly (Carlini et al. 2023, "Quantifying memorization").

        The model reads 50 characters of its text and generates the most likely 50 next ones. Prompts are evenly
        spaced; those of the validation split show what is predictable without having been learned.

        Args:
            model_id: The model.
            num_prompts: Maximum number of prompts from each part of the text, from 1 to 200.
            checkpoint: As for `writing.stream`.

        Raises:
            NotFound: There is no such model, or it has no checkpoint yet.
            StateError: The model has no training text, e.g. because it was imported.
            TextError: The training text is shorter than a prompt and its continuation.
            CheckpointError: No checkpoint is valid.
        """
        if not 1 <= num_prompts <= MAX_PROMPTS:
            raise ValueError(f"num_prompts must be from 1 to {MAX_PROMPTS}, not {num_prompts}.")
        model = self._models.get(model_id)
        texts = self._texts(model)
        training, unseen = (_windows(ids, texts.vocabulary, num_prompts) for ids in (texts.training, texts.unseen))
        if not len(training):
            raise TextError(
                f"The training text is shorter than {PROMPT_LENGTH + CONTINUATION_LENGTH} characters, which a prompt "
                f"and its continuation have."
            )
        used, loaded, _ = self._generation.load(model, checkpoint)
        windows = np.concatenate([training, unseen]).astype(np.int32)
        continued = loaded.generator.continue_greedily(windows[:, :PROMPT_LENGTH], CONTINUATION_LENGTH)
        exact = (continued == windows[:, PROMPT_LENGTH:]).all(1)
        seen = len(training)
        return used, Extraction(seen, int(exact[:seen].sum()), len(unseen), int(exact[seen:].sum()))

    def _texts(self, model: Model) -> _Texts:
        if model.corpus_id is None:
            raise StateError(
                f"The model {model.name!r} has no training text here: an imported model comes without it. Choose a "
                f"model that was trained in this data folder."
            )
        corpus, options = self._corpora.get(model.corpus_id), checked("training", model.train_params)
        ids, vocabulary = self._corpora.ids(corpus.id, max_vocab=int(options["max_vocab"]))
        names = ("val_fraction", "max_val_chars", "num_seqs", "num_steps")
        sizes: dict[str, Any] = {name: options[name] for name in names}
        num_train = split(len(ids), **sizes).num_train
        return _Texts(corpus.id, ids[:num_train], ids[num_train:], vocabulary)

    def _baseline(self, texts: _Texts) -> Copies | None:
        """Return the copies of the validation split, or `None` if it is shorter than a stretch."""
        unseen = texts.unseen[:MAX_UNSEEN]
        if len(unseen) < DEFAULT_LENGTH:
            return None
        key = (texts.corpus_id, len(texts.training), len(texts.vocabulary))
        with self._lock:
            if key in self._baselines:
                self._baselines.move_to_end(key)
                return self._baselines[key]
        found = find_copies(texts.training, np.asarray(unseen), unknown_id=texts.vocabulary.unknown_id)
        with self._lock:
            self._baselines[key] = found
            while len(self._baselines) > CACHED_BASELINES:
                self._baselines.popitem(last=False)
        return found


def _typical_length(unseen: Copies | None) -> int:
    """Return the shortest length at which hardly anything of the unseen text is copied."""
    if unseen is None:
        return DEFAULT_LENGTH
    return next((length for length in LENGTHS if unseen.share(length) <= MAX_UNSEEN_SHARE), DEFAULT_LENGTH)


def _with_sources(texts: _Texts, stretches: list[Copy]) -> list[CopiedStretch]:
    """Sort stretches by their start, and add the lines and surroundings of their sources."""
    if not stretches:
        return []
    [newline] = texts.vocabulary.encode("\n")
    ends = np.flatnonzero(texts.training == newline) if newline != texts.vocabulary.unknown_id else np.empty(0, int)
    characters = [*texts.vocabulary.characters, "\N{REPLACEMENT CHARACTER}"]

    def excerpt(begin: int, end: int) -> str:
        return "".join(characters[each] for each in texts.training[max(0, begin) : end].tolist())

    return [
        CopiedStretch(
            each.start,
            each.length,
            each.source,
            int(np.searchsorted(ends, each.source)) + 1,
            excerpt(each.source - CONTEXT, each.source),
            excerpt(each.source, each.source + each.length),
            excerpt(each.source + each.length, each.source + each.length + CONTEXT),
        )
        for each in sorted(stretches, key=lambda each: each.start)
    ]


def _windows(ids: Ids, vocabulary: Vocabulary, count: int) -> Ids:
    """Return evenly spaced windows of a prompt and its continuation without unknown characters."""
    length = PROMPT_LENGTH + CONTINUATION_LENGTH
    count = min(count, len(ids) // length)
    starts = np.linspace(0, max(0, len(ids) - length), count).astype(int)
    windows = np.array([ids[start : start + length] for start in starts], ids.dtype).reshape(count, length)
    return np.asarray(windows[(windows != vocabulary.unknown_id).all(1)])
