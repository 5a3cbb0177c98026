"""Store texts as files under the SHA-256 of their UTF-8 bytes, with character counts and encoded ids.

<root>/<corpus id>/text.txt              the text in UTF-8
                   counts.json           its characters and their counts, most frequent first
                   ids-<vocabulary>.npy  the text as ids of a vocabulary, created on first use
"""

import hashlib
import io
import json
import math
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self, TextIO

import numpy as np
import numpy.typing as npt

from charrnn.core.atomic_files import atomic_file, discard, full_disk_errors, publish, sync_folder, temporary_folder
from charrnn.core.errors import NotFound, TextError
from charrnn.core.records import Corpus
from charrnn.core.text_decoding import Newlines, decode, resolve_encoding
from charrnn.core.text_report import TextReport
from charrnn.core.text_statistics import TextStatistics
from charrnn.core.vocabulary import Vocabulary

TEXT = "text.txt"
COUNTS = "counts.json"
PROGRESS_SECONDS = 0.1
MAX_UTF8_BYTES = 4
"""Maximum size of a character."""

ProgressCallback = Callable[[float], None]
"""Called with the fraction done, 0 … 1, at most ten times a second; an exception cancels the operation."""
Ids = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class CorpusFiles:
    """The texts in one folder."""

    root: Path
    """The folder; it must exist."""

    def add(
        self,
        source: BinaryIO,
        *,
        name: str,
        encoding: str | None = None,
        newlines: Newlines = "lf",
        progress: ProgressCallback | None = None,
    ) -> tuple[Corpus, TextReport]:
        """Store a text, unless it is stored already.

        Args:
            source: The bytes of the text; seekable, read twice.
            name: Name of the text.
            encoding: The file's encoding; detected if `None`.
            newlines: `lf` converts CRLF and CR to LF; `keep` keeps them.
            progress: Called with the fraction done.

        Returns:
            The metadata of the text, and its report.

        Raises:
            TextError: The text cannot be decoded, or cannot be trained on.
            StudioError: The disk is full.
        """
        size = source.seek(0, 2)
        detection = resolve_encoding(source, encoding)
        statistics, reporter = TextStatistics(), _ThrottledProgress(progress)
        with full_disk_errors(self.root, needed=size), temporary_folder(self.root) as building:
            with open(building / TEXT, "wb") as target, _HashingWriter(target) as writer:
                for chunk in decode(source, encoding=detection.encoding, newlines=newlines, statistics=statistics):
                    writer.write(chunk.encode())
                    reporter.report(source.tell() / size)
            report = TextReport.from_statistics(statistics, detection, name=name, num_bytes=size, newlines=newlines)
            report.check()
            size_bytes = (building / TEXT).stat().st_size
            counts = {"characters": "".join(report.counts), "counts": list(report.counts.values())}
            (building / COUNTS).write_text(json.dumps(counts | {"size_bytes": size_bytes}), encoding="ascii")
            self._publish(building, writer.sha256())
        reporter.report(1.0)
        return _record(report, writer.sha256(), size_bytes), report

    def ids(self, corpus_id: str, vocabulary: Vocabulary, *, progress: ProgressCallback | None = None) -> Ids:
        """Return the ids of the text's characters, memory-mapped; they are encoded once per vocabulary.

        Args:
            corpus_id: The text.
            vocabulary: Vocabulary that determines the ids and their data type.
            progress: Called with the fraction encoded.

        Returns:
            Read-only array of shape `(num_characters,)`.

        Raises:
            NotFound: There is no such text.
            TextError: The files are damaged.
            StudioError: The disk is full.
        """
        path = self._folder(corpus_id) / _ids_name(vocabulary)
        num_characters = sum(self.counts(corpus_id).values())
        if (ids := _mapped(path, num_characters, vocabulary)) is None:
            needed = num_characters * vocabulary.dtype.itemsize
            with full_disk_errors(self.root, needed=needed), atomic_file(path, private=True) as target:
                self._encode(corpus_id, vocabulary, target, num_characters, _ThrottledProgress(progress))
            ids = _mapped(path, num_characters, vocabulary)
        if ids is None:
            raise TextError(f"Cannot read back {path.name} of corpus {corpus_id}. Check the disk of {self.root}.")
        return ids

    def text(self, corpus_id: str) -> TextIO:
        """Open the text for reading, with its line endings unchanged.

        Raises:
            NotFound: There is no such text.
            TextError: The file is damaged.
        """
        return io.TextIOWrapper(self._open(corpus_id), encoding="utf-8", newline="")

    def head(self, corpus_id: str, n: int) -> str:
        """Return the first `n` characters, or all if there are fewer.

        Raises:
            NotFound: There is no such text.
            TextError: The file is damaged.
        """
        with self.text(corpus_id) as file:
            return file.read(n)

    def tail(self, corpus_id: str, n: int) -> str:
        """Return the last `n` characters, or all if there are fewer; reads no more than these.

        Raises:
            NotFound: There is no such text.
            TextError: The file is damaged.
        """
        with self._open(corpus_id) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MAX_UTF8_BYTES * n))
            # The first character may be cut off.
            text = file.read().decode("utf-8", errors="ignore")
        return text[-n:] if n else ""

    def counts(self, corpus_id: str) -> dict[str, int]:
        """Return the number of occurrences of each character, most frequent first.

        Raises:
            NotFound: There is no such text.
            TextError: The file of counts is damaged.
        """
        stored = self._counts_file(corpus_id)
        return dict(zip(stored["characters"], stored["counts"], strict=True))

    def used_bytes(self, corpus_id: str) -> int:
        """Return the disk space of a text in bytes, including its encoded ids; 0 if there is no such text."""
        with suppress(FileNotFoundError):  # removed by another process in the meantime
            return sum(path.stat().st_size for path in self._folder(corpus_id).iterdir())
        return 0

    def has(self, corpus_id: str) -> bool:
        """Return whether the files of a text exist."""
        return self._folder(corpus_id).exists()

    def delete(self, corpus_id: str, *, unless: Callable[[], bool] = lambda: False) -> None:
        """Remove the files of a text, unless `unless` returns true; missing files are ignored."""
        discard(self._folder(corpus_id), unless=unless)

    def _folder(self, corpus_id: str) -> Path:
        if not re.fullmatch("[0-9a-f]{64}", corpus_id):
            raise NotFound(f"{corpus_id!r} is not a valid corpus id, which has 64 lower-case hexadecimal digits.")
        return self.root / corpus_id

    def _publish(self, building: Path, corpus_id: str) -> None:
        try:
            self._open(corpus_id).close()
            sync_folder(self.root)  # another process may have stored it, but not synced the folder yet
            return
        except NotFound:
            pass
        except TextError:  # damaged: replace it with the new copy
            discard(self._folder(corpus_id))
        with suppress(FileExistsError):  # stored by another process in the meantime
            publish(building, self._folder(corpus_id))

    def _open(self, corpus_id: str) -> BinaryIO:
        expected = self._counts_file(corpus_id)["size_bytes"]
        path = self._folder(corpus_id) / TEXT
        size = path.stat().st_size if path.exists() else 0
        if size != expected:
            raise TextError(_damaged(corpus_id, f"{TEXT} has {size:,} bytes instead of {expected:,}"))
        return open(path, "rb")

    def _counts_file(self, corpus_id: str) -> dict[str, Any]:
        folder = self._folder(corpus_id)
        if not folder.exists():
            raise NotFound(f"There is no text {corpus_id} in {self.root}. Add it again, or choose another text.")
        try:
            stored: dict[str, Any] = json.loads((folder / COUNTS).read_bytes())
            if len(stored["characters"]) == len(stored["counts"]) and stored["size_bytes"] > 0:
                return stored
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TextError(_damaged(corpus_id, f"{COUNTS} cannot be read: {error}")) from error
        raise TextError(_damaged(corpus_id, f"{COUNTS} is inconsistent"))

    def _encode(
        self,
        corpus_id: str,
        vocabulary: Vocabulary,
        target: BinaryIO,
        num_characters: int,
        reporter: "_ThrottledProgress",
    ) -> None:
        header = {"descr": vocabulary.dtype.str, "fortran_order": False, "shape": (num_characters,)}
        np.lib.format.write_array_header_1_0(target, header)
        done = 0
        with self._open(corpus_id) as source:
            try:
                for chunk in decode(source, encoding="utf-8", newlines="keep"):
                    target.write(vocabulary.encode(chunk).data)
                    done += len(chunk)
                    reporter.report(done / num_characters)
            except TextError as error:
                raise TextError(_damaged(corpus_id, f"{TEXT} is not valid UTF-8")) from error
        if done != num_characters:
            raise TextError(_damaged(corpus_id, f"{TEXT} has {done:,} characters instead of {num_characters:,}"))


