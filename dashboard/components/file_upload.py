"""Receive a text file in chunks over the websocket, and reject files that are too large.

The limit applies to the bytes received, not to the size that the browser reports. A rejected file is discarded at once.
"""

from collections.abc import Callable
from typing import Any

import panel.ui as pui

INCOMPLETE = "The upload is incomplete. Choose the file again."


class TextUpload(pui.FileInput):
    """A button and drop zone for a file, whose bytes are not kept in `value`.

    Args:
        limit: Maximum file size in bytes.
        on_upload: Called with the bytes and the name of a file.
        on_reject: Called with an error message if a file is too large or incomplete.
        on_progress: Called after each chunk with the number of bytes received, and their fraction of the file.
        params: Parameters of the widget.
    """

    def __init__(
        self,
        limit: int,
        on_upload: Callable[[bytes, str], None],
        on_reject: Callable[[str], None],
        on_progress: Callable[[int, float], None],
        **params: Any,
    ):
        super().__init__(max_file_size=limit, chunk_size=min(limit, 1 << 20), **params)
        self._limit, self._on_upload, self._on_reject, self._on_progress = limit, on_upload, on_reject, on_progress
        self._reset()

    def _reset(self) -> None:
        """Discard the previous file."""
        self._chunks: list[bytes] = []
        self._num_bytes = self._num_expected = 0
        self._filename = ""
        self._is_rejected = False

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        match msg["status"]:
            case "initializing":
                self._reset()
            case "upload_event":
                self._receive(msg)
            case "finished":
                self._end()
                self._send_msg({"status": "finished"})
            case "error":  # the browser did not send the file
                is_too_large = "exceeds" in msg["error"]
                self._reject(too_large(self._limit) if is_too_large else f"The file cannot be read: {msg['error']}.")
                self._reset()

    def _receive(self, msg: dict[str, Any]) -> None:
        if self._is_rejected:
            return
        chunk = bytes(msg["data"])
        self._num_bytes += len(chunk)
        if self._num_bytes > self._limit:
            self._reject(too_large(self._limit))
        elif msg["chunk"] != len(self._chunks) + 1 or (self._chunks and msg["total_chunks"] != self._num_expected):
            self._reject(INCOMPLETE)
        else:
            self._num_expected, self._filename = msg["total_chunks"], msg["name"]
            self._chunks.append(chunk)
            self._on_progress(self._num_bytes, min(1.0, msg["chunk"] / msg["total_chunks"]))

    def _end(self) -> None:
        if not self._is_rejected and len(self._chunks) != self._num_expected:
            self._reject(INCOMPLETE)
        if not self._is_rejected:
            # An empty file has no chunks, and therefore no name.
            self._on_upload(b"".join(self._chunks), self._filename)
        self._reset()

    def _reject(self, message: str) -> None:
        self._reset()
        self._is_rejected = True
        self._on_reject(message)


def too_large(limit: int) -> str:
    """Return the error message for a text of more than `limit` bytes."""
    return (
        f"The text is larger than {limit / 1e6:,.0f} MB, the limit of this server. Choose a smaller text or split it."
    )
