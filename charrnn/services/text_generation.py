"""Generate text with a model and score texts under it. Networks stay loaded between requests."""

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
from charrnn.core.network_ngram_mixture import Mixture
from charrnn.core.options import checked
from charrnn.core.records import Checkpoint, Model, Sample
from charrnn.core.text_decoding import decode
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.checkpoint_manager import CheckpointManager
from charrnn.services.limit_check import LimitCheck
from charrnn.services.models import Models
from charrnn.store.run_history import HistoryStore

if TYPE_CHECKING:
    from charrnn.model.generation.generator import Generator
    from charrnn.model.network.network import Network
    from charrnn.model.reading.context_contributions import ContextFunction
    from charrnn.model.training.evaluation import WindowFunction

MAX_LOADED = 4
"""Maximum number of networks in memory; the least recently used one is dropped first."""


@dataclass(frozen=True)
class Score:
    """The cross-entropy of a text under a model, over all characters but the first."""

    nats: float
    """Mean per character."""
    num_characters: int
    num_unknown: int
    """Number of characters that are not in the vocabulary; they are scored as the unknown symbol."""


@dataclass
class LoadedNetwork:
    """A loaded network."""

    network: "Network"
    vocabulary: Vocabulary
    generator: "Generator"
    mixture: Mixture | None
    """The n-gram model that is mixed with the network."""
    window: "WindowFunction | None" = None
    """Scoring function, compiled when the first text is scored."""
    reading_window: "WindowFunction | None" = None
    """Like `window`, with the statistics of `services.reading`."""
    context_function: "ContextFunction | None" = None
    """Compiled when the first character is explained."""


@dataclass(frozen=True)
class Stream:
    """A text that is being generated. Iterate over it; close it to stop early."""

    pieces: Iterator[TextChunk]
    checkpoint: Checkpoint
    prompt: str
    """The prompt after unknown characters were dropped or replaced."""
    options: Mapping[str, Any]
    """The sampling options, with the seed that was used."""
    problems: tuple[str, ...] = ()
    """Reasons why newer or better checkpoints were skipped."""

    def __iter__(self) -> Iterator[TextChunk]:
        return self.pieces


