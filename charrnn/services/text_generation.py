"""Writing with a model, and scoring texts under it; networks stay loaded between requests."""

import copy
import random
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

import numpy as np

from charrnn.core.encoding_detection import detect_encoding
from charrnn.core.errors import TextError
from charrnn.core.generated_text import GeneratedText, TextChunk, join_chunks
from charrnn.core.options import checked
from charrnn.core.records import Checkpoint, Model, Sample
from charrnn.core.text_decoding import decode
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.checkpoint_manager import Checkpoints
from charrnn.services.models import Library
from charrnn.services.quota_check import Allowance
from charrnn.store.run_history import HistoryStore

if TYPE_CHECKING:
    from charrnn.model.generation.generator import Generator
    from charrnn.model.network.network import Network
    from charrnn.model.training.evaluation import WindowFunction

LOADED = 4
"""Networks that stay in memory; the one that was used least recently goes first."""


@dataclass(frozen=True)
class Score:
    """What a text costs under a model, in nats per character, over all characters but the first."""

    nats: float
    num_characters: int
    num_unknown: int
    """Characters among them that the model never saw; they count as the symbol for unknown ones."""


@dataclass
class _Ready:
    """A loaded network."""

    network: "Network"
    vocabulary: Vocabulary
    generator: "Generator"
    window: "WindowFunction | None" = None
    """Compiled for scoring, once a text was scored."""


@dataclass(frozen=True)
class Stream:
    """A text being written: iterate over it; close it to stop early."""

    pieces: Iterator[TextChunk]
    checkpoint: Checkpoint
    prompt: str
    """The prompt as the network reads it, after unknown characters were dropped or replaced."""
    options: Mapping[str, Any]
    """The sampling options with the seed that was really used."""
    problems: tuple[str, ...] = ()
    """Why better checkpoints were passed over: they are damaged."""

    def __iter__(self) -> Iterator[TextChunk]:
        return self.pieces


class Writing:
    """Writes with the models of one data folder."""

    def __init__(self, library: Library, history: HistoryStore, checkpoints: Checkpoints, allowance: Allowance):
        self._library, self._history, self._checkpoints, self._allowance = library, history, checkpoints, allowance
        self._ready: OrderedDict[Path, _Ready] = OrderedDict()
        self._lock = threading.Lock()

    def seen_by(self, library: Library, allowance: Allowance) -> "Writing":
        """Return the same for one user; loaded networks stay the process's."""
        view = copy.copy(self)
        view._library, view._allowance = library, allowance
        return view

    def stream(
        self,
        model_id: str,
        options: Mapping[str, Any] | None = None,
        *,
        checkpoint: str = "best",
        alternatives: bool = False,
    ) -> Stream:
        """Begin to write.

        Args:
            model_id: The model.
            options: Sampling options; defaults where missing. A `seed` of 0 takes a new one.
            checkpoint: `best` (lowest validation loss; the newest where none was validated), `last`, or an id.
            alternatives: Give also the likeliest characters at every place.

        Raises:
            OptionError: Options are wrong.
            LimitExceeded: It is more than this server allows.
            UnknownCharacters: The prompt holds characters that the model never saw.
            NotFound: There is no such model, or it has no checkpoint yet.
            CheckpointError: No checkpoint is sound.
        """
        values = checked("sampling", options or {})
        length = int(values["max_length"]) * int(values["num_samples"])
        self._allowance.limits.check("max_sample_length", length, f"These are {length:,} characters at once")
        values["seed"] = values["seed"] or random.randint(1, 2**31 - 1)
        model = self._library.get(model_id)
        used, ready, problems = self._load(model, checkpoint)
        unknown = cast(Literal["refuse", "drop", "replace"], values["unknown"])
        prompt = ready.vocabulary.normalize_prompt(str(values["start_string"]), unknown=unknown)
        return Stream(
            ready.generator.generate(values, alternatives=alternatives), used, prompt, values, tuple(problems)
        )

    def write(
        self,
        model_id: str,
        options: Mapping[str, Any] | None = None,
        *,
        checkpoint: str = "best",
        alternatives: bool = False,
        keep: bool = True,
    ) -> list[GeneratedText]:
        """Write to the end; see `stream`.

        Args:
            keep: Store the texts with the model.

        Returns:
            `num_samples` texts.
        """
        stream = self.stream(model_id, options, checkpoint=checkpoint, alternatives=alternatives)
        written = join_chunks(stream.prompt, list(stream), stream.options["num_samples"])
        if keep:
            for text in written:
                self.keep(stream, text)
        return written

    def keep(self, stream: Stream, written: GeneratedText) -> Sample:
        """Store a text with its model, with the options and seed that made it.

        Raises:
            LimitExceeded: There is no room for it.
        """
        self._allowance.check_room(len((written.prompt + written.text).encode()), "sample")
        return self._history.add_sample(
            stream.checkpoint.model_id,
            step=stream.checkpoint.step,
            text=written.prompt + written.text,
            options=dict(stream.options),
        )

    def score(
        self, model_id: str, text: str | BinaryIO, *, encoding: str | None = None, checkpoint: str = "best"
    ) -> Score:
        """Return what a text costs under a model.

        Args:
            model_id: The model.
            text: The text, or an open file of it.
            encoding: How to read the file; detected if missing.
            checkpoint: As for `stream`.

        Raises:
            TextError: The text cannot be read, or has fewer than two characters.
            NotFound: There is no such model, or it has no checkpoint yet.
            CheckpointError: No checkpoint is sound.
        """
        from charrnn.model.training import evaluation

        _, ready, _ = self._load(self._library.get(model_id), checkpoint)
        chunks = [text] if isinstance(text, str) else decode(text, encoding=encoding or detect_encoding(text).encoding)
        encode = ready.vocabulary.encode
        ids = np.concatenate([encode(""), *map(encode, chunks)])
        if len(ids) < 2:
            raise TextError(f"The text has {len(ids)} character(s); two are needed, since the first is not predicted.")
        scored = evaluation.Evaluation(ready.network, ids, first=1, window=ready.window)
        ready.window = scored.window
        nats = scored.loss()
        return Score(nats, len(ids) - 1, int((ids[1:] == ready.vocabulary.unknown_id).sum()))

    def _load(self, model: Model, kind: str) -> tuple[Checkpoint, _Ready, list[str]]:
        from charrnn.model.generation import generator
        from charrnn.model.training import checkpoint

        def load(folder: Path) -> _Ready:
            if folder not in self._ready:
                network, vocabulary, _ = checkpoint.load_network(folder)
                self._ready[folder] = _Ready(network, vocabulary, generator.Generator(network, vocabulary))
            self._ready.move_to_end(folder)
            while len(self._ready) > LOADED:
                self._ready.popitem(last=False)
            return self._ready[folder]

        with self._lock:
            return self._checkpoints.first_usable(model, kind, load)