class _ThrottledProgress:
    """Forward progress to a callback, at most ten times a second."""

    def __init__(self, progress: ProgressCallback | None):
        self._progress = progress
        self._last = -math.inf

    def report(self, fraction: float) -> None:
        now = time.monotonic()
        if self._progress and (fraction >= 1 or now - self._last >= PROGRESS_SECONDS):
            self._last = now
            self._progress(fraction)


class _HashingWriter:
    """Write and hash data in a separate thread, in parallel with decoding and counting."""

    def __init__(self, target: BinaryIO):
        self._target = target
        self._hash = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._thread.shutdown()
        if kind is None:
            self._wait()

    def write(self, data: bytes) -> None:
        self._wait()
        self._pending = self._thread.submit(self._write, data)

    def sha256(self) -> str:
        return self._hash.hexdigest()

    def _wait(self) -> None:
        if self._pending:
            self._pending.result()

    def _write(self, data: bytes) -> None:
        self._target.write(data)
        self._hash.update(data)


def _ids_name(vocabulary: Vocabulary) -> str:
    digest = hashlib.sha256(vocabulary.characters.encode()).hexdigest()
    return f"ids-{len(vocabulary)}-{digest[:16]}.npy"


def _mapped(path: Path, num_characters: int, vocabulary: Vocabulary) -> Ids | None:
    """Memory-map encoded ids; return `None` if they are missing or damaged and must be encoded again."""
    try:
        ids: Ids = np.load(path, mmap_mode="r", allow_pickle=False)
    except (FileNotFoundError, ValueError, EOFError):
        return None
    return ids if ids.shape == (num_characters,) and ids.dtype == vocabulary.dtype else None


def _record(report: TextReport, corpus_id: str, size_bytes: int) -> Corpus:
    return Corpus(
        id=corpus_id,
        name=report.name,
        size_bytes=size_bytes,
        num_characters=report.num_characters,
        num_distinct=report.num_distinct,
        num_lines=report.num_lines,
        encoding=report.encoding,
        newlines=report.newlines,
        created_at=datetime.now(UTC).replace(tzinfo=None),
    )


def _damaged(corpus_id: str, what: str) -> str:
    return f"The stored text {corpus_id} is damaged: {what}. Delete it and add it again."
