"""Add, analyze, encode and delete texts."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from charrnn.core.baselines import Baselines, baselines
from charrnn.core.batches import Ids
from charrnn.core.errors import LimitExceeded, NotFound, TextError
from charrnn.core.records import Corpus
from charrnn.core.text_decoding import Newlines, analyze, encode_utf8, open_file
from charrnn.core.text_report import TextReport
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.example_texts import open_example
from charrnn.services.limit_check import LimitCheck
from charrnn.store.corpora import CorpusStore
from charrnn.store.corpus_files import CorpusFiles

TextSource = Corpus | Path | str | BinaryIO
"""A stored text, a file's path, the text itself, or an open file of bytes."""

ProgressCallback = Callable[[float], None]
"""Called with the completed fraction, from 0 to 1."""


class Corpora:
    """The texts of one data folder.

    Args:
        files: Stores the text files.
        store: Stores the rows.
        limit_check: Limits the disk space.
        owner: Owner of the texts; `None` for the texts of all users.
    """

    def __init__(self, files: CorpusFiles, store: CorpusStore, limit_check: LimitCheck, owner: str | None = None):
        self._files, self._store, self._limit_check, self._owner = files, store, limit_check, owner

    def seen_by(self, owner: str, limit_check: LimitCheck) -> "Corpora":
        """Return the texts of one user."""
        return Corpora(self._files, self._store, limit_check, owner)

    def add(
        self,
        source: Path | str | BinaryIO,
        *,
        name: str | None = None,
        encoding: str | None = None,
        newlines: Newlines = "lf",
        progress: ProgressCallback | None = None,
    ) -> tuple[Corpus, TextReport]:
        """Add a text. Adding the same text again stores nothing new.

        Args:
            source: A path, the text itself, or an open binary file.
            name: Name of the text; the stem of the file name if missing.
            encoding: Encoding of the file; detected if missing.
            newlines: `lf` converts all line endings to LF, `keep` keeps them.
            progress: Called with the completed fraction, from 0 to 1.

        Returns:
            The corpus and a report on the text.

        Raises:
            TextError: The file is not text, or cannot be trained on.
            NotFound: There is no such file.
            LimitExceeded: The text exceeds the disk quota.
        """
        self._limit_check.check_space(0, "text")
        options = {"encoding": encoding, "newlines": newlines, "progress": progress}
        while True:
            corpus, report = self._store_files(source, name, **options)
            try:
                self._limit_check.check_space(corpus.size_bytes, "text", exclude=corpus.id)
            except LimitExceeded:
                self._remove_files_without_row(corpus.id)
                raise
            stored = self._store.add(corpus, owner=self._owner or "")
            if self._files.has(corpus.id):
                # Another user may have added this text before, under a name that is private to them.
                return replace(stored, name=corpus.name), report
            # The text was deleted between writing its files and its row: write the files again.

    def _store_files(
        self, source: Path | str | BinaryIO, name: str | None, **options: Any
    ) -> tuple[Corpus, TextReport]:
        if isinstance(source, Path):
            with open_file(source) as file:
                return self._files.add(file, name=name or source.stem, **options)
        if isinstance(source, str):
            _reject_file_name(source)
            # A str needs no encoding detection.
            source, options = io.BytesIO(encode_utf8(source)), options | {"encoding": "utf-8"}
        return self._files.add(source, name=name or "text", **options)

    def _remove_files_without_row(self, corpus_id: str) -> None:
        """Remove the files of a text without a row.

        A concurrent `add` writes the row and then checks the files, whereas this hides the files and then checks for a
        row, so at least one of the two detects the other.
        """
        self._files.delete(corpus_id, unless=lambda: self._store.find(corpus_id) is not None)

    def add_example(self, name: str, *, progress: ProgressCallback | None = None) -> tuple[Corpus, TextReport]:
        """Add an example text, `shakespeare` or `python`.

        Raises:
            NotFound: There is no such example, or it is not installed.
        """
        file, title = open_example(name)
        with file:
            return self.add(file, name=title, encoding="utf-8", progress=progress)

    def find_or_add(self, source: TextSource) -> Corpus:
        """Return the corpus of a text; add the text if it is not stored yet."""
        return source if isinstance(source, Corpus) else self.add(source)[0]

    def analyze(self, source: Path | BinaryIO, *, encoding: str | None = None, newlines: Newlines = "lf") -> TextReport:
        """Analyze a text without storing it.

        Raises:
            TextError: The file is not text.
            NotFound: There is no such file.
        """
        if isinstance(source, Path):
            with open_file(source) as file:
                return analyze(file, encoding=encoding, newlines=newlines, name=source.name)
        return analyze(source, encoding=encoding, newlines=newlines)

    def get(self, corpus_id: str) -> Corpus:
        """Return a corpus by its id.

        Raises:
            NotFound: There is no such corpus.
        """
        return self._store.get(corpus_id, owner=self._owner)

    def resolve(self, name_or_id: str) -> Corpus:
        """Return the corpus for a name or id that a user typed; use `get` for a known id.

        Args:
            name_or_id: An id, the prefix of an id, or a name; if several corpora have that name, the newest wins.

        Raises:
            NotFound: No corpus matches.
            OptionError: Several ids have this prefix.
        """
        by_id = self._store.find(name_or_id, owner=self._owner) if name_or_id else None
        if by_id is not None and by_id.id == name_or_id.strip().lower():
            return by_id
        named = [corpus for corpus in self.all() if corpus.name == name_or_id]
        corpus = named[0] if named else by_id
        if corpus is None:
            names = ", ".join(dict.fromkeys(corpus.name for corpus in self.all()[:20]))
            known = f"Known texts: {names}." if names else "There are no texts yet; train on a file to add one."
            raise NotFound(f"There is no text {name_or_id!r}. {known}")
        return corpus

    def all(self) -> list[Corpus]:
        """Return all corpora, newest first."""
        return self._store.list(owner=self._owner)

    def head(self, corpus_id: str, num_characters: int) -> str:
        """Return the first characters of a corpus."""
        self.get(corpus_id)
        return self._files.head(corpus_id, num_characters)

    def tail(self, corpus_id: str, num_characters: int) -> str:
        """Return the last characters of a corpus."""
        self.get(corpus_id)
        return self._files.tail(corpus_id, num_characters)

    def baselines(self, corpus_id: str) -> Baselines:
        """Compute the n-gram baselines of a corpus, which takes about a second per million characters."""
        with self._files.text(corpus_id) as file:
            return baselines(file)

    def ids(
        self, corpus_id: str, *, max_vocab: int, progress: ProgressCallback | None = None
    ) -> tuple[Ids, Vocabulary]:
        """Return the memory-mapped ids of a corpus and their vocabulary; the corpus is encoded once and cached."""
        vocabulary = Vocabulary.from_counts(self._files.counts(corpus_id), max_vocab)
        return self._files.ids(corpus_id, vocabulary, progress=progress), vocabulary

    def delete(self, corpus_id: str) -> None:
        """Delete a text permanently.

        Raises:
            StateError: A model uses it.
            NotFound: There is no such corpus.
        """
        if self._store.delete(corpus_id, owner=self._owner):
            self._remove_files_without_row(corpus_id)


def _reject_file_name(text: str) -> None:
    if len(text) < 256 and "\n" not in text and "\0" not in text and Path(text).is_file():
        raise TextError(
            f"A str is the text itself, but {text!r} is the name of a file. To read the file, pass Path({text!r})."
        )
