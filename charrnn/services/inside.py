"""Look inside networks: find units that follow features of the text, and follow one unit along a text.

All methods take seconds and block; call them on a background thread, with `progress` and `should_stop`.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from charrnn.core.batches import split
from charrnn.core.errors import OptionError, StudioError, TextError
from charrnn.core.insight.episodes import episode_ends
from charrnn.core.insight.findings import Activations, Effect, Finding, finding
from charrnn.core.insight.regular_expression import regex_feature
from charrnn.core.insight.stopped import InsightStopped
from charrnn.core.insight.stretches import MAX_CHARACTERS, WARM_UP, Stretches
from charrnn.core.insight.text_features import FEATURES, Feature, feature_named
from charrnn.core.insight.unit import Unit, UnitLayout
from charrnn.core.insight.unit_search import Candidate, Verdict, search
from charrnn.core.records import Checkpoint
from charrnn.services.corpora import Corpora
from charrnn.services.insight_cache import InsightCache
from charrnn.services.limit_check import LimitCheck
from charrnn.services.models import Models
from charrnn.services.text_generation import LoadedNetwork, TextGeneration

if TYPE_CHECKING:
    from charrnn.model.network.network import Network

MAX_TEXT = 131_072
"""Characters at the end of a text that stretches are taken from."""
SHOWN = 2000
"""Characters of a model's own text along which a unit is followed."""
MAX_CACHED_BYTES = 300_000_000
"""Maximum size of the activations in memory, of all models."""
WAIT_SECONDS = 0.2

ProgressCallback = Callable[[float], None]
"""Called with the completed fraction, from 0 to 1, on any thread."""

VALIDATION, END_OF_TEXT, GIVEN = "validation text", "end of the text, partly trained on", "given text"


@dataclass(frozen=True)
class Neurons:
    """What was found in a network."""

    findings: tuple[Finding, ...]
    checkpoint: Checkpoint
    source: str
    """`validation text`, `given text`, or `end of the text, partly trained on` if there is too little validation text.
    A unit is always measured on text that it was not selected on, but the network has seen that before."""
    num_characters: int
    """Number of characters that were read."""
    layout: UnitLayout
    problems: tuple[str, ...] = ()
    """Reasons why other checkpoints were skipped."""


