"""A file that comes in pieces: counted on arrival, refused when there are too many bytes, whatever the browser says."""

from collections.abc import Callable
from typing import Any

import panel.ui as pui


class TextUpload(pui.FileInput):
    """A button, and a place to drop a file on.

    Args:
        limit: Largest file, in bytes.
        arrived: Called with the file's bytes and name.
        refused: Called with the words for a file that is too large or did not arrive.
        progress: Called with the bytes that are here and the part of the file that they are, `0 … 1`, after each piece.
    """

    def __init__(
        self,
        limit: int,
        arrived: Callable[[bytes, str], None],
        refused: Callable[[str], None],
        progress: Callable[[int, float], None],
        **params: Any,
    ):
        super().__init__(max_file_size=limit, chunk_size=min(limit, 1 << 20), **params)
        self._limit, self._arrived, self._refused, self._progress = limit, arrived, refused, progress
        self._received = 0

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        if msg["status"] == "error":
            # the browser looked at the size, or could not read the file, and sent nothing
            self._received = 0
            self._file_buffer.clear()
            self._refused(
                too_large(self._limit) if "exceeds" in msg["error"] else f"The file cannot be read: {msg['error']}."
            )
            return
        super()._handle_msg(msg)

    def _process_chunk(self, msg: dict[str, Any]) -> None:
        self._received += len(bytes(msg["data"]))
        if self._received > self._limit:
            self._file_buffer.clear()
            return
        self._progress(self._received, min(1.0, msg["chunk"] / msg["total_chunks"]))
        super()._process_chunk(msg)

    def _flush_buffer(self) -> None:
        received, self._received = self._received, 0
        if received > self._limit:
            self._buffer.clear()
            self._refused(too_large(self._limit))
            return
        super()._flush_buffer()

    def _update_file(self, filename: str, mime_type: str, value: bytes | None) -> None:
        # The bytes go on at once and are not kept by the widget as well.
        # An empty file has no piece, so that neither its name nor a value comes.
        self._arrived(value or b"", filename or "")


def too_large(limit: int) -> str:
    """Say that a text has more than `limit` bytes."""
    return (
        f"This file is larger than {limit / 1e6:,.0f} MB, the most that this server takes. Split it, or "
        f"start the server with a higher --max-upload-mb."
    )
