"""Models as files that come from anywhere: read with suspicion, and only what an export writes.

Names are compared with those of an export and never used as paths; sizes are checked as declared, and again as they
come; what is JSON has a schema; weights are counted before a network is built for them.
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

from charrnn.core.checkpoint_manifest import FORMAT, MANIFEST, TRAINING, WEIGHTS
from charrnn.core.errors import BundleError, CheckpointError, NotFound, OptionError
from charrnn.core.json_schema import validator
from charrnn.core.network_cost import num_parameters
from charrnn.core.options import Value, checked
from charrnn.core.records import Checkpoint, Model, ModelState, Sample
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.bundle_history import (
    ABOUT,
    HIGHEST,
    LARGEST_TEXTS,
    LOG,
    METRICS,
    SAMPLES,
    Values,
    check_count,
    count_items,
    read_log,
    read_metrics,
)
from charrnn.store.model_rows import new_id
from charrnn.store.run_history import Batch

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

CHECKPOINT = {f"checkpoint/{name}": name for name in (MANIFEST, WEIGHTS, TRAINING)}
LARGEST = 4_000_000_000
HEADERS = 4_000_000
"""Bytes of a bundle, of any part of it, and of the names and shapes in a file of arrays."""
LARGEST_CHECKPOINT = LARGEST - 100_000_000
"""Bytes of a checkpoint that is exported; the texts beside it are smaller than what is left."""

_COUNT = {"type": "integer", "minimum": 0, "maximum": HIGHEST}
_LOSS = {"type": ["number", "null"]}
_SCHEMAS: dict[str, dict[str, Any]] = {
    ABOUT: {
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


def model_json(model: Model, checkpoint: Checkpoint) -> dict[str, Any]:
    """Describe a model and the checkpoint that is exported, as JSON values."""
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
    """What an export holds, checked as far as it can be without a network."""

    about: Mapping[str, Any]
    options: Mapping[str, Any]
    """Training options that the checkpoint was made with."""
    num_classes: int
    lines: list[str]
    metrics: Values
    samples: list[Mapping[str, Any]]
    checkpoint: Mapping[str, bytes]
    """Its files by name."""

    @property
    def name(self) -> str:
        """What the model was called."""
        return str(self.about["name"])

    @property
    def folder(self) -> str:
        """Name for the checkpoint's folder."""
        return f"{self.about['checkpoint']['kind']}-{self.about['checkpoint']['step']}-0"

    @property
    def checkpoint_bytes(self) -> int:
        """Size of the checkpoint."""
        return sum(map(len, self.checkpoint.values()))

    def check(self, folder: Path) -> None:
        """Check the checkpoint, unpacked: hashes, number of weights, and that they fit their network.

        Raises:
            BundleError: It is damaged or does not fit.
        """
        from charrnn.model.training import checkpoint

        try:
            weights = checkpoint.load(folder, with_training=True).weights
            found, needed = sum(w.size for w in weights.values()), num_parameters(self.options, self.num_classes)
            if found != needed:  # before a network is built, which could be of any size
                raise CheckpointError(f"It has {found:,} weights, but its options ask for {needed:,}.")
            checkpoint.load_network(folder)
        except CheckpointError as error:
            raise BundleError(f"The model in this file cannot be used. {error}") from error

    def model(self, model_id: str, name: str, owner: str) -> Model:
        """Return the model's record."""
        about, now = self.about, datetime.now(UTC).replace(tzinfo=None)
        return Model(
            model_id, name, ModelState.STOPPED, now, now, train_params=dict(self.options), owner=owner,
            notes=about.get("notes", ""), tags=tuple(about.get("tags", ())), step=about["checkpoint"]["step"],
            best_loss=about.get("best_loss"), cpu=about.get("cpu"),
        )  # fmt: skip

    def told(self, model_id: str) -> Batch:
        """Return what its training said, and its checkpoint."""
        about, now = self.about["checkpoint"], datetime.now(UTC).replace(tzinfo=None)
        kept = Checkpoint(
            new_id(), model_id, about["step"], about["kind"], about.get("loss"), self.folder, self.checkpoint_bytes, now
        )
        samples = [
            Sample(new_id(), model_id, each["step"], each["text"], each["options"], now) for each in self.samples
        ]
        lines = [(line, "info") for line in self.lines]
        return Batch(first_position=1, lines=lines, metrics=self.metrics, samples=samples, checkpoints=[kept])


