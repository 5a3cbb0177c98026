"""Tests of corpus files: stored once, atomically, as text and as ids, in little memory."""

import hashlib
import io
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import charrnn.core.text_decoding as text_module
from benchmarks.text_import import add_and_encode
from charrnn.core.errors import NotFound, StudioError, TextError
from charrnn.core.vocabulary import Vocabulary
from charrnn.store.corpus_files import CorpusFiles

TEXT = "Ąžuolas, eglė,\r\nuosis, klevas\r\n"
STORED = TEXT.replace("\r\n", "\n")
UNKNOWN = "0" * 64


@pytest.fixture
def files(tmp_path: Path) -> CorpusFiles:
    return CorpusFiles(tmp_path)


def add(files: CorpusFiles, text: str = TEXT) -> str:
    return files.add(io.BytesIO(text.encode()), name="trees")[0].id


def test_corpus_id_is_the_hash_of_the_utf_8_text(files: CorpusFiles) -> None:
    corpus, report = files.add(io.BytesIO(TEXT.encode("utf-16")), name="trees")
    assert corpus.id == hashlib.sha256(STORED.encode()).hexdigest()
    assert (corpus.name, corpus.encoding, corpus.newlines) == ("trees", "utf-16-le", "crlf")
    assert (corpus.size_bytes, corpus.num_characters, corpus.num_lines) == (len(STORED.encode()), len(STORED), 2)
    assert corpus.num_distinct == report.num_distinct == len(set(STORED))
    assert (files.root / corpus.id / "text.txt").read_bytes() == STORED.encode()


def test_line_endings_are_kept_on_request(files: CorpusFiles) -> None:
    corpus, _ = files.add(io.BytesIO(TEXT.encode()), name="trees", newlines="keep")
    assert files.head(corpus.id, 99) == TEXT


def test_same_text_in_another_encoding_is_stored_once(files: CorpusFiles) -> None:
    first = add(files)
    vocabulary = Vocabulary.from_counts(files.counts(first), 9)
    files.ids(first, vocabulary)
    kept = sorted(os.listdir(files.root / first))
    again, report = files.add(io.BytesIO(STORED.encode("cp1257")), name="other", encoding="cp1257")
    assert (again.id, again.encoding, report.certain) == (first, "cp1257", True)
    assert sorted(os.listdir(files.root / first)) == kept
    assert os.listdir(files.root) == [first]


def test_corpus_can_be_read_back(files: CorpusFiles) -> None:
    corpus_id = add(files)
    with files.text(corpus_id) as text:
        assert text.read() == STORED
    assert files.head(corpus_id, 7) == STORED[:7]
    assert files.counts(corpus_id) == Counter(STORED)
    assert list(files.counts(corpus_id).values()) == sorted(Counter(STORED).values(), reverse=True)


@pytest.mark.parametrize("max_vocab", [1, 5, 300])
def test_ids_match_the_vocabulary_and_are_read_only(files: CorpusFiles, max_vocab: int) -> None:
    corpus_id = add(files)
    vocabulary = Vocabulary.from_counts(files.counts(corpus_id), max_vocab)
    ids = files.ids(corpus_id, vocabulary)
    assert ids.tolist() == vocabulary.encode(STORED).tolist()
    assert ids.dtype == vocabulary.dtype
    assert isinstance(ids, np.memmap) and not ids.flags.writeable


# Different texts have different ids, so all examples can share one folder.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff\0\x1b"), min_size=2, max_size=80))
def test_ids_decode_to_the_added_text(files: CorpusFiles, text: str) -> None:
    text += "ab"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "CHUNK", 5)
        corpus_id = files.add(io.BytesIO(text.encode()), name="any", encoding="utf-8")[0].id
        vocabulary = Vocabulary.from_counts(files.counts(corpus_id), 999)
        assert vocabulary.decode(files.ids(corpus_id, vocabulary)) == text


def test_corpus_is_encoded_once_per_vocabulary(files: CorpusFiles) -> None:
    corpus_id = add(files)
    small, large = (Vocabulary.from_counts(files.counts(corpus_id), size) for size in (3, 9))
    reported: list[float] = []
    files.ids(corpus_id, small)
    files.ids(corpus_id, small, progress=reported.append)
    assert reported == []
    files.ids(corpus_id, large, progress=reported.append)
    assert reported[-1] == 1
    assert len(list((files.root / corpus_id).glob("ids-*.npy"))) == 2


