"""Checkpoints: all comes back, damage of any kind is found, nothing in them can run."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from charrnn.core.errors import CheckpointError
from charrnn.model.training.checkpoint import MANIFEST, TRAINING, WEIGHTS, load, load_network, save
from charrnn.model.training.train_step import Engine
from tests.support.tiny_networks import CLASSES, VOCABULARY, tiny

OPTIONS = tiny(cell="gru", optimizer="rmsprop", use_embedding=True)
PROGRESS = {"step": 12, "best_loss": 1.1102230246251565e-16, "without_gain": 0, "first_loss": None}
FILES = [MANIFEST, WEIGHTS, TRAINING]


@pytest.fixture(scope="module")
def engine():
    """One with nothing at its start value any more."""
    engine = Engine(OPTIONS, CLASSES)
    draw = np.random.default_rng(1)
    weights, state = (
        {name: draw.normal(size=a.shape).astype(a.dtype) for name, a in arrays.items()}
        for arrays in (engine.weights(), engine.training_state())
    )
    engine.load(weights, state)
    return engine


@pytest.fixture
def folder(engine, tmp_path):
    save(tmp_path / "last-12-1", engine, VOCABULARY, OPTIONS, PROGRESS)
    return tmp_path / "last-12-1"


def assert_equal(arrays, expected):
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        assert array.dtype == expected[name].dtype
        np.testing.assert_array_equal(array, expected[name])


def test_everything_comes_back_to_the_bit(folder, engine):
    stored = load(folder, with_training=True)
    assert (stored.options, stored.vocabulary, stored.progress) == (OPTIONS, VOCABULARY, PROGRESS)
    assert_equal(stored.weights, engine.weights())
    assert_equal(stored.training_state, engine.training_state())


def test_for_writing_only_the_weights_are_read(folder, engine):
    (folder / TRAINING).unlink()
    network, vocabulary, options = load_network(folder)
    assert (vocabulary, options) == (VOCABULARY, OPTIONS)
    for variable in network.weights:
        np.testing.assert_array_equal(variable, engine.weights()[variable.path])
    assert load(folder, with_training=False).training_state == {}


def test_its_size_is_that_of_its_files(engine, tmp_path):
    size = save(tmp_path / "new", engine, VOCABULARY, OPTIONS, PROGRESS)
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(FILES)
    assert size == sum(path.stat().st_size for path in (tmp_path / "new").iterdir())


def test_a_checkpoint_never_changes_under_its_readers(folder, engine):
    before = {name: (folder / name).read_bytes() for name in FILES}
    with pytest.raises(FileExistsError):
        save(folder, engine, VOCABULARY, OPTIONS, PROGRESS | {"step": 13})
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_a_write_that_fails_leaves_nothing_behind(engine, tmp_path, monkeypatch):
    write = Path.write_bytes

    def breaking(path, data):
        if path.name == TRAINING:
            raise OSError("the cable was pulled")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", breaking)
    with pytest.raises(OSError, match="the cable was pulled"):
        save(tmp_path / "new", engine, VOCABULARY, OPTIONS, PROGRESS)
    assert list(tmp_path.iterdir()) == []


def refused(folder, match=None):
    with pytest.raises(CheckpointError, match=match) as caught:
        load(folder, with_training=True)
    assert "Use another checkpoint of this model, or train it again." in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, match=rf"last-12-1 cannot be read \(FileNotFoundError: .*{name}")


def test_missing_folder_is_named(tmp_path):
    refused(tmp_path / "best-5-1", match="The checkpoint best-5-1 cannot be read")


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_is_refused(folder, name, share):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * share)])
    refused(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_grew_is_refused(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes() + b"x")
    refused(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_single_flipped_bit_is_found_wherever_it_is(folder, name):
    data = (folder / name).read_bytes()
    for place in range(0, len(data), max(1, len(data) // 150)):
        (folder / name).write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        refused(folder)


@pytest.mark.parametrize("content", ["", "not JSON", "[]", "null", "3", "{}", '{"format": 1}', '{"format": "1"}', "\0"])
def test_a_manifest_of_something_else_is_refused(folder, content):
    (folder / MANIFEST).write_text(content)
    refused(folder)


def test_a_newer_format_asks_for_a_newer_program(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"format": 2, "files": "stored in another way"}))
    with pytest.raises(CheckpointError, match="has format 2; this version of the program knows up to 1. Update"):
        load(folder, with_training=True)


def test_weights_of_other_options_do_not_fit(engine, tmp_path):
    save(tmp_path / "odd", engine, VOCABULARY, OPTIONS | {"lstm_size": 4}, PROGRESS)
    with pytest.raises(CheckpointError, match=r"has shape .* the network needs .* made by other options"):
        load_network(tmp_path / "odd")


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_checkpoint_that_holds_code_runs_none_of_it(engine, folder, tmp_path, monkeypatch):
    sprung = tmp_path / "sprung"
    code = pickle.dumps(Trap(sprung))
    pickle.loads(code)  # the trap works
    sprung.unlink()
    monkeypatch.setattr("charrnn.model.training.checkpoint.save_tensors", lambda arrays: code)  # with the right hashes
    save(tmp_path / "evil", engine, VOCABULARY, OPTIONS, PROGRESS)
    assert json.loads((tmp_path / "evil" / MANIFEST).read_text())["files"][WEIGHTS] == {
        "bytes": len(code),
        "sha256": hashlib.sha256(code).hexdigest(),
    }
    refused(tmp_path / "evil", match="SafetensorError")
    assert not sprung.exists()
