"""Read exported models from untrusted ZIP files.

Only the files of an export are accepted, and their names are never used as paths. Declared sizes are checked first, and
actual sizes while unpacking. JSON files are validated against schemas, and weights are counted before a network
is built.
"""

import csv
import json
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.core.checkpoint_manifest import FORMAT, MANIFEST, TEXT, TRAINING, WEIGHTS
from charrnn.core.errors import BundleError, CheckpointError, NotFound, OptionError
from charrnn.core.json_schema_validator import validator
from charrnn.core.network_cost import num_parameters
from charrnn.core.ngrams import MAX_CHARACTERS
from charrnn.core.options import Value, checked
from charrnn.core.records import Checkpoint, Model, ModelState, Sample
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.bundle_history_reader import (
    DESCRIPTION,
    LOG,
    MAX_STEP,
    MAX_TEXT_BYTES,
    METRICS,
    SAMPLES,
    PackedMetrics,
    check_count,
    count_items,
    read_log,
    read_metrics,
)
from charrnn.store.row_conversion import new_id
from charrnn.store.run_history import HistoryBatch

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

CHECKPOINT_FILES = {f"checkpoint/{name}": name for name in (MANIFEST, WEIGHTS, TRAINING)}
NGRAM_TEXT = f"checkpoint/{TEXT}"
"""Present only if n-grams are mixed with the network."""
MAX_BYTES = 4_000_000_000
MAX_HEADER_BYTES = 4_000_000
"""Maximum size in bytes of a bundle and of each file in it, and of the header of a safetensors file."""
LARGEST_CHECKPOINT = MAX_BYTES - 100_000_000
"""Maximum size in bytes of an exported checkpoint; the text files fit into the rest."""

_COUNT = {"type": "integer", "minimum": 0, "maximum": MAX_STEP}
_LOSS = {"type": ["number", "null"]}
_SCHEMAS: dict[str, dict[str, Any]] = {
    DESCRIPTION: {
        "type": "object",
        "required": ["name", "step", "train_params", "checkpoint"],
        "properties": {
            "name": {"type": "string"},
            "notes": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "step": _COUNT,
            "best_loss": _LOSS,
            "cpu": {"type": ["string", "null"], "maxLength": 200},
            "train_params": {"type": "object"},
            "checkpoint": {
                "type": "object",
                "required": ["kind", "step"],
                "properties": {"kind": {"enum": ["best", "last"]}, "step": _COUNT, "loss": _LOSS},
            },
        },
    },
    SAMPLES: {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["step", "text", "options"],
            "properties": {"step": _COUNT, "text": {"type": "string"}, "options": {"type": "object"}},
        },
    },
    MANIFEST: {
        "type": "object",
        "required": ["format", "options", "vocabulary", "files"],
        "properties": {"format": {"const": FORMAT}, "options": {"type": "object"}, "vocabulary": {"type": "array"}},
    },
}


