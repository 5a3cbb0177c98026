"""Tests of checkpoints: exact round trips, detection of damage, no code execution."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from charrnn.core.errors import CheckpointError
from charrnn.model.training.checkpoint import MANIFEST, TRAINING, WEIGHTS, Snapshot, load, load_network, save
from charrnn.model.training.train_step import TrainStep
from tests.support.tiny_networks import CLASSES, VOCABULARY, tiny

OPTIONS = tiny(cell="gru", optimizer="rmsprop", use_embedding=True)
PROGRESS = {"step": 12, "best_loss": 1.1102230246251565e-16, "without_gain": 0, "first_loss": None}
FILES = [MANIFEST, WEIGHTS, TRAINING]


@pytest.fixture(scope="module")
def train_step():
    """Return a training step none of whose arrays has its initial value."""
    train_step = TrainStep(OPTIONS, CLASSES)
    draw = np.random.default_rng(1)
    weights, state = (
        {name: draw.normal(size=a.shape).astype(a.dtype) for name, a in arrays.items()}
        for arrays in (train_step.weights(), train_step.training_state())
    )
    train_step.load(weights, state)
    return train_step


@pytest.fixture
def folder(train_step, tmp_path):
    save(tmp_path / "last-12-1", Snapshot.of(train_step, OPTIONS, PROGRESS), VOCABULARY)
    return tmp_path / "last-12-1"


def assert_equal(arrays, expected):
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        assert array.dtype == expected[name].dtype
        np.testing.assert_array_equal(array, expected[name])


def test_checkpoint_round_trips_exactly(folder, train_step):
    stored = load(folder, with_training=True)
    assert (stored.options, stored.vocabulary, stored.progress) == (OPTIONS, VOCABULARY, PROGRESS)
    assert_equal(stored.weights, train_step.weights())
    assert_equal(stored.training_state, train_step.training_state())


def test_load_network_reads_only_the_weights(folder, train_step):
    (folder / TRAINING).unlink()
    network, vocabulary, options = load_network(folder)
    assert (vocabulary, options) == (VOCABULARY, OPTIONS)
    for variable in network.weights:
        np.testing.assert_array_equal(variable, train_step.weights()[variable.path])
    assert load(folder, with_training=False).training_state == {}


def test_save_returns_the_size_of_the_files(train_step, tmp_path):
    size = save(tmp_path / "new", Snapshot.of(train_step, OPTIONS, PROGRESS), VOCABULARY)
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(FILES)
    assert size == sum(path.stat().st_size for path in (tmp_path / "new").iterdir())


def test_existing_checkpoint_is_never_overwritten(folder, train_step):
    before = {name: (folder / name).read_bytes() for name in FILES}
    with pytest.raises(FileExistsError):
        save(folder, Snapshot.of(train_step, OPTIONS, PROGRESS | {"step": 13}), VOCABULARY)
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_failed_save_leaves_nothing_behind(train_step, tmp_path, monkeypatch):
    write = Path.write_bytes

    def breaking(path, data):
        if path.name == TRAINING:
            raise OSError("disk disconnected")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", breaking)
    with pytest.raises(OSError, match="disk disconnected"):
        save(tmp_path / "new", Snapshot.of(train_step, OPTIONS, PROGRESS), VOCABULARY)
    assert list(tmp_path.iterdir()) == []


def assert_rejected(folder, match=None):
    with pytest.raises(CheckpointError, match=match) as caught:
        load(folder, with_training=True)
    assert "Use another checkpoint of this model, or train the model again." in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert_rejected(folder, match=rf"last-12-1 cannot be read \(FileNotFoundError: .*{name}")


def test_missing_folder_is_named(tmp_path):
    assert_rejected(tmp_path / "best-5-1", match="The checkpoint best-5-1 cannot be read")


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("name", FILES)
def test_truncated_file_is_rejected(folder, name, share):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * share)])
    assert_rejected(folder)


@pytest.mark.parametrize("name", FILES)
def test_extended_file_is_rejected(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes() + b"x")
    assert_rejected(folder)


@pytest.mark.parametrize("name", FILES)
def test_single_flipped_bit_is_detected(folder, name):
    data = (folder / name).read_bytes()
    for position in range(0, len(data), max(1, len(data) // 150)):
        (folder / name).write_bytes(
            data[:position] + bytes([data[position] ^ 1 << position % 8]) + data[position + 1 :]
        )
        assert_rejected(folder)


@pytest.mark.parametrize("content", ["", "not JSON", "[]", "null", "3", "{}", '{"format": 1}', '{"format": "1"}', "\0"])
def test_invalid_manifest_is_rejected(folder, content):
    (folder / MANIFEST).write_text(content)
    assert_rejected(folder)


def test_newer_format_is_rejected(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"format": 2, "files": "stored in another way"}))
    with pytest.raises(CheckpointError, match="has format 2, but this version reads formats up to 1. Update"):
        load(folder, with_training=True)


def test_weights_of_other_options_are_rejected(train_step, tmp_path):
    save(tmp_path / "odd", Snapshot.of(train_step, OPTIONS | {"lstm_size": 4}, PROGRESS), VOCABULARY)
    with pytest.raises(CheckpointError, match=r"has shape .* the network needs .* saved with other options"):
        load_network(tmp_path / "odd")


class Exploit:
    """Create a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_never_executed(train_step, folder, tmp_path, monkeypatch):
    created = tmp_path / "created"
    code = pickle.dumps(Exploit(created))
    pickle.loads(code)  # unpickling does create the file
    created.unlink()
    monkeypatch.setattr("charrnn.model.training.checkpoint.save_tensors", lambda arrays: code)  # with matching hashes
    save(tmp_path / "evil", Snapshot.of(train_step, OPTIONS, PROGRESS), VOCABULARY)
    assert json.loads((tmp_path / "evil" / MANIFEST).read_text())["files"][WEIGHTS] == {
        "bytes": len(code),
        "sha256": hashlib.sha256(code).hexdigest(),
    }
    assert_rejected(tmp_path / "evil", match="SafetensorError")
    assert not created.exists()
