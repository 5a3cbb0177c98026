"""The files of texts: each once, whole or not at all, as text and as ids, in little memory."""

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
from benchmarks.corpus import add_and_encode
from charrnn.core.errors import NotFound, StudioError, TextError
from charrnn.core.vocabulary import Vocabulary
from charrnn.store.corpus_files import CorpusFiles

TEXT = "Ąžuolas, eglė,\r\nuosis, klevas\r\n"
STORED = TEXT.replace("\r\n", "\n")
NOWHERE = "0" * 64


@pytest.fixture
def files(tmp_path: Path) -> CorpusFiles:
    return CorpusFiles(tmp_path)


def add(files: CorpusFiles, text: str = TEXT) -> str:
    return files.add(io.BytesIO(text.encode()), name="trees")[0].id


def test_a_text_is_stored_under_the_hash_of_its_characters(files: CorpusFiles) -> None:
    corpus, report = files.add(io.BytesIO(TEXT.encode("utf-16")), name="trees")
    assert corpus.id == hashlib.sha256(STORED.encode()).hexdigest()
    assert (corpus.name, corpus.encoding, corpus.newlines) == ("trees", "utf-16-le", "crlf")
    assert (corpus.size_bytes, corpus.num_characters, corpus.num_lines) == (len(STORED.encode()), len(STORED), 2)
    assert corpus.num_distinct == report.num_distinct == len(set(STORED))
    assert (files.root / corpus.id / "text.txt").read_bytes() == STORED.encode()


def test_line_ends_are_kept_on_request(files: CorpusFiles) -> None:
    corpus, _ = files.add(io.BytesIO(TEXT.encode()), name="trees", newlines="keep")
    assert files.head(corpus.id, 99) == TEXT


def test_the_same_text_in_another_encoding_is_stored_once(files: CorpusFiles) -> None:
    first = add(files)
    vocabulary = Vocabulary.from_counts(files.counts(first), 9)
    files.ids(first, vocabulary)
    kept = sorted(os.listdir(files.root / first))
    again, report = files.add(io.BytesIO(STORED.encode("cp1257")), name="other", encoding="cp1257")
    assert (again.id, again.encoding, report.certain) == (first, "cp1257", True)
    assert sorted(os.listdir(files.root / first)) == kept
    assert os.listdir(files.root) == [first]


def test_a_text_can_be_read_back(files: CorpusFiles) -> None:
    corpus_id = add(files)
    with files.text(corpus_id) as text:
        assert text.read() == STORED
    assert files.head(corpus_id, 7) == STORED[:7]
    assert files.counts(corpus_id) == Counter(STORED)
    assert list(files.counts(corpus_id).values()) == sorted(Counter(STORED).values(), reverse=True)


@pytest.mark.parametrize("max_vocab", [1, 5, 300])
def test_ids_are_those_of_the_vocabulary_and_cannot_be_written_to(files: CorpusFiles, max_vocab: int) -> None:
    corpus_id = add(files)
    vocabulary = Vocabulary.from_counts(files.counts(corpus_id), max_vocab)
    ids = files.ids(corpus_id, vocabulary)
    assert ids.tolist() == vocabulary.encode(STORED).tolist()
    assert ids.dtype == vocabulary.dtype
    assert isinstance(ids, np.memmap) and not ids.flags.writeable


# Each text has an id of its own, so that one folder does for all.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff\0\x1b"), min_size=2, max_size=80))
def test_what_was_stored_decodes_to_what_came(files: CorpusFiles, text: str) -> None:
    text += "ab"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "CHUNK", 5)
        corpus_id = files.add(io.BytesIO(text.encode()), name="any", encoding="utf-8")[0].id
        vocabulary = Vocabulary.from_counts(files.counts(corpus_id), 999)
        assert vocabulary.decode(files.ids(corpus_id, vocabulary)) == text


def test_a_text_is_encoded_once_for_each_vocabulary(files: CorpusFiles) -> None:
    corpus_id = add(files)
    small, large = (Vocabulary.from_counts(files.counts(corpus_id), size) for size in (3, 9))
    told: list[float] = []
    files.ids(corpus_id, small)
    files.ids(corpus_id, small, progress=told.append)
    assert told == []
    files.ids(corpus_id, large, progress=told.append)
    assert told[-1] == 1
    assert len(list((files.root / corpus_id).glob("ids-*.npy"))) == 2


