"""Checkpoints: a folder from which training goes on exactly, or text is written.

    weights.safetensors     the network's weights
    training.safetensors    the optimizer's variables and the network's memory
    text.safetensors        the ids in which the n-grams beside the network were counted, where it has some
    checkpoint.json         format, options, vocabulary, progress, size and SHA-256 of each other file, its own SHA-256

No file can run code when it is read. A folder appears under its name only when it is complete, and is checked
against its hashes before anything of it is used.
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
    check_file,
    read_manifest,
    seal,
    unreadable,
)
from charrnn.core.ngram_mixture import Mixture
from charrnn.core.ngrams import LONGEST, NGrams, count_ngrams
from charrnn.core.options import options
from charrnn.core.vocabulary import Ids, Vocabulary
from charrnn.model.network.network import Network
from charrnn.model.training.train_step import Engine, load_weights
from charrnn.model.training.weight_update import Arrays

COUNTED = 4
"""N-gram models that are kept, each up to some 100 MB: the newer checkpoints of a model have the same one."""


@dataclass(frozen=True)
class Loaded:
    """A checkpoint's content; `training_state` is empty when only the weights were asked for."""

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
    """The ids in which the n-grams beside the network were counted."""

    @classmethod
    def of(
        cls, engine: Engine, options: Mapping[str, Any], progress: Mapping[str, Any], text: Ids | None = None
    ) -> "Snapshot":
        """Copy the state, so that the training can continue.

        Args:
            engine: The network in training.
            options: Its options.
            progress: What the training needs to resume; JSON values. If there are n-grams beside the network,
                `network_share` is the share of the network.
            text: The ids in which these n-grams were counted; not copied.
        """
        weights, state = (
            {name: np.array(array, order="C") for name, array in arrays.items()}
            for arrays in (engine.weights(), engine.training_state())
        )
        return cls(weights, state, dict(options), dict(progress), text)


def save(folder: Path, snapshot: Snapshot, vocabulary: Vocabulary) -> int:
    """Write a checkpoint, whole or not at all.

    Args:
        folder: Where it shall be; must not exist, since a checkpoint never changes under its readers.
        snapshot: The state to write.
        vocabulary: The text's vocabulary.

    Returns:
        Its size in bytes.

    Raises:
        FileExistsError: The folder exists.
        StudioError: The disk is full.
    """
    parts = {WEIGHTS: _packed(snapshot.weights), TRAINING: _packed(snapshot.training_state)}
    if snapshot.text is not None:
        parts[TEXT] = _packed({"ids": np.asarray(snapshot.text)})
    manifest = {
        "format": FORMAT,
        "options": snapshot.options,
        "vocabulary": vocabulary.to_json(),
        "progress": snapshot.progress,
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in parts.items()
        },
    }
    manifest["sha256"] = seal(manifest)
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
        raise unreadable(folder, error) from error
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


def load_mixture(folder: Path) -> Mixture | None:
    """Count the n-grams beside a checkpoint's network, or take those that were counted for another one of the model.

    Returns:
        The n-grams and the network's share; `None` where the network writes alone.

    Raises:
        CheckpointError: Something is missing, damaged or does not fit.
    """
    manifest = read_manifest(folder)
    try:
        if TEXT not in manifest["files"]:
            return None
        data = (folder / TEXT).read_bytes()
        check_file(folder / TEXT, data, manifest["files"][TEXT])
        order, share = manifest["options"]["ngram_order"], manifest["progress"]["network_share"]
        if type(order) is not int or not 1 <= order <= (options("training")["ngram_order"].maximum or 0):
            raise ValueError(f"ngram_order is {order!r}")
        if type(share) not in (int, float) or not 0 <= share <= 1:
            raise ValueError(f"network_share is {share!r}; it must be from 0 to 1")
        return Mixture(_counted(data, len(Vocabulary.from_json(manifest["vocabulary"])) + 1, order), float(share))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise unreadable(folder, error) from error


@lru_cache(COUNTED)
def _counted(data: bytes, num_classes: int, order: int) -> NGrams:
    ids = load_tensors(data)["ids"]
    if ids.ndim != 1 or ids.dtype.kind != "u" or len(ids) > LONGEST:
        raise ValueError(f"its text has shape {ids.shape} and type {ids.dtype}")
    return count_ngrams(ids, num_classes, order)


def _packed(arrays: Arrays) -> bytes:
    data: bytes = save_tensors(arrays)
    return data


def _unpacked(path: Path, expected: Mapping[str, Any]) -> Arrays:
    data = path.read_bytes()
    check_file(path, data, expected)
    arrays: Arrays = load_tensors(data)
    return arrays