def describe_model(model: Model, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the contents of `model.json`: the description of a model and its exported checkpoint."""
    return {
        "format": FORMAT,
        "name": model.name,
        "notes": model.notes,
        "tags": list(model.tags),
        "state": model.state,
        "step": model.step,
        "best_loss": model.best_loss,
        "cpu": model.cpu,
        "train_params": dict(model.train_params),
        "checkpoint": {"kind": checkpoint.kind, "step": checkpoint.step, "loss": checkpoint.loss},
    }


@dataclass(frozen=True)
class Bundle:
    """The contents of an exported model, validated as far as possible without a network."""

    description: Mapping[str, Any]
    options: Mapping[str, Any]
    """Training options of the checkpoint."""
    num_classes: int
    lines: list[str]
    metrics: PackedMetrics
    samples: list[Mapping[str, Any]]
    checkpoint: Mapping[str, bytes]
    """Files of the checkpoint by name."""

    @property
    def name(self) -> str:
        """Name of the model when it was exported."""
        return str(self.description["name"])

    @property
    def folder(self) -> str:
        """Name of the checkpoint's folder."""
        return f"{self.description['checkpoint']['kind']}-{self.description['checkpoint']['step']}-0"

    @property
    def checkpoint_bytes(self) -> int:
        """Size of the checkpoint in bytes."""
        return sum(map(len, self.checkpoint.values()))

    def check(self, folder: Path) -> None:
        """Check an unpacked checkpoint: its hashes, the number of weights, and whether they fit the network.

        Raises:
            BundleError: The checkpoint is damaged or does not fit its options.
        """
        from charrnn.model import training

        try:
            weights = training.checkpoint.load(folder, with_training=True).weights
            size, expected = sum(w.size for w in weights.values()), num_parameters(self.options, self.num_classes)
            if size != expected:  # check this first, because the network could have any size
                raise CheckpointError(f"It has {size:,} weights, but its options require {expected:,}.")
            training.checkpoint.load_network(folder)
            training.checkpoint.load_mixture(folder)
        except CheckpointError as error:
            raise BundleError(f"The model in this file cannot be used. {error}") from error

    def model(self, model_id: str, name: str, owner: str) -> Model:
        """Return the record of the imported model."""
        description, now = self.description, datetime.now(UTC).replace(tzinfo=None)
        return Model(
            model_id, name, ModelState.STOPPED, now, now, train_params=dict(self.options), owner=owner,
            notes=description.get("notes", ""), tags=tuple(description.get("tags", ())),
            step=description["checkpoint"]["step"], best_loss=description.get("best_loss"), cpu=description.get("cpu"),
        )  # fmt: skip

    def history(self, model_id: str) -> HistoryBatch:
        """Return the log, metrics, samples and checkpoint of the imported model."""
        stored, now = self.description["checkpoint"], datetime.now(UTC).replace(tzinfo=None)
        checkpoint = Checkpoint(
            new_id(),
            model_id,
            stored["step"],
            stored["kind"],
            stored.get("loss"),
            self.folder,
            self.checkpoint_bytes,
            now,
        )
        samples = [
            Sample(new_id(), model_id, sample["step"], sample["text"], sample["options"], now)
            for sample in self.samples
        ]
        lines = [(line, "info") for line in self.lines]
        return HistoryBatch(
            first_position=1, lines=lines, metrics=self.metrics, samples=samples, checkpoints=[checkpoint]
        )


def read_bundle(path: Path, *, check_weights: Callable[[int], None] = lambda number: None) -> Bundle:
    """Read a file written by `Models.export`.

    Args:
        path: The file.
        check_weights: Called with the number of weights before they are unpacked; may raise.

    Raises:
        BundleError: The file is not an exported model, is damaged or unsafe, or was written by a newer version.
        NotFound: There is no such file.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BundleError(f"{path.name!r} has {path.stat().st_size:,} bytes; the maximum is {MAX_BYTES:,}.")
        with zipfile.ZipFile(path) as bundle:
            entries = _entries(bundle)
            texts = {name: _unpacked(bundle, entries[name], size) for name, size in MAX_TEXT_BYTES.items()}
            options, num_classes = _network(texts)
            weights = num_parameters(options, num_classes)
            check_weights(weights)
            max_bytes = _max_array_bytes(options, weights)
            if NGRAM_TEXT in entries and NGRAM_TEXT not in max_bytes:
                raise BundleError(
                    f"{path.name!r} contains {NGRAM_TEXT!r}, but its options use no n-grams (ngram_order)."
                )
            arrays = {
                name: _unpacked(bundle, entries[name], size) for name, size in max_bytes.items() if name in entries
            }
            return _parsed(texts | arrays, options, num_classes)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}. Check the name; relative paths start at {Path.cwd()}.") from None
    except OptionError as error:
        raise BundleError(f"{path.name!r} cannot be imported: {error}") from error
    except (zipfile.BadZipFile, zlib.error, csv.Error, OSError, EOFError, ValueError, RuntimeError) as error:
        # RuntimeError: JSON nested too deeply, encryption, unknown compression
        raise BundleError(
            f"{path.name!r} is not an exported model, or is damaged ({error}). Export a model with: charrnn export NAME"
        ) from error


def _entries(bundle: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries of the ZIP file; reject entries that exports do not contain."""
    required = {*CHECKPOINT_FILES, *MAX_TEXT_BYTES}
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in bundle.infolist():
        if entry.filename not in {*required, NGRAM_TEXT} or entry.filename in entries:
            raise BundleError(f"The file contains {entry.filename[:80]!r}, which no exported model contains.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BundleError(f"{entry.filename!r} in the file is a link. Export the model again.")
        entries[entry.filename] = entry
    if missing := sorted(required - entries.keys()):
        raise BundleError(f"The file lacks {', '.join(missing)}. Export the model again.")
    return entries


def _unpacked(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """Unpack one file in memory."""
    if entry.file_size > max_bytes:
        raise BundleError(
            f"{entry.filename!r} in the file has {entry.file_size:,} unpacked bytes; the maximum is {max_bytes:,}."
        )
    with bundle.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise BundleError(f"{entry.filename!r} in the file has the wrong size. Export the model again.")
    return data


def _network(texts: Mapping[str, bytes]) -> tuple[dict[str, Value], int]:
    """Return the training options of the checkpoint and its number of classes."""
    manifest = _json(MANIFEST, texts[f"checkpoint/{MANIFEST}"])
    stored = manifest["options"]
    options = checked("training", stored)
    if wrong := [name for name in stored if (type(stored[name]), stored[name]) != (type(options[name]), options[name])]:
        raise ValueError(f"the option {wrong[0]} is {stored[wrong[0]]!r}")
    return options, len(Vocabulary.from_json(manifest["vocabulary"])) + 1


def _max_array_bytes(options: Mapping[str, Any], weights: int) -> dict[str, int]:
    """Return the maximum size of each safetensors file; an optimizer stores up to four numbers per weight."""
    state = 8 * options["num_seqs"] * options["lstm_size"] * options["num_layers"]
    numbers = {WEIGHTS: weights, TRAINING: 6 * weights + state}
    if options["ngram_order"]:
        numbers[TEXT] = MAX_CHARACTERS
    return {f"checkpoint/{name}": min(MAX_BYTES, 4 * number + MAX_HEADER_BYTES) for name, number in numbers.items()}


def _parsed(parts: Mapping[str, bytes], options: Mapping[str, Any], num_classes: int) -> Bundle:
    return Bundle(
        _json(DESCRIPTION, parts[DESCRIPTION]),
        options,
        num_classes,
        read_log(parts[LOG]),
        read_metrics(parts[METRICS]),
        _json(SAMPLES, parts[SAMPLES]),
        {path.removeprefix("checkpoint/"): parts[path] for path in (*CHECKPOINT_FILES, NGRAM_TEXT) if path in parts},
    )


def _json(name: str, data: bytes) -> Any:
    check_count(name, "items", count_items(data))
    document = json.loads(data, parse_constant=_reject_constant)
    if isinstance(document, list):
        check_count(name, "samples", len(document))
    version = document.get("format", FORMAT) if isinstance(document, dict) else FORMAT
    if isinstance(version, int) and version > FORMAT:
        raise BundleError(f"The file has format {version}; this version reads up to {FORMAT}. Update the program.")
    for error in _validator(name).iter_errors(document):
        raise ValueError(f"{name}, {error.json_path}: {error.message[:200]}")
    return document


@cache
def _validator(name: str) -> "Draft202012Validator":
    return validator(_SCHEMAS[name])


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not a valid JSON number")
