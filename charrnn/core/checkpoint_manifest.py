"""Read the manifest of a checkpoint folder and verify the folder against it, without TensorFlow.

The manifest lists format, options, vocabulary, progress, and size and SHA-256 of every other file; it carries the
SHA-256 of its own content.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charrnn.core.errors import CheckpointError

FORMAT = 1
MANIFEST, WEIGHTS, TRAINING = "checkpoint.json", "weights.safetensors", "training.safetensors"


def seal(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest's content, independent of its layout."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a manifest and check it against its own hash.

    Raises:
        CheckpointError: It is missing, damaged, or of a newer format.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        if manifest["format"] > FORMAT:
            raise CheckpointError(
                f"The checkpoint {folder.name} has format {manifest['format']}; this version of the program knows "
                f"up to {FORMAT}. Update the program."
            )
        if manifest.pop("sha256") != seal(manifest):
            raise ValueError(f"{MANIFEST} is damaged")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(folder, error) from error
    return manifest


def verify(folder: Path) -> dict[str, Any]:
    """Check every file of a checkpoint against the manifest; return the manifest.

    Raises:
        CheckpointError: Something is missing, damaged, or of a newer format.
    """
    manifest = read_manifest(folder)
    try:
        for name in (WEIGHTS, TRAINING):  # never the manifest's own names: an imported one may name any place
            check_file(folder / name, (folder / name).read_bytes(), manifest["files"][name])
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(folder, error) from error
    return manifest


def check_file(path: Path, data: bytes, expected: Mapping[str, Any]) -> None:
    """Compare a file's content with its entry in the manifest.

    Raises:
        CheckpointError: They differ.
    """
    if len(data) != expected["bytes"] or hashlib.sha256(data).hexdigest() != expected["sha256"]:
        raise CheckpointError(
            f"{path.parent.name}/{path.name} is damaged: it has {len(data):,} bytes and not the content that was "
            f"written ({expected['bytes']:,} bytes). Use another checkpoint of this model, or train it again."
        )


def unreadable(folder: Path, error: Exception) -> CheckpointError:
    """Return the error for a checkpoint that cannot be read."""
    return CheckpointError(
        f"The checkpoint {folder.name} cannot be read ({type(error).__name__}: {error}). Use another checkpoint "
        f"of this model, or train it again."
    )
