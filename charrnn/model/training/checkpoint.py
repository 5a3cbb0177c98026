"""Checkpoints: a folder from which training goes on exactly, or text is written.

    weights.safetensors     the network's weights
    training.safetensors    the optimizer's variables and the network's memory
    checkpoint.json         format, options, vocabulary, progress, size and SHA-256 of each other file, its own SHA-256

No file can run code when it is read. A folder appears under its name only when it is complete, and is checked
against its hashes before anything of it is used.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from charrnn.core.atomic_files import atomic_folder
from charrnn.core.checkpoint_manifest import (
    FORMAT,
    MANIFEST,
    TRAINING,
    WEIGHTS,
    manifest_hash,
    read_manifest,
    unreadable_checkpoint,
    verify_file,
)
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.network.network import Network
from charrnn.model.training.train_step import Engine, load_weights
from charrnn.model.training.weight_update import Arrays


@dataclass(frozen=True)
class Loaded:
    """A checkpoint's content; `training_state` is empty when only the weights were asked for."""

    options: dict[str, Any]
    vocabulary: Vocabulary
    progress: dict[str, Any]
    weights: Arrays
    training_state: Arrays


def save(folder: Path, engine: Engine, vocabulary: Vocabulary, options: Mapping[str, Any], progress: Any) -> int:
    """Write a checkpoint, whole or not at all.

    Args:
        folder: Where it shall be; must not exist, since a checkpoint never changes under its readers.
        progress: What the training needs to know of itself to go on; anything that JSON can hold.

    Returns:
        Its size in bytes.

    Raises:
        FileExistsError: The folder exists.
        StudioError: The disk is full.
    """
    parts = {WEIGHTS: _packed(engine.weights()), TRAINING: _packed(engine.training_state())}
    manifest = {
        "format": FORMAT,
        "options": dict(options),
        "vocabulary": vocabulary.to_json(),
        "progress": progress,
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in parts.items()
        },
    }
    manifest["sha256"] = manifest_hash(manifest)
    parts[MANIFEST] = json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False).encode()
    with atomic_folder(folder, needed=sum(map(len, parts.values()))) as building:
        for name, data in parts.items():
            (building / name).write_bytes(data)
    return sum(map(len, parts.values()))


def load(folder: Path, *, with_training: bool) -> Loaded:
    """Read a checkpoint.

    Args:
        folder: As written by `save`.
        with_training: Read also what training needs to go on.

    Raises:
        CheckpointError: Something is missing, damaged, or of a newer format.
    """
    manifest = read_manifest(folder)
    try:
        names = [WEIGHTS, TRAINING] if with_training else [WEIGHTS]
        arrays = [_unpacked(folder / name, manifest["files"][name]) for name in names]
        vocabulary = Vocabulary.from_json(manifest["vocabulary"])
        options, progress = manifest["options"], manifest["progress"]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise unreadable_checkpoint(folder, error) from error
    return Loaded(options, vocabulary, progress, arrays[0], arrays[1] if with_training else {})


def load_network(folder: Path) -> tuple[Network, Vocabulary, dict[str, Any]]:
    """Build the network of a checkpoint for writing or scoring.

    Returns:
        The network, its vocabulary, and the options it was trained with.

    Raises:
        CheckpointError: It is missing, damaged or does not fit.
    """
    stored = load(folder, with_training=False)
    network = Network(stored.options, len(stored.vocabulary) + 1)
    load_weights(network, stored.weights)
    return network, stored.vocabulary, stored.options


def _packed(arrays: Arrays) -> bytes:
    data: bytes = save_tensors({name: np.asarray(array, order="C") for name, array in arrays.items()})
    return data


def _unpacked(path: Path, expected: Mapping[str, Any]) -> Arrays:
    data = path.read_bytes()
    verify_file(path, data, expected)
    arrays: Arrays = load_tensors(data)
    return arrays