def test_damaged_ids_are_encoded_again(files: CorpusFiles) -> None:
    corpus_id = add(files)
    vocabulary = Vocabulary.from_counts(files.counts(corpus_id), 9)
    files.ids(corpus_id, vocabulary)
    (path,) = (files.root / corpus_id).glob("ids-*.npy")
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:20], b"", b"not an array"):
        path.write_bytes(damaged)
        assert files.ids(corpus_id, vocabulary).tolist() == vocabulary.encode(STORED).tolist()
        assert path.read_bytes() == whole


def test_progress_increases_to_one(files: CorpusFiles) -> None:
    reported: list[float] = []
    files.add(io.BytesIO(TEXT.encode() * 50_000), name="trees", progress=reported.append)
    assert reported == sorted(reported)
    assert 0 < reported[0] <= reported[-1] == 1


def test_exception_in_the_progress_callback_cancels_and_leaves_nothing(files: CorpusFiles) -> None:
    def cancel(_: float) -> None:
        raise InterruptedError("not now")

    with pytest.raises(InterruptedError, match="not now"):
        files.add(io.BytesIO(TEXT.encode()), name="trees", progress=cancel)
    assert os.listdir(files.root) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "empty"), (b"aaa", "only one character, 'a'"), (b"hello\0world\n" * 9, "a NUL byte at offset 5")],
)
def test_rejected_text_leaves_nothing(files: CorpusFiles, data: bytes, message: str) -> None:
    with pytest.raises(TextError, match=message):
        files.add(io.BytesIO(data), name="bad")
    assert os.listdir(files.root) == []


def test_full_disk_leaves_nothing(files: CorpusFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("charrnn.store.corpus_files._HashingWriter._write", full)
    with pytest.raises(StudioError, match="The disk of .* is full"):
        add(files)
    assert os.listdir(files.root) == []


def test_missing_corpus_error_has_its_id(files: CorpusFiles) -> None:
    for read in (files.text, files.counts, lambda corpus_id: files.head(corpus_id, 3)):
        with pytest.raises(NotFound, match="There is no text 0000"):
            read(UNKNOWN)


@pytest.mark.parametrize("corpus_id", ["", "../../etc/passwd", "A" * 64, "0" * 63, UNKNOWN + "\n"])
def test_invalid_corpus_ids_are_rejected(files: CorpusFiles, corpus_id: str) -> None:
    with pytest.raises(NotFound, match="is not a valid corpus id"):
        files.counts(corpus_id)


def test_corpus_can_be_deleted_twice(files: CorpusFiles) -> None:
    corpus_id = add(files)
    files.delete(corpus_id)
    files.delete(corpus_id)
    assert os.listdir(files.root) == []


@pytest.mark.parametrize("name", ["text.txt", "counts.json"])
def test_damaged_corpus_is_reported_and_repaired_by_adding_it_again(files: CorpusFiles, name: str) -> None:
    corpus_id = add(files)
    path = files.root / corpus_id / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(TextError, match=f"{corpus_id} is damaged.*add it again"):
        files.head(corpus_id, 3)
    assert add(files) == corpus_id
    assert files.head(corpus_id, 99) == STORED


def test_missing_file_counts_as_damage(files: CorpusFiles) -> None:
    corpus_id = add(files)
    (files.root / corpus_id / "text.txt").unlink()
    with pytest.raises(TextError, match="text.txt has 0 bytes instead of"):
        files.text(corpus_id)


def test_large_text_needs_little_memory(tmp_path: Path) -> None:
    megabyte = "Ąžuolas, eglė, uosis 水\n" * 40_000
    with open(tmp_path / "large.txt", "wb") as file:
        for _ in range(60):
            file.write(megabyte.encode())
    (tmp_path / "corpora").mkdir()
    measured = add_and_encode(tmp_path / "large.txt", tmp_path / "corpora")
    assert measured["characters"] == 60 * len(megabyte)
    # The whole text would take 110 MB as a string, or 68 MB as bytes.
    assert 0 < measured["memory"] < 60
