"""Files that are uploaded in chunks."""

from typing import Any

import pytest

from dashboard.components.file_upload import TextUpload


class Callbacks:
    """Records the callbacks of an upload."""

    def __init__(self) -> None:
        self.files: list[tuple[bytes, str]] = []
        self.rejected: list[str] = []
        self.progress: list[tuple[int, float]] = []

    def add_progress(self, received: int, fraction: float) -> None:
        self.progress.append((received, fraction))


@pytest.fixture
def callbacks() -> Callbacks:
    return Callbacks()


@pytest.fixture
def upload(callbacks: Callbacks) -> TextUpload:
    return TextUpload(
        10, lambda data, name: callbacks.files.append((data, name)), callbacks.rejected.append, callbacks.add_progress
    )


def chunk(data: bytes, number: int, total: int) -> dict[str, Any]:
    return {"status": "upload_event", "name": "ducks.txt", "chunk": number, "total_chunks": total,
            "mime_type": "text/plain", "data": data}  # fmt: skip


def test_a_file_is_assembled_from_its_chunks(upload: TextUpload, callbacks: Callbacks) -> None:
    for number, data in enumerate((b"three ", b"duck"), 1):
        upload._handle_msg(chunk(data, number, 2))
    upload._handle_msg({"status": "finished"})
    assert callbacks.files == [(b"three duck", "ducks.txt")]
    assert callbacks.progress == [(6, 0.5), (10, 1.0)]
    assert upload.value is None


def test_a_file_beyond_the_limit_is_rejected_whatever_size_the_browser_claims(
    upload: TextUpload, callbacks: Callbacks
) -> None:
    for number, data in enumerate((b"three ", b"ducks", b"more"), 1):
        upload._handle_msg(chunk(data, number, 3))
    assert upload._chunks == []
    upload._handle_msg({"status": "finished"})
    assert (callbacks.files, len(callbacks.rejected)) == ([], 1)
    assert "larger than 0 MB" in callbacks.rejected[0]


def test_a_file_that_the_browser_rejects_gets_the_same_message(upload: TextUpload, callbacks: Callbacks) -> None:
    upload._handle_msg({"status": "error", "error": 'File "ducks.txt" (11 B) exceeds maximum file size of 10 B'})
    assert "larger than 0 MB" in callbacks.rejected[0]
    upload._handle_msg({"status": "error", "error": "the disk is gone"})
    assert callbacks.rejected[1] == "The file cannot be read: the disk is gone."


def test_an_empty_file_without_chunks_is_received(upload: TextUpload, callbacks: Callbacks) -> None:
    upload._handle_msg({"status": "initializing"})
    upload._handle_msg({"status": "finished"})
    assert callbacks.files == [(b"", "")]


def test_a_rejected_file_is_not_buffered(upload: TextUpload, callbacks: Callbacks) -> None:
    for number in range(1, 1000):
        upload._handle_msg(chunk(b"duck" * 100_000, number, 1000))
        assert sum(map(len, upload._chunks)) <= 10
    assert len(callbacks.rejected) == 1


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1), (1, 3)], ids=["swapped", "twice", "one missing"])
def test_a_file_whose_chunks_are_out_of_order_is_rejected(
    upload: TextUpload, callbacks: Callbacks, numbers: tuple[int, ...]
) -> None:
    for number in numbers:
        upload._handle_msg(chunk(b"duck", number, 2))
    upload._handle_msg({"status": "finished"})
    assert (callbacks.files, callbacks.rejected) == ([], ["The upload is incomplete. Choose the file again."])


def test_a_file_with_a_missing_chunk_is_rejected_at_its_end(upload: TextUpload, callbacks: Callbacks) -> None:
    upload._handle_msg(chunk(b"duck", 1, 2))
    upload._handle_msg({"status": "finished"})
    assert (callbacks.files, callbacks.rejected) == ([], ["The upload is incomplete. Choose the file again."])


def test_a_rejected_file_does_not_affect_the_next_one(upload: TextUpload, callbacks: Callbacks) -> None:
    for data in (b"eleven duck", b"one"):
        upload._handle_msg(chunk(data, 1, 1))
        upload._handle_msg({"status": "finished"})
    assert callbacks.files == [(b"one", "ducks.txt")]
