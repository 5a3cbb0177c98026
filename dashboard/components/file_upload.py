"""Receive a text file in chunks over the websocket; its bytes are counted, and a file that is too large is rejected.

What the browser says about the size of the file does not count, and no part of a rejected file stays in memory.
"""

from collections.abc import Callable
from typing import Any

import panel.ui as pui

INCOMPLETE = "The upload is incomplete. Choose the file again."


class TextUpload(pui.FileInput):
    """A button and drop zone for a file. The bytes are not kept as the widget's `value`.

    Args:
        limit: Largest file, in bytes.
        uploaded: Called with the file's bytes and name.
        rejected: Called with the message for a file that is too large or incomplete.
        progress: Called after each chunk with the number of received bytes and their share of the file, `0 … 1`.
        params: Parameters of the widget.
    """

    def __init__(
        self,
        limit: int,
        uploaded: Callable[[bytes, str], None],
        rejected: Callable[[str], None],
        progress: Callable[[int, float], None],
        **params: Any,
    ):
        super().__init__(max_file_size=limit, chunk_size=min(limit, 1 << 20), **params)
        self._limit, self._uploaded, self._rejected, self._progress = limit, uploaded, rejected, progress
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
            case "error":  # the browser rejected the file itself, and sent nothing
                is_size = "exceeds" in msg["error"]
                self._reject(too_large(self._limit) if is_size else f"The file cannot be read: {msg['error']}.")
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
            self._progress(self._num_bytes, min(1.0, msg["chunk"] / msg["total_chunks"]))

    def _end(self) -> None:
        if not self._is_rejected and len(self._chunks) != self._num_expected:
            self._reject(INCOMPLETE)
        if not self._is_rejected:
            # an empty file has no chunk, and therefore no name
            self._uploaded(b"".join(self._chunks), self._filename)
        self._reset()

    def _reject(self, message: str) -> None:
        self._reset()
        self._is_rejected = True
        self._rejected(message)


def too_large(limit: int) -> str:
    """Return the message for a text of more than `limit` bytes."""
    return (
        f"The text is larger than {limit / 1e6:,.0f} MB, the limit of this server. Choose a smaller text or split it."
    )