class TextGeneration:
    """Generate text with the models of one data folder."""

    def __init__(self, models: Models, history: HistoryStore, checkpoints: CheckpointManager, limit_check: LimitCheck):
        self._models, self._history, self._checkpoints, self._limit_check = models, history, checkpoints, limit_check
        self._loaded: OrderedDict[Path, LoadedNetwork] = OrderedDict()
        self._lock = threading.Lock()

    def seen_by(self, models: Models, limit_check: LimitCheck) -> "TextGeneration":
        """Return the text generation of one user's models; loaded networks are shared by all users."""
        view = TextGeneration(models, self._history, self._checkpoints, limit_check)
        view._loaded, view._lock = self._loaded, self._lock
        return view

    def stream(
        self,
        model_id: str,
        options: Mapping[str, Any] | None = None,
        *,
        checkpoint: str = "best",
        alternatives: bool = False,
    ) -> Stream:
        """Start to generate text.

        Args:
            model_id: The model.
            options: Sampling options that differ from the defaults. A `seed` of 0 chooses a random seed.
            checkpoint: `best` (lowest validation loss, or the newest if none was validated), `last`, or an id.
            alternatives: Whether to return the most likely characters at every position.

        Raises:
            OptionError: An option is invalid.
            LimitExceeded: The text is longer than this server allows.
            UnknownCharacters: The prompt contains characters that are not in the vocabulary.
            NotFound: There is no such model, or it has no checkpoint yet.
            CheckpointError: No checkpoint is valid.
        """
        values = checked("sampling", options or {})
        length = int(values["max_length"]) * int(values["num_samples"])
        message = f"This request would generate {length:,} characters"
        self._limit_check.limits.check("max_sample_length", length, message)
        values["seed"] = values["seed"] or random.randint(1, 2**31 - 1)
        model = self._models.get(model_id)
        used, loaded, problems = self.load(model, checkpoint)
        unknown = cast(Literal["refuse", "drop", "replace"], values["unknown"])
        prompt = loaded.vocabulary.normalize_prompt(str(values["start_string"]), unknown=unknown)
        return Stream(
            loaded.generator.generate(values, alternatives=alternatives), used, prompt, values, tuple(problems)
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
        """Generate complete texts; arguments as for `stream`.

        Args:
            keep: Whether to store the texts with the model.

        Returns:
            `num_samples` texts.
        """
        stream = self.stream(model_id, options, checkpoint=checkpoint, alternatives=alternatives)
        texts = join_chunks(stream.prompt, list(stream), stream.options["num_samples"])
        if keep:
            for text in texts:
                self.keep(stream, text)
        return texts

    def keep(self, stream: Stream, written: GeneratedText) -> Sample:
        """Store a generated text with its model, options and seed.

        Raises:
            LimitExceeded: The text exceeds the disk quota.
        """
        self._limit_check.check_space(len((written.prompt + written.text).encode()), "sample")
        return self._history.add_sample(
            stream.checkpoint.model_id,
            step=stream.checkpoint.step,
            text=written.prompt + written.text,
            options=dict(stream.options),
        )

    def score(
        self,
        model_id: str,
        text: str | BinaryIO,
        *,
        encoding: str | None = None,
        checkpoint: str = "best",
        adaptive: bool = False,
    ) -> Score:
        """Return the cross-entropy of a text under a model.

        Args:
            model_id: The model.
            text: The text, or an open binary file.
            encoding: Encoding of the file; detected if missing.
            checkpoint: As for `stream`.
            adaptive: Train on each character after predicting it, as compressors do; the stored model does not
                change.

        Raises:
            TextError: The text cannot be read, or has fewer than two characters.
            NotFound: There is no such model, or it has no checkpoint yet.
            CheckpointError: No checkpoint is valid.
        """
        from charrnn.model import training

        _, loaded, _ = self.load(self._models.get(model_id), checkpoint)
        chunks = [text] if isinstance(text, str) else decode(text, encoding=encoding or detect_encoding(text).encoding)
        encode = loaded.vocabulary.encode
        ids = np.concatenate([encode(""), *map(encode, chunks)])
        if len(ids) < 2:
            raise TextError(
                f"The text has {len(ids)} character(s); at least 2 are needed, because the first is not predicted."
            )
        if adaptive:
            losses = training.dynamic_evaluation.adaptive_losses(loaded.network, ids, loaded.mixture)
        else:
            evaluation = training.evaluation.Evaluation(loaded.network, ids, first=1, window=loaded.window)
            loaded.window = evaluation.window
            losses = evaluation.losses()
            if loaded.mixture is not None:
                losses = loaded.mixture.losses(losses, loaded.mixture.ngrams.probabilities(ids))
        nats = float(np.mean(losses))
        return Score(nats, len(ids) - 1, int((ids[1:] == loaded.vocabulary.unknown_id).sum()))

    def load(self, model: Model, kind: str) -> tuple[Checkpoint, LoadedNetwork, list[str]]:
        """Return the network of a checkpoint, which stays in memory.

        Args:
            model: The model.
            kind: `best`, `last`, or the id of a checkpoint.

        Returns:
            The checkpoint that was used, its network, and the reasons why others were skipped.

        Raises:
            NotFound: The model has no checkpoint yet.
            CheckpointError: No checkpoint is valid.
        """
        from charrnn.model import generation, training

        def load_folder(folder: Path) -> LoadedNetwork:
            if folder not in self._loaded:
                network, vocabulary, _ = training.checkpoint.load_network(folder)
                mixture = training.checkpoint.load_mixture(folder)
                self._loaded[folder] = LoadedNetwork(
                    network, vocabulary, generation.generator.Generator(network, vocabulary, mixture), mixture
                )
            self._loaded.move_to_end(folder)
            while len(self._loaded) > MAX_LOADED:
                self._loaded.popitem(last=False)
            return self._loaded[folder]

        with self._lock:
            return self._checkpoints.first_usable(model, kind, load_folder)
