"""Test exporting models and importing valid and malicious files."""

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from charrnn.core.checkpoint_manifest import manifest_hash
from charrnn.core.cpu_info import cpu_name
from charrnn.core.errors import BundleError, LimitExceeded, NotFound
from charrnn.core.limits import Limits
from charrnn.core.records import ModelState
from charrnn.services import Services, bundle_reader, open_services
from charrnn.services.bundle_reader import CHECKPOINT_FILES, DESCRIPTION, LOG, METRICS, SAMPLES
from tests.support.small_training import TEXT, Trained

MANIFEST, TRAINING, WEIGHTS = sorted(CHECKPOINT_FILES)
Parts = dict[str, bytes]


@pytest.fixture(scope="module")
def exported(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid bundle."""
    trained.services.models.note(trained.model.id, "Flew far.")
    return trained.services.models.export(trained.model.id, tmp_path_factory.mktemp("exported") / "ducks.zip")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A data folder that rejected imports must not change."""
    with open_services(tmp_path_factory.mktemp("home"), environ={}) as services:
        yield services


def parts_of(path: Path) -> Parts:
    """Return the files in a bundle."""
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def packed(parts: Parts, path: Path) -> Path:
    """Create a bundle from files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in parts.items():
            bundle.writestr(name, data)
    return path


def test_an_exported_model_is_imported_completely_under_a_free_name(
    trained: Trained, exported: Path, home: Services
) -> None:
    home.models.create("ducks")
    model = home.models.import_bundle(exported)
    source, target = trained.services, home
    assert (model.name, model.state, model.notes) == ("ducks-2", ModelState.STOPPED, "Flew far.")
    assert dict(model.train_params) == dict(trained.model.train_params)
    assert model.best_loss == trained.model.best_loss
    assert model.cpu == trained.model.cpu == cpu_name()
    lines = [line.text for line in source.models.lines(trained.model.id)]
    assert [line.text for line in target.models.lines(model.id)] == lines
    assert (
        target.models.curve(model.id, "loss").values.tolist()
        == source.models.curve(trained.model.id, "loss").values.tolist()
    )
    assert len(target.models.samples(model.id)) == len(source.models.samples(trained.model.id))
    assert target.writing.score(model.id, TEXT).nats == source.writing.score(trained.model.id, TEXT).nats
    again = target.models.export(model.id, exported.with_name("again.zip"))
    assert parts_of(again)[WEIGHTS] == parts_of(exported)[WEIGHTS]
    for name in ("ducks", "ducks-2"):
        target.models.purge(target.models.resolve(name).id)


def test_a_bundle_contains_only_json_text_and_tensors(exported: Path) -> None:
    assert {Path(name).suffix for name in parts_of(exported)} == {".json", ".txt", ".csv", ".safetensors"}


def edited(part: str, /, **changes: Any) -> Callable[[Parts], Parts]:
    """Change entries of a JSON file."""
    return lambda parts: parts | {part: json.dumps(json.loads(parts[part]) | changes).encode()}


def with_options(**options: Any) -> Callable[[Parts], Parts]:
    """Change options of the checkpoint and update its hash, as an attacker would."""

    def change(parts: Parts) -> Parts:
        manifest = json.loads(parts[MANIFEST])
        manifest["options"] |= options
        manifest.pop("sha256")
        return parts | {MANIFEST: json.dumps(manifest | {"sha256": manifest_hash(manifest)}).encode()}

    return change


def with_weights(header: dict[str, Any]) -> Callable[[Parts], Parts]:
    """Replace the weights with a file that has any header and a correct hash."""

    def change(parts: Parts) -> Parts:
        import hashlib

        encoded = json.dumps(header).encode()
        data = struct.pack("<Q", len(encoded)) + encoded + b"\0" * 64
        manifest = json.loads(parts[MANIFEST])
        manifest["files"]["weights.safetensors"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        manifest.pop("sha256")
        hashed = json.dumps(manifest | {"sha256": manifest_hash(manifest)}).encode()
        return parts | {WEIGHTS: data, MANIFEST: hashed}

    return change


def without(name: str) -> Callable[[Parts], Parts]:
    """Remove a file."""
    return lambda parts: {other: data for other, data in parts.items() if other != name}


def adding(name: str, data: bytes = b"x") -> Callable[[Parts], Parts]:
    """Add or replace a file."""
    return lambda parts: parts | {name: data}


FITS = {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}
HUGE = {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 64]}
EVIL: dict[str, tuple[Callable[[Parts], Parts], str]] = {
    "a path with parent folders": (adding("../../evil.txt"), "no exported model contains"),
    "a path with parent folders in the checkpoint": (adding("checkpoint/../../evil.txt"), "no exported model contains"),
    "a Windows path with parent folders": (adding("checkpoint\\..\\..\\evil.txt"), "no exported model contains"),
    "an absolute path": (adding("/tmp/evil.txt"), "no exported model contains"),
    "a path with a drive": (adding("C:/evil.txt"), "no exported model contains"),
    "a pickle": (adding("checkpoint/converter.pkl"), "no exported model contains"),
    "a folder": (adding("checkpoint/"), "no exported model contains"),
    "no weights": (without(WEIGHTS), "lacks checkpoint/weights.safetensors"),
    "no description": (without(DESCRIPTION), "lacks model.json"),
    "weights with another hash": (adding(WEIGHTS, b"x" * 64), "is damaged"),
    "a newer format": (edited(DESCRIPTION, format=2), "format 2; this version reads up to 1. Update"),
    "a checkpoint of a newer format": (edited(MANIFEST, format=9), "format 9"),
    "an edited manifest": (edited(MANIFEST, progress={}), "is damaged"),
    "another network size": (with_options(lstm_size=6), "weights, but its options require"),
    "a huge network": (with_options(lstm_size=4096, num_layers=8), "weights, but its options require"),
    "an option beyond its bounds": (with_options(lstm_size=10**9), "cannot be imported: .*lstm_size"),
    "an option as text": (with_options(lstm_size="5"), "the option lstm_size is '5'"),
    "an unknown option": (with_options(run="rm"), "Unknown training option 'run'"),
    "huge shapes": (with_weights({"table": HUGE}), "cannot be used.*cannot be read"),
    "shapes that overflow": (with_weights({"table": {**HUGE, "shape": [2**63, 2]}}), "cannot be used"),
    "overlapping tensors": (with_weights({"a": FITS, "b": FITS}), "cannot be used"),
    "an endless header": (with_weights({"x" * 10**6: FITS}), "cannot be used"),
    "samples that are not a list": (adding(SAMPLES, b"{}"), "samples.json, .* is not of type 'array'"),
    "unterminated JSON": (adding(SAMPLES, b"[" * 200_000), "is not an exported model"),
    "a number with too many digits": (adding(SAMPLES, b"[" + b"9" * 5000 + b"]"), "is not an exported model"),
    "a loss of NaN": (adding(DESCRIPTION, b'{"best_loss": NaN}'), "NaN is not a valid JSON number"),
    "a step above the maximum": (edited(DESCRIPTION, step=10**30), "maximum"),
    "a kind with parent folders": (edited(DESCRIPTION, checkpoint={"kind": "../..", "step": 1}), "is not one of"),
    "a CPU with a long name": (edited(DESCRIPTION, cpu="x" * 201), r"\$\.cpu: .xxx"),
    "a CPU that is a number": (edited(DESCRIPTION, cpu=64), "is not of type"),
    "an empty name": (edited(DESCRIPTION, name="\n"), "cannot be imported: The name is empty"),
    "a name with the form of an id": (edited(DESCRIPTION, name="0123456789abcdef" * 2), "looks like a model's id"),
    "a name with an escape sequence": (edited(DESCRIPTION, name="a\x1b[2J"), r"cannot be imported: .*U\+001B"),
    "a binary log": (adding(LOG, b"\xff\xfe"), "is not an exported model"),
    "invalid metrics": (adding(METRICS, b"step,loss\n1,many\n"), "is not an exported model"),
    "metrics with a row that is too long": (adding(METRICS, b"step,loss\n1,2,3\n"), "has an invalid row"),
}  # fmt: skip


def left_behind(home: Services) -> list[object]:
    """Return everything that an import could leave behind."""
    root = home.settings.home
    return [*home.models.all(), *home.models.deleted(), *(root / "checkpoints").iterdir(), *root.parent.glob("evil*")]


@pytest.mark.parametrize(("change", "message"), EVIL.values(), ids=EVIL)
def test_a_malicious_bundle_is_rejected_and_leaves_nothing_behind(
    exported: Path, home: Services, tmp_path: Path, change: Callable[[Parts], Parts], message: str
) -> None:
    evil = packed(change(parts_of(exported)), tmp_path / "evil.zip")
    with pytest.raises(BundleError, match=message):
        home.models.import_bundle(evil)
    assert left_behind(home) == []


def raw(exported: Path, edit: Callable[[zipfile.ZipFile, Parts], None]) -> bytes:
    """Create a bundle with a custom function."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as bundle:
        edit(bundle, parts_of(exported))
    return memory.getvalue()


def link(bundle: zipfile.ZipFile, parts: Parts) -> None:
    """Write the weights as a symbolic link."""
    for name, data in parts.items():
        entry = zipfile.ZipInfo(name)
        entry.external_attr = ((stat.S_IFLNK if name == WEIGHTS else stat.S_IFREG) | 0o644) << 16
        bundle.writestr(entry, b"/etc/passwd" if name == WEIGHTS else data)


def twice(bundle: zipfile.ZipFile, parts: Parts) -> None:
    """Write the log twice."""
    for name, data in parts.items():
        bundle.writestr(name, data)
    with pytest.warns(UserWarning, match="Duplicate"):
        bundle.writestr(LOG, b"again")


@pytest.mark.parametrize(("edit", "message"), [(link, "is a link"), (twice, "contains 'log.txt'")])
def test_links_and_duplicate_entries_are_rejected(
    exported: Path, home: Services, tmp_path: Path, edit: Callable[[zipfile.ZipFile, Parts], None], message: str
) -> None:
    evil = tmp_path / "evil.zip"
    evil.write_bytes(raw(exported, edit))
    with pytest.raises(BundleError, match=message):
        home.models.import_bundle(evil)
    assert left_behind(home) == []


def test_a_zip_bomb_is_rejected_by_its_declared_size(
    exported: Path, home: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = packed(parts_of(exported) | {LOG: b"\n" * 3_000_000}, tmp_path / "bomb.zip")
    assert bomb.stat().st_size < 100_000
    monkeypatch.setitem(bundle_reader.MAX_TEXT_BYTES, LOG, 1_000_000)
    with pytest.raises(
        BundleError, match="'log.txt' in the file has 3,000,000 unpacked bytes; the maximum is 1,000,000"
    ):
        home.models.import_bundle(bomb)


def test_a_zip_bomb_with_a_false_declared_size_is_rejected(exported: Path, home: Services, tmp_path: Path) -> None:
    bomb = packed(parts_of(exported) | {LOG: b"\n" * 3_000_000}, tmp_path / "bomb.zip")
    bomb.write_bytes(bomb.read_bytes().replace(struct.pack("<L", 3_000_000), struct.pack("<L", 3)))
    with pytest.raises(BundleError, match="CRC|damaged"):
        home.models.import_bundle(bomb)
    assert left_behind(home) == []


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_a_truncated_bundle_is_rejected(exported: Path, home: Services, tmp_path: Path, fraction: float) -> None:
    half = tmp_path / "half.zip"
    data = exported.read_bytes()
    half.write_bytes(data[: int(fraction * len(data))])
    with pytest.raises(BundleError, match="is not an exported model, or is damaged"):
        home.models.import_bundle(half)


def test_a_flipped_bit_is_detected_or_harmless(exported: Path, home: Services, tmp_path: Path) -> None:
    data = exported.read_bytes()
    for position in range(0, len(data), len(data) // 40):
        flipped = tmp_path / "flipped.zip"
        flipped.write_bytes(data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :])
        try:
            model = home.models.import_bundle(flipped)
        except BundleError:
            assert left_behind(home) == []
        else:  # the bit is in unused metadata of the ZIP file
            assert home.writing.score(model.id, TEXT).nats > 0
            home.models.purge(model.id)


def test_a_missing_file_and_a_folder_are_rejected(home: Services, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="relative paths start at"):
        home.models.import_bundle(tmp_path / "nowhere.zip")
    with pytest.raises(BundleError):
        home.models.import_bundle(tmp_path)


@pytest.mark.parametrize("limits", [Limits(max_parameters=99), Limits(max_disk_mb=1)])
def test_a_model_over_a_limit_is_not_imported(exported: Path, tmp_path: Path, limits: Limits) -> None:
    with open_services(tmp_path, environ={}, limits=limits) as services:
        if limits.max_disk_mb:
            services.corpora.add("over the hill\n" * 71_000)
        with pytest.raises(LimitExceeded):
            services.models.import_bundle(exported)
        assert left_behind(services) == []


def test_an_imported_model_belongs_to_the_user(exported: Path, home: Services) -> None:
    model = home.seen_by("ada").models.import_bundle(exported)
    assert (model.owner, home.seen_by("bob").models.all()) == ("ada", [])
    home.models.purge(model.id)
