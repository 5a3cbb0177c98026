"""The texts: bring one in, look at it, turn it into ids."""

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
from charrnn.services.quota_check import Allowance
from charrnn.store.corpora import CorpusStore
from charrnn.store.corpus_files import CorpusFiles

Source = Corpus | Path | str | BinaryIO
"""A stored text, a file's path, the text itself, or an open file of bytes."""

Listener = Callable[[float], None]


class Corpora:
    """The texts of one data folder.

    Args:
        files: Where their characters lie.
        store: Knows the rows.
        allowance: How much room there is.
        owner: Whose; `None` for everybody's.
    """

    def __init__(self, files: CorpusFiles, store: CorpusStore, allowance: Allowance, owner: str | None = None):
        self._files, self._store, self._allowance, self._owner = files, store, allowance, owner

    def seen_by(self, owner: str, allowance: Allowance) -> "Corpora":
        """Return the texts of one user."""
        return Corpora(self._files, self._store, allowance, owner)

    def add(
        self,
        source: Path | str | BinaryIO,
        *,
        name: str | None = None,
        encoding: str | None = None,
        newlines: Newlines = "lf",
        progress: Listener | None = None,
    ) -> tuple[Corpus, TextReport]:
        """Bring a text in; one that is here already is stored once.

        Args:
            source: A path, the text itself, or an open file of bytes.
            name: What to call it; the file's name without its ending if missing.
            encoding: How to read the bytes; detected if missing.
            newlines: `lf` turns all line ends into LF, `keep` keeps them.
            progress: Called with the share that is done, `0 … 1`.

        Returns:
            The corpus, and what was found in it.

        Raises:
            TextError: It cannot be read as text, or is not worth training on.
            NotFound: There is no such file.
            LimitExceeded: There is no room for it.
        """
        self._allowance.check_room(0, "text")
        how = {"encoding": encoding, "newlines": newlines, "progress": progress}
        while True:
            corpus, report = self._store_files(source, name, **how)
            try:
                self._allowance.check_room(corpus.size_bytes, "text", but=corpus.id)
            except LimitExceeded:
                self._remove_unknown(corpus.id)
                raise
            stored = self._store.add(corpus, owner=self._owner or "")
            if self._files.has(corpus.id):
                # what it was called when it was first brought in is no business of who brings it again
                return replace(stored, name=corpus.name), report
            # somebody deleted the text between its files and its row: the files are stored again

    def _store_files(self, source: Path | str | BinaryIO, name: str | None, **how: Any) -> tuple[Corpus, TextReport]:
        if isinstance(source, Path):
            with open_file(source) as file:
                return self._files.add(file, name=name or source.stem, **how)
        if isinstance(source, str):
            _refuse_file_name(source)
            # a text in memory is no file of unknown origin: nothing is to be detected
            source, how = io.BytesIO(encode_utf8(source)), how | {"encoding": "utf-8"}
        return self._files.add(source, name=name or "text", **how)

    def _remove_unknown(self, corpus_id: str) -> None:
        """Remove the files of a text without a row.

        Who adds the same text at this moment writes its row first and then looks for the files; this hides the files
        first and then looks for a row. One of both sees the other.
        """
        self._files.delete(corpus_id, unless=lambda: self._store.find(corpus_id) is not None)

    def add_example(self, name: str, *, progress: Listener | None = None) -> tuple[Corpus, TextReport]:
        """Bring an example text in, `shakespeare` or `python`.

        Raises:
            NotFound: There is no such example, or it is not installed here.
        """
        file, title = open_example(name)
        with file:
            return self.add(file, name=title, encoding="utf-8", progress=progress)

    def find_or_add(self, source: Source) -> Corpus:
        """Return the corpus for whatever names a text."""
        return source if isinstance(source, Corpus) else self.add(source)[0]

    def analyze(self, source: Path | BinaryIO, *, encoding: str | None = None, newlines: Newlines = "lf") -> TextReport:
        """Look at a text without storing it.

        Raises:
            TextError: It cannot be read as text.
            NotFound: There is no such file.
        """
        if isinstance(source, Path):
            with open_file(source) as file:
                return analyze(file, encoding=encoding, newlines=newlines, name=source.name)
        return analyze(source, encoding=encoding, newlines=newlines)

    def get(self, corpus_id: str) -> Corpus:
        """Return a corpus.

        Raises:
            NotFound: There is none of this id.
        """
        return self._store.get(corpus_id, owner=self._owner)

    def resolve(self, name_or_id: str) -> Corpus:
        """Return the corpus that a user means; programs that know an id call `get`.

        Args:
            name_or_id: An id, a name (of several corpora the newest), or the beginning of an id.

        Raises:
            NotFound: There is none.
            OptionError: Several ids begin like this.
        """
        by_id = self._store.find(name_or_id, owner=self._owner) if name_or_id else None
        if by_id is not None and by_id.id == name_or_id.strip().lower():
            return by_id
        named = [corpus for corpus in self.all() if corpus.name == name_or_id]
        found = named[0] if named else by_id
        if found is None:
            names = ", ".join(dict.fromkeys(corpus.name for corpus in self.all()[:20]))
            known = f"There are: {names}." if names else "There are none yet; train on a file, and its text is kept."
            raise NotFound(f"There is no text {name_or_id!r}. {known}")
        return found

    def all(self) -> list[Corpus]:
        """Return all corpora, newest first."""
        return self._store.list(owner=self._owner)

    def head(self, corpus_id: str, num_characters: int) -> str:
        """Return the first characters of a corpus."""
        self.get(corpus_id)
        return self._files.head(corpus_id, num_characters)

    def baselines(self, corpus_id: str) -> Baselines:
        """Measure what simple guessers reach on a corpus; takes about a second for a million characters."""
        with self._files.text(corpus_id) as file:
            return baselines(file)

    def ids(self, corpus_id: str, *, max_vocab: int, progress: Listener | None = None) -> tuple[Ids, Vocabulary]:
        """Return a corpus as ids, memory-mapped, and the vocabulary that they are of; encoded once and kept."""
        vocabulary = Vocabulary.from_counts(self._files.counts(corpus_id), max_vocab)
        return self._files.ids(corpus_id, vocabulary, progress=progress), vocabulary

    def delete(self, corpus_id: str) -> None:
        """Remove a text for good.

        Raises:
            StateError: A model uses it.
            NotFound: There is none of this id.
        """
        if self._store.delete(corpus_id, owner=self._owner):
            self._remove_unknown(corpus_id)


def _refuse_file_name(text: str) -> None:
    if len(text) < 256 and "\n" not in text and "\0" not in text and Path(text).is_file():
        raise TextError(f"A str is the text itself, and {text!r} is a file's name. For the file, give Path({text!r}).")
