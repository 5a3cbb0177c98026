"""A text file that comes in pieces over the websocket: counted on arrival, refused when it is too large.

Nothing that the browser says about the size of the file is believed, and a refused file leaves nothing in memory.
"""

from collections.abc import Callable
from typing import Any

import panel.ui as pui

UNORDERED = "The file did not arrive whole. Choose it again."


class TextUpload(pui.FileInput):
    """A button, and a place to drop a file on. The bytes go on at once and are not kept as the widget's `value`.

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
        self._begin()

    def _begin(self) -> None:
        """Forget what came of the file before."""
        self._pieces: list[bytes] = []
        self._received = self._expected = 0
        self._filename = ""
        self._is_refused = False

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        match msg["status"]:
            case "initializing":
                self._begin()
            case "upload_event":
                self._take(msg)
            case "finished":
                self._end()
                self._send_msg({"status": "finished"})
            case "error":  # the browser looked at the size, or could not read the file, and sent nothing
                is_size = "exceeds" in msg["error"]
                self._refuse(too_large(self._limit) if is_size else f"The file cannot be read: {msg['error']}.")
                self._begin()

    def _take(self, msg: dict[str, Any]) -> None:
        if self._is_refused:
            return
        piece = bytes(msg["data"])
        self._received += len(piece)
        if self._received > self._limit:
            self._refuse(too_large(self._limit))
        elif msg["chunk"] != len(self._pieces) + 1 or (self._pieces and msg["total_chunks"] != self._expected):
            self._refuse(UNORDERED)
        else:
            self._expected, self._filename = msg["total_chunks"], msg["name"]
            self._pieces.append(piece)
            self._progress(self._received, min(1.0, msg["chunk"] / msg["total_chunks"]))

    def _end(self) -> None:
        if not self._is_refused and len(self._pieces) != self._expected:
            self._refuse(UNORDERED)
        if not self._is_refused:
            # an empty file has no piece, so that its name does not come either
            self._arrived(b"".join(self._pieces), self._filename)
        self._begin()

    def _refuse(self, words: str) -> None:
        self._begin()
        self._is_refused = True
        self._refused(words)


def too_large(limit: int) -> str:
    """Say that a text has more than `limit` bytes."""
    return (
        f"This file is larger than {limit / 1e6:,.0f} MB, the most that this server takes. Split it, or "
        f"start the server with a higher --max-upload-mb."
    )
