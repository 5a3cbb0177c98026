"""Save and load checkpoints: folders to resume training from, or to generate text with.

    weights.safetensors     the network's weights
    training.safetensors    the optimizer's variables and the network's state
    text.safetensors        the ids in which the n-grams of the model were counted; only with n-grams
    checkpoint.json         format, options, vocabulary, progress, size and SHA-256 of each other file, its own SHA-256

Loading a checkpoint never executes code. A folder appears under its name only when it is complete, and it is verified
against its hashes before use.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
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
    TEXT,
    TRAINING,
    WEIGHTS,
    manifest_hash,
    read_manifest,
    unreadable_checkpoint,
    verify_file,
)
from charrnn.core.network_ngram_mixture import Mixture
from charrnn.core.ngrams import MAX_CHARACTERS, NGrams, count_ngrams
from charrnn.core.options import options
from charrnn.core.vocabulary import Ids, Vocabulary
from charrnn.model.network.network import Network
from charrnn.model.training.train_step import TrainStep, load_weights
from charrnn.model.training.weight_update import Arrays

CACHED_NGRAMS = 4
"""Number of cached n-gram models, each up to about 100 MB; checkpoints of one model have the same n-grams."""


@dataclass(frozen=True)
class LoadedCheckpoint:
    """The content of a checkpoint; `training_state` is empty if only the weights were loaded."""

    options: dict[str, Any]
    vocabulary: Vocabulary
    progress: dict[str, Any]
    weights: Arrays
    training_state: Arrays


@dataclass(frozen=True)
class Snapshot:
    """The state of a training at one step, in memory."""

    weights: Arrays
    training_state: Arrays
    options: dict[str, Any]
    progress: dict[str, Any]
    text: Ids | None = None
    """The ids in which the n-grams of the model were counted."""

    @classmethod
    def of(
        cls, train_step: TrainStep, options: Mapping[str, Any], progress: Mapping[str, Any], text: Ids | None = None
    ) -> "Snapshot":
        """Copy the state, so that the training can continue.

        Args:
            train_step: The network in training.
            options: Its options.
            progress: The progress of the training, as JSON values. With n-grams, `network_share` is the network's
                share in the mixture.
            text: The ids in which the n-grams were counted; not copied.
        """
        weights, state = (
            {name: np.array(array, order="C") for name, array in arrays.items()}
            for arrays in (train_step.weights(), train_step.training_state())
        )
        return cls(weights, state, dict(options), dict(progress), text)


def save(folder: Path, snapshot: Snapshot, vocabulary: Vocabulary) -> int:
    """Save a checkpoint atomically.

    Args:
        folder: The folder to create; it must not exist, because checkpoints never change.
        snapshot: The state to save.
        vocabulary: The text's vocabulary.

    Returns:
        The checkpoint's size in bytes.

    Raises:
        FileExistsError: The folder exists.
        StudioError: The disk is full.
    """
    contents = {WEIGHTS: _packed(snapshot.weights), TRAINING: _packed(snapshot.training_state)}
    if snapshot.text is not None:
        contents[TEXT] = _packed({"ids": np.asarray(snapshot.text)})
    manifest = {
        "format": FORMAT,
        "options": snapshot.options,
        "vocabulary": vocabulary.to_json(),
        "progress": snapshot.progress,
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


def load_mixture(folder: Path) -> Mixture | None:
    """Load the n-grams of a checkpoint: count them in its stored text, unless the same ones are cached.

    Returns:
        The n-grams and the network's share; `None` if the model has no n-grams.

    Raises:
        CheckpointError: The checkpoint is missing, damaged, or not valid.
    """
    manifest = read_manifest(folder)
    try:
        if TEXT not in manifest["files"]:
            return None
        data = (folder / TEXT).read_bytes()
        verify_file(folder / TEXT, data, manifest["files"][TEXT])
        order, share = manifest["options"]["ngram_order"], manifest["progress"]["network_share"]
        if type(order) is not int or not 1 <= order <= (options("training")["ngram_order"].maximum or 0):
            raise ValueError(f"ngram_order is {order!r}")
        if type(share) not in (int, float) or not 0 <= share <= 1:
            raise ValueError(f"network_share is {share!r}; it must be between 0 and 1")
        return Mixture(_counted(data, len(Vocabulary.from_json(manifest["vocabulary"])) + 1, order), float(share))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise unreadable_checkpoint(folder, error) from error


@lru_cache(CACHED_NGRAMS)
def _counted(data: bytes, num_classes: int, order: int) -> NGrams:
    ids = load_tensors(data)["ids"]
    if ids.ndim != 1 or ids.dtype.kind != "u" or len(ids) > MAX_CHARACTERS:
        raise ValueError(f"its text has shape {ids.shape} and type {ids.dtype}")
    return count_ngrams(ids, num_classes, order)


def _packed(arrays: Arrays) -> bytes:
    data: bytes = save_tensors(arrays)
    return data


def _unpacked(path: Path, expected: Mapping[str, Any]) -> Arrays:
    data = path.read_bytes()
    verify_file(path, data, expected)
    arrays: Arrays = load_tensors(data)
    return arrays