def read_bundle(path: Path, *, check_weights: Callable[[int], None] = lambda number: None) -> Bundle:
    """Read a file that `Library.export` wrote.

    Args:
        path: The file.
        check_weights: Called with the number of weights that its options ask for, before any are unpacked; may raise.

    Raises:
        BundleError: It is something else, or damaged, dangerous or of a newer program.
        NotFound: There is no such file.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise BundleError(f"{path.name!r} is larger than {LARGEST:,} bytes, the most that an import takes.")
        with zipfile.ZipFile(path) as bundle:
            entries = _entries(bundle)
            texts = {name: _unpacked(bundle, entries[name], most) for name, most in LARGEST_TEXTS.items()}
            options, num_classes = _network(texts)
            weights = num_parameters(options, num_classes)
            check_weights(weights)
            most = _largest_arrays(options, weights)
            arrays = {name: _unpacked(bundle, entries[name], most[name]) for name in most}
            return _parsed(texts | arrays, options, num_classes)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}. Check the name; relative names start at {Path.cwd()}.") from None
    except OptionError as error:
        raise BundleError(f"{path.name!r} cannot be imported: {error}") from error
    except (zipfile.BadZipFile, zlib.error, csv.Error, OSError, EOFError, ValueError, RuntimeError) as error:
        # RuntimeError: a JSON nested too deep, a password, an unknown compression
        raise BundleError(
            f"{path.name!r} is no model that was exported by this program, or a damaged one ({error}). "
            f"Make one with: charrnn export NAME"
        ) from error


def _entries(bundle: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries that an export writes, and refuse everything else."""
    known = {*CHECKPOINT, *LARGEST_TEXTS}
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in bundle.infolist():
        if entry.filename not in known or entry.filename in entries:
            raise BundleError(f"The file holds {entry.filename[:80]!r}, which no export of a model does.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BundleError(f"In the file, {entry.filename!r} is a link, which no export of a model holds.")
        entries[entry.filename] = entry
    if missing := sorted(known - entries.keys()):
        raise BundleError(f"The file holds no {', '.join(missing)}; every export of a model does.")
    return entries


def _unpacked(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Unpack one part in memory."""
    if entry.file_size > most:
        raise BundleError(
            f"In the file, {entry.filename!r} has {entry.file_size:,} bytes unpacked; {most:,} are taken."
        )
    with bundle.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise BundleError(f"In the file, {entry.filename!r} is not as long as it says.")
    return data


def _network(texts: Mapping[str, bytes]) -> tuple[dict[str, Value], int]:
    """Return the training options of the checkpoint, and the number of its classes."""
    manifest = _json(MANIFEST, texts[f"checkpoint/{MANIFEST}"])
    given = manifest["options"]
    options = checked("training", given)
    if wrong := [name for name in given if (type(given[name]), given[name]) != (type(options[name]), options[name])]:
        raise ValueError(f"the option {wrong[0]} is {given[wrong[0]]!r}")
    return options, len(Vocabulary.from_json(manifest["vocabulary"])) + 1


def _largest_arrays(options: Mapping[str, Any], weights: int) -> dict[str, int]:
    """Return how many bytes each file of arrays can have: an optimizer keeps up to four numbers for each weight."""
    memory = 8 * options["num_seqs"] * options["lstm_size"] * options["num_layers"]
    numbers = {WEIGHTS: weights, TRAINING: 6 * weights + memory}
    return {f"checkpoint/{name}": min(LARGEST, 4 * number + HEADERS) for name, number in numbers.items()}


def _parsed(parts: Mapping[str, bytes], options: Mapping[str, Any], num_classes: int) -> Bundle:
    return Bundle(
        _json(ABOUT, parts[ABOUT]),
        options,
        num_classes,
        read_log(parts[LOG]),
        read_metrics(parts[METRICS]),
        _json(SAMPLES, parts[SAMPLES]),
        {name: parts[path] for path, name in CHECKPOINT.items()},
    )


def _json(name: str, data: bytes) -> Any:
    check_count(name, "items", count_items(data))
    document = json.loads(data, parse_constant=_refuse_constant)
    if isinstance(document, list):
        check_count(name, "samples", len(document))
    came = document.get("format", FORMAT) if isinstance(document, dict) else FORMAT
    if isinstance(came, int) and came > FORMAT:
        raise BundleError(f"The file has format {came}; this program knows up to {FORMAT}. Update the program.")
    for error in _validator(name).iter_errors(document):
        raise ValueError(f"{name}, {error.json_path}: {error.message[:200]}")
    return document


@cache
def _validator(name: str) -> "Draft202012Validator":
    return validator(_SCHEMAS[name])


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