@dataclass(frozen=True)
class _Reading:
    """The activations of a network on stretches of a text."""

    stretches: Stretches
    rows: npt.NDArray[np.int32]
    states: npt.NDArray[np.float32]
    nats: npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Subject:
    """What is analyzed: a network and a text."""

    checkpoint: Checkpoint
    loaded: LoadedNetwork
    problems: tuple[str, ...]
    source: str
    text: str

    @property
    def text_id(self) -> str:
        """Identifies the text."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


class Inside:
    """Look inside the models of one data folder."""

    def __init__(
        self, models: Models, corpora: Corpora, writing: TextGeneration, cache: InsightCache, limit_check: LimitCheck
    ):
        self._models, self._corpora, self._writing = models, corpora, writing
        self._cache, self._limit_check = cache, limit_check
        self._readings: OrderedDict[tuple[str, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def seen_by(self, models: Models, corpora: Corpora, writing: TextGeneration, limit_check: LimitCheck) -> "Inside":
        """Return the service for one user's models; activations in memory are shared by all users."""
        view = Inside(models, corpora, writing, self._cache, limit_check)
        view._readings, view._lock = self._readings, self._lock
        return view

    def neurons(
        self,
        model_id: str,
        *,
        checkpoint: str = "best",
        text: str | None = None,
        progress: ProgressCallback = lambda done: None,
        should_stop: Callable[[], bool] = bool,
    ) -> Neurons:
        """Find the units that follow quotes, brackets, columns and other features of the text.

        The result for the model's own text is stored with the checkpoint.

        Args:
            model_id: The model.
            checkpoint: `best`, `last` or an id, as for `TextGeneration.stream`.
            text: The text to read; the model's validation text if missing.
            progress: Called with the completed fraction.
            should_stop: Called often; ends the analysis if it returns true.

        Raises:
            NotFound: There is no such model, it has no checkpoint yet, or its text is missing.
            TextError: The text is too short.
            LimitExceeded: The text is longer than this server allows.
            CheckpointError: No checkpoint is valid.
            InsightStopped: `should_stop` returned true.
        """
        with self._subject(model_id, checkpoint, text, should_stop) as subject:
            stored = self._stored(subject) if text is None else None
            if stored is not None:
                result = stored
            else:
                features = list(FEATURES.values())
                findings, characters = self._search(subject, features, progress, should_stop)
                result = self._neurons(subject, findings, characters)
                if text is None:
                    self._store(subject, result)
        progress(1.0)
        return result

    def feature(
        self,
        model_id: str,
        key: str = "",
        *,
        regex: str = "",
        checkpoint: str = "best",
        text: str | None = None,
        progress: ProgressCallback = lambda done: None,
        should_stop: Callable[[], bool] = bool,
    ) -> Neurons:
        """Find the units that follow one feature; other arguments and errors as for `neurons`.

        Args:
            model_id: The model.
            key: Key of the feature, such as `quotes`.
            regex: A regular expression in the syntax of RE2, instead of a key.
            checkpoint: As for `neurons`.
            text: As for `neurons`.
            progress: As for `neurons`.
            should_stop: As for `neurons`.

        Raises:
            OptionError: There is no such feature, or the expression is invalid or takes too long.
        """
        feature = regex_feature(regex) if regex or not key else feature_named(key)
        with self._subject(model_id, checkpoint, text, should_stop) as subject:
            findings, characters = self._search(subject, [feature], progress, should_stop)
        progress(1.0)
        return self._neurons(subject, findings, characters)

    def activations(
        self,
        model_id: str,
        unit: Unit | str,
        *,
        checkpoint: str = "best",
        text: str | None = None,
        progress: ProgressCallback = lambda done: None,
        should_stop: Callable[[], bool] = bool,
    ) -> Activations:
        """Return the activation of one unit after each character of a text.

        All units of the text stay in memory for a while, so the next unit takes no time.

        Args:
            model_id: The model.
            unit: A unit or its name, such as `5:28`.
            checkpoint: As for `neurons`.
            text: The text to read; the end of the model's validation text if missing.
            progress: As for `neurons`.
            should_stop: As for `neurons`.

        Raises:
            OptionError: The network has no such unit.
        """
        from charrnn.model import insight

        named = Unit.parse(unit) if isinstance(unit, str) else unit
        with self._subject(model_id, checkpoint, text, should_stop) as subject:
            network, vocabulary = subject.loaded.network, subject.loaded.vocabulary
            index = insight.hidden_states.unit_layout(network).index(named)
            shown = subject.text if text is not None else subject.text[-SHOWN:]
            before = "" if text is not None else subject.text[-SHOWN - WARM_UP : -SHOWN]

            def read() -> npt.NDArray[np.float32]:
                ids = vocabulary.encode(before + shown).astype(np.int32)
                rows = np.append(ids, ids[-1:])[None]
                return insight.hidden_states.read(
                    network, rows, warm_up=len(before), progress=progress, should_stop=should_stop
                )[0]

            if not shown:
                raise TextError("The text is empty; expected at least one character.")
            states = self._cached((*self._key(subject), "shown"), read)
        progress(1.0)
        return Activations(named, shown, states[index].copy())

    @contextmanager
    def _subject(
        self, model_id: str, kind: str, text: str | None, should_stop: Callable[[], bool]
    ) -> Iterator[_Subject]:
        """Load the network and the text; one analysis of a process runs at a time."""
        model = self._models.get(model_id)
        if text is not None:
            message = f"The text has {len(text):,} characters"
            self._limit_check.limits.check("max_sample_length", len(text), message)
            source = GIVEN
        while not self._lock.acquire(timeout=WAIT_SECONDS):
            if should_stop():
                raise InsightStopped
        try:
            checkpoint, loaded, problems = self._writing.load(model, kind)
            if text is None:
                source, text = self._own_text(model.corpus_id, model.name, loaded.network)
            yield _Subject(checkpoint, loaded, tuple(problems), source, text)
        finally:
            self._lock.release()

    def _own_text(self, corpus_id: str | None, name: str, network: "Network") -> tuple[str, str]:
        """Return the validation text of a model; if that is short, with the training text before it."""
        if corpus_id is None:
            raise TextError(f"The model {name!r} has no text here, as imported models. Give a text (--file FILE).")
        names = ("val_fraction", "num_seqs", "num_steps", "max_val_chars")
        corpus = self._corpora.get(corpus_id)
        held_out = split(corpus.num_characters, **{name: network.options[name] for name in names}).num_val
        is_enough = held_out >= MAX_CHARACTERS
        count = min(held_out, MAX_TEXT) if is_enough else MAX_CHARACTERS + 2 * WARM_UP
        return VALIDATION if is_enough else END_OF_TEXT, self._corpora.tail(corpus_id, count)

    def _search(
        self,
        subject: _Subject,
        features: Sequence[Feature],
        progress: ProgressCallback,
        should_stop: Callable[[], bool],
    ) -> tuple[tuple[Finding, ...], int]:
        """Search for units, and measure the effect of those that track a feature."""
        from charrnn.model import insight

        network = subject.loaded.network
        layout = insight.hidden_states.unit_layout(network)
        stretches = Stretches.of(subject.text[-MAX_TEXT:], len(layout))
        values = [stretches.values(feature) for feature in features]

        def read() -> _Reading:
            rows = stretches.rows(subject.loaded.vocabulary)
            states, nats = insight.hidden_states.read(
                network,
                rows,
                warm_up=stretches.warm_up,
                progress=lambda done: progress(0.4 * done),
                should_stop=should_stop,
            )
            return _Reading(stretches, rows, states, nats)

        reading: _Reading = self._cached(self._key(subject), read)
        if should_stop():
            raise InsightStopped
        candidates = [Candidate(array) for array in values]
        units = [layout.unit(index) for index in range(len(layout))]
        matches = search(
            reading.states, len(stretches.starts), stretches.characters(), candidates, lambda d: progress(0.4 + 0.3 * d)
        )
        findings = [finding(feature, match, units) for feature, match in zip(features, matches, strict=True)]
        tracked = [number for number, each in enumerate(findings) if each.verdict is Verdict.TRACKS]
        for done, number in enumerate(tracked):
            effect = _effect(network, reading, matches[number].unit or 0, values[number], should_stop)
            findings[number] = replace(findings[number], effect=effect)
            progress(0.7 + 0.3 * (done + 1) / len(tracked))
        return tuple(findings), stretches.num_characters

    def _neurons(self, subject: _Subject, findings: tuple[Finding, ...], characters: int) -> Neurons:
        from charrnn.model import insight

        layout = insight.hidden_states.unit_layout(subject.loaded.network)
        return Neurons(findings, subject.checkpoint, subject.source, characters, layout, subject.problems)

    def _stored(self, subject: _Subject) -> Neurons | None:
        """Return the stored result, or `None` if there is none, or it is not what this version stores."""
        values = self._cache.load(subject.checkpoint, subject.text_id)
        try:
            return (
                None
                if values is None
                else self._neurons(subject, tuple(map(Finding.from_json, values["findings"])), values["num_characters"])
            )
        except (KeyError, TypeError, ValueError, OptionError):
            return None

    def _store(self, subject: _Subject, result: Neurons) -> None:
        """Store a result, unless the disk quota or the disk is full."""
        values = {"findings": [each.to_json() for each in result.findings], "num_characters": result.num_characters}
        try:
            self._cache.save(
                subject.checkpoint,
                subject.text_id,
                values,
                lambda needed: self._limit_check.check_space(needed, "analysis"),
            )
        except (StudioError, OSError):
            return

    def _key(self, subject: _Subject) -> tuple[str, ...]:
        return subject.checkpoint.model_id, subject.checkpoint.folder, subject.text_id

    def _cached(self, key: tuple[str, ...], read: Callable[[], Any]) -> Any:
        """Return what was read, from memory if possible; the least recently used activations are dropped first."""
        if key not in self._readings:
            self._readings[key] = read()
        self._readings.move_to_end(key)
        while len(self._readings) > 1 and sum(map(_num_bytes, self._readings.values())) > MAX_CACHED_BYTES:
            self._readings.popitem(last=False)
        return self._readings[key]