def test_ids_that_were_cut_off_or_are_no_array_are_made_again(files: CorpusFiles) -> None:
    corpus_id = add(files)
    vocabulary = Vocabulary.from_counts(files.counts(corpus_id), 9)
    files.ids(corpus_id, vocabulary)
    (path,) = (files.root / corpus_id).glob("ids-*.npy")
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:20], b"", b"nothing of the kind"):
        path.write_bytes(damaged)
        assert files.ids(corpus_id, vocabulary).tolist() == vocabulary.encode(STORED).tolist()
        assert path.read_bytes() == whole


def test_progress_grows_to_one(files: CorpusFiles) -> None:
    told: list[float] = []
    files.add(io.BytesIO(TEXT.encode() * 50_000), name="trees", progress=told.append)
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] == 1


def test_what_progress_raises_cancels_and_leaves_nothing(files: CorpusFiles) -> None:
    def cancel(_: float) -> None:
        raise InterruptedError("not now")

    with pytest.raises(InterruptedError, match="not now"):
        files.add(io.BytesIO(TEXT.encode()), name="trees", progress=cancel)
    assert os.listdir(files.root) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "empty"), (b"aaa", "one character only, 'a'"), (b"hello\0world\n" * 9, "a NUL byte at offset 5")],
)
def test_a_refused_text_leaves_nothing(files: CorpusFiles, data: bytes, message: str) -> None:
    with pytest.raises(TextError, match=message):
        files.add(io.BytesIO(data), name="bad")
    assert os.listdir(files.root) == []


def test_a_text_that_does_not_fit_on_the_disk_leaves_nothing(
    files: CorpusFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("charrnn.store.corpus_files._HashingWriter._write", full)
    with pytest.raises(StudioError, match="The disk of .* is full"):
        add(files)
    assert os.listdir(files.root) == []


def test_a_missing_text_is_named(files: CorpusFiles) -> None:
    for ask in (files.text, files.counts, lambda corpus_id: files.head(corpus_id, 3)):
        with pytest.raises(NotFound, match="There is no text 0000"):
            ask(NOWHERE)


@pytest.mark.parametrize("corpus_id", ["", "../../etc/passwd", "A" * 64, "0" * 63, NOWHERE + "\n"])
def test_only_hashes_name_folders(files: CorpusFiles, corpus_id: str) -> None:
    with pytest.raises(NotFound, match="is no corpus id"):
        files.counts(corpus_id)


def test_a_deleted_text_is_gone_and_may_be_deleted_again(files: CorpusFiles) -> None:
    corpus_id = add(files)
    files.delete(corpus_id)
    files.delete(corpus_id)
    assert os.listdir(files.root) == []


@pytest.mark.parametrize("name", ["text.txt", "counts.json"])
def test_a_damaged_text_is_named_and_adding_it_again_mends_it(files: CorpusFiles, name: str) -> None:
    corpus_id = add(files)
    path = files.root / corpus_id / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(TextError, match=f"{corpus_id} is damaged.*add it again"):
        files.head(corpus_id, 3)
    assert add(files) == corpus_id
    assert files.head(corpus_id, 99) == STORED


def test_a_missing_file_is_damage_too(files: CorpusFiles) -> None:
    corpus_id = add(files)
    (files.root / corpus_id / "text.txt").unlink()
    with pytest.raises(TextError, match="text.txt has 0 bytes instead of"):
        files.text(corpus_id)


def test_a_large_text_needs_little_memory(tmp_path: Path) -> None:
    megabyte = "Ąžuolas, eglė, uosis 水\n" * 40_000
    with open(tmp_path / "large.txt", "wb") as file:
        for _ in range(60):
            file.write(megabyte.encode())
    (tmp_path / "corpora").mkdir()
    took = add_and_encode(tmp_path / "large.txt", tmp_path / "corpora")
    assert took["characters"] == 60 * len(megabyte)
    # The text alone would take 110 MB as a string, the file 68 MB as bytes.
    assert 0 < took["memory"] < 60
