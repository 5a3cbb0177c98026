"""Save and load checkpoints: folders to resume training from, or to generate text with.

    weights.safetensors     the network's weights
    training.safetensors    the optimizer's variables and the network's state
    checkpoint.json         format, options, vocabulary, progress, size and SHA-256 of each other file, its own SHA-256

Loading a checkpoint never executes code. A folder appears under its name only when it is complete, and it is verified
against its hashes before use.
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
from charrnn.model.training.train_step import TrainStep, load_weights
from charrnn.model.training.weight_update import Arrays


@dataclass(frozen=True)
class LoadedCheckpoint:
    """The content of a checkpoint; `training_state` is empty if only the weights were loaded."""

    options: dict[str, Any]
    vocabulary: Vocabulary
    progress: dict[str, Any]
    weights: Arrays
    training_state: Arrays


def save(folder: Path, train_step: TrainStep, vocabulary: Vocabulary, options: Mapping[str, Any], progress: Any) -> int:
    """Save a checkpoint atomically.

    Args:
        folder: The folder to create; it must not exist, because checkpoints never change.
        progress: The progress of the training, as JSON values.

    Returns:
        The checkpoint's size in bytes.

    Raises:
        FileExistsError: The folder exists.
        StudioError: The disk is full.
    """
    contents = {WEIGHTS: _packed(train_step.weights()), TRAINING: _packed(train_step.training_state())}
    manifest = {
        "format": FORMAT,
        "options": dict(options),
        "vocabulary": vocabulary.to_json(),
        "progress": progress,
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in contents.items()
        },
    }
    manifest["sha256"] = manifest_hash(manifest)
    contents[MANIFEST] = json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False).encode()
    with atomic_folder(folder, needed=sum(map(len, contents.values()))) as building:
        for name, data in contents.items():
            (building / name).write_bytes(data)
    return sum(map(len, contents.values()))


def load(folder: Path, *, with_training: bool) -> LoadedCheckpoint:
    """Load a checkpoint.

    Args:
        folder: A folder created by `save`.
        with_training: Also load the state that is needed to resume training.

    Raises:
        CheckpointError: A file is missing or damaged, or the format is newer than this version.
    """
    manifest = read_manifest(folder)
    try:
        names = [WEIGHTS, TRAINING] if with_training else [WEIGHTS]
        arrays = [_unpacked(folder / name, manifest["files"][name]) for name in names]
        vocabulary = Vocabulary.from_json(manifest["vocabulary"])
        options, progress = manifest["options"], manifest["progress"]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise unreadable_checkpoint(folder, error) from error
    return LoadedCheckpoint(options, vocabulary, progress, arrays[0], arrays[1] if with_training else {})


def load_network(folder: Path) -> tuple[Network, Vocabulary, dict[str, Any]]:
    """Build the network of a checkpoint, for generation or evaluation.

    Returns:
        The network, its vocabulary, and the options it was trained with.

    Raises:
        CheckpointError: The checkpoint is missing, damaged, or does not match.
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