def _num_bytes(reading: Any) -> int:
    return int((reading.states if isinstance(reading, _Reading) else reading).nbytes)


def _effect(
    network: "Network", reading: _Reading, unit: int, values: npt.NDArray[Any], should_stop: Callable[[], bool]
) -> Effect | None:
    """Hold a unit while the network reads the half of the text that the unit was not chosen on."""
    from charrnn.model import insight

    stretches = reading.stretches
    rows = np.arange(1, len(stretches.starts), 2)
    by_stretch = values.reshape(len(stretches.starts), -1)
    activations = reading.states[unit].reshape(by_stretch.shape)[::2]
    off = activations if values.dtype != bool else activations[~by_stretch[::2]]
    if not off.size:
        return None
    value = float(np.median(off))
    hold = insight.hidden_states.Hold(np.full(len(rows), unit, np.int32), np.full(len(rows), value, np.float32))
    _, held = insight.hidden_states.read(
        network, reading.rows[rows], warm_up=stretches.warm_up, hold=hold, with_states=False, should_stop=should_stop
    )
    free = reading.nats[rows]
    ends = episode_ends(by_stretch[rows].reshape(-1), len(rows)).reshape(free.shape)
    change = (held - free).astype(np.float64)
    cases = change[ends]
    elsewhere = [float(row[~at_end].mean()) for row, at_end in zip(change, ends, strict=True) if not at_end.all()]
    if len(cases) < 2 or len(elsewhere) < 2:
        return None
    return Effect(
        value,
        len(cases),
        float(np.exp(-free[ends]).mean()),
        float(np.exp(-held[ends]).mean()),
        float(cases.mean()),
        float(cases.std(ddof=1) / np.sqrt(len(cases))),
        float(np.mean(elsewhere)),
        float(np.std(elsewhere, ddof=1) / np.sqrt(len(elsewhere))),
    )
