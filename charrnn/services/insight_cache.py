"""Store what was found inside a network next to its checkpoints, as long as the checkpoint exists."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from charrnn.core.atomic_files import atomic_file
from charrnn.core.records import Checkpoint

VERSION = 1
"""Version of the analysis; results of other versions are not used."""
MAX_BYTES = 100_000
"""Maximum size of a result."""


class InsightCache:
    """Results of the analyses of all models: one file for each checkpoint, in the folder of the model's checkpoints.

    Args:
        root: Folder `checkpoints/` of the data folder.
    """

    def __init__(self, root: Path):
        self._root = root

    def load(self, checkpoint: Checkpoint, text_id: str) -> Any:
        """Return the stored result for a checkpoint and a text, or `None`."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(self._path(checkpoint).read_bytes())
            if (content["version"], content["text"]) == (VERSION, text_id):
                return content["result"]
        return None

    def save(self, checkpoint: Checkpoint, text_id: str, result: Any, check_space: Callable[[int], None]) -> None:
        """Store a result, and remove those of checkpoints that no longer exist.

        Args:
            checkpoint: The checkpoint.
            text_id: Identifies the text.
            result: JSON values.
            check_space: Called with the number of bytes; raises if they exceed the owner's disk quota.
        """
        path = self._path(checkpoint)
        for old in path.parent.glob("insight-*.json"):
            if not (path.parent / old.stem.removeprefix("insight-")).is_dir():
                old.unlink(missing_ok=True)
        data = json.dumps({"version": VERSION, "text": text_id, "result": result}, ensure_ascii=False).encode()
        if len(data) > MAX_BYTES or not (path.parent / checkpoint.folder).is_dir():
            return
        check_space(len(data))
        with atomic_file(path, private=True) as file:
            file.write(data)

    def used_bytes(self, model_id: str) -> int:
        """Return the disk space of a model's results in bytes."""
        total = 0
        for path in (self._root / model_id).glob("insight-*.json"):
            with suppress(FileNotFoundError):  # removed by another process in the meantime
                total += path.stat().st_size
        return total

    def _path(self, checkpoint: Checkpoint) -> Path:
        return self._root / checkpoint.model_id / f"insight-{checkpoint.folder}.json"
