"""The files of texts: each stored once under the SHA-256 of its UTF-8 bytes, with its counts and its ids.

    <root>/<corpus id>/text.txt              the text, UTF-8
                       counts.json           its characters, most frequent first, and how often each occurs
                       ids-<vocabulary>.npy  the text as ids, made when first asked for

Knows neither the database nor who uses a text.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

import numpy as np
import numpy.typing as npt

from charrnn.core.census import Census
from charrnn.core.errors import NotFound, TextError
from charrnn.core.files import atomic_file, discard, naming_full_disk, publish, temporary_folder
from charrnn.core.records import Corpus
from charrnn.core.report import TextReport
from charrnn.core.text import Newlines, decode, detection_of
from charrnn.core.vocabulary import Vocabulary

TEXT = "text.txt"
COUNTS = "counts.json"
PROGRESS_SECONDS = 0.1

Progress = Callable[[float], None]
"""Is told the fraction done, 0 … 1, at most ten times a second; what it raises cancels the work."""
Ids = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class CorpusFiles:
    """The texts below one folder, which must exist."""

    root: Path

    def add(
        self,
        source: BinaryIO,
        *,
        name: str,
        encoding: str | None = None,
        newlines: Newlines = "lf",
        progress: Progress | None = None,
    ) -> tuple[Corpus, TextReport]:
        """Store a text; one that is here already is not stored again.

        Args:
            source: The text's bytes; seekable, read twice.
            name: What to call it.
            encoding: What it is in; found out when `None`.
            newlines: `lf` turns CRLF and CR into LF, `keep` leaves them as they are.
            progress: Is told how far it is.

        Raises:
            TextError: The text cannot be read, or not be trained on.
            StudioError: The disk is full.
        """
        size = source.seek(0, 2)
        detection = detection_of(source, encoding)
        census, watch = Census(), _Watch(progress)
        with naming_full_disk(self.root, needed=size), temporary_folder(self.root) as building:
            with open(building / TEXT, "wb") as target, _Writer(target) as writer:
                for chunk in decode(source, encoding=detection.encoding, newlines=newlines, census=census):
                    writer.write(chunk.encode())
                    watch.tell(source.tell() / size)
            report = TextReport.of(census, detection, name=name, num_bytes=size, newlines=newlines)
            report.check()
            size_bytes = (building / TEXT).stat().st_size
            counts = {"characters": "".join(report.counts), "counts": list(report.counts.values())}
            (building / COUNTS).write_text(json.dumps(counts | {"size_bytes": size_bytes}), encoding="ascii")
            self._keep(building, writer.sha256())
        watch.tell(1.0)
        return _record(report, writer.sha256(), size_bytes), report

    def ids(self, corpus_id: str, vocabulary: Vocabulary, *, progress: Progress | None = None) -> Ids:
        """Return the text as ids, mapped from the disk; encoded once for each vocabulary.

        Args:
            corpus_id: The text.
            vocabulary: Decides the ids and their type.
            progress: Is told how far the encoding is.

        Returns:
            Read-only, shape `(num_characters,)`.

        Raises:
            NotFound: There is no such text here.
            TextError: Its files are damaged.
            StudioError: The disk is full.
        """
        num_characters = sum(self.counts(corpus_id).values())
        digest = hashlib.sha256(vocabulary.characters.encode()).hexdigest()[:16]
        path = self._folder(corpus_id) / f"ids-{len(vocabulary)}-{digest}.npy"
        if path.exists():
            with _any_reason_to_encode_again():
                return _mapped(path, num_characters, vocabulary)
        needed = num_characters * vocabulary.dtype.itemsize
        with naming_full_disk(self.root, needed=needed), atomic_file(path) as target:
            header = {"descr": vocabulary.dtype.str, "fortran_order": False, "shape": (num_characters,)}
            np.lib.format.write_array_header_1_0(target, header)
            self._encode(corpus_id, vocabulary, target, num_characters, _Watch(progress))
        return _mapped(path, num_characters, vocabulary)
