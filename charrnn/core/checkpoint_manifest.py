"""Read a checkpoint's manifest and verify the checkpoint folder against it, without TensorFlow.

The manifest lists the format, options, vocabulary and progress, and the size and SHA-256 of every other file. It
contains the SHA-256 of its own content.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charrnn.core.errors import CheckpointError

FORMAT = 1
MANIFEST, WEIGHTS, TRAINING = "checkpoint.json", "weights.safetensors", "training.safetensors"
TEXT = "text.safetensors"
"""Text that the n-grams are counted from; present only if the option `ngram_order` is not 0."""


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest's content, independent of key order and whitespace."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a manifest and verify its own hash.

    Raises:
        CheckpointError: The manifest is missing or damaged, or its format is newer than this version supports.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        if manifest["format"] > FORMAT:
            raise CheckpointError(
                f"The checkpoint {folder.name} has format {manifest['format']}, but this version reads formats up to "
                f"{FORMAT}. Update the program."
            )
        if manifest.pop("sha256") != manifest_hash(manifest):
            raise ValueError(f"{MANIFEST} is damaged")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable_checkpoint(folder, error) from error
    return manifest


def verify(folder: Path) -> dict[str, Any]:
    """Verify every file of a checkpoint against its manifest and return the manifest.

    Raises:
        CheckpointError: A file is missing or damaged, or the format is newer than this version supports.
    """
    manifest = read_manifest(folder)
    try:
        names = (WEIGHTS, TRAINING, TEXT) if TEXT in manifest["files"] else (WEIGHTS, TRAINING)
        for name in names:  # never names from the manifest, because an imported one could contain any path
            verify_file(folder / name, (folder / name).read_bytes(), manifest["files"][name])
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise unreadable_checkpoint(folder, error) from error
    return manifest


def verify_file(path: Path, data: bytes, expected: Mapping[str, Any]) -> None:
    """Compare a file's content with its entry in the manifest.

    Raises:
        CheckpointError: They differ.
    """
    if len(data) != expected["bytes"] or hashlib.sha256(data).hexdigest() != expected["sha256"]:
        raise CheckpointError(
            f"{path.parent.name}/{path.name} is damaged: its {len(data):,} bytes are not the content that was saved "
            f"({expected['bytes']:,} bytes). Use another checkpoint of this model, or train the model again."
        )


def unreadable_checkpoint(folder: Path, error: Exception) -> CheckpointError:
    """Return the error to raise when a checkpoint cannot be read."""
    return CheckpointError(
        f"The checkpoint {folder.name} cannot be read ({type(error).__name__}: {error}). Use another checkpoint "
        f"of this model, or train the model again."
    )
