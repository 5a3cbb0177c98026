"""Test trainings with n-grams: the mixture is validated, saved and loaded."""

import json

import numpy as np
import pytest

from charrnn.core.checkpoint_manifest import MANIFEST, TEXT, manifest_hash, verify
from charrnn.core.errors import CheckpointError
from charrnn.core.network_ngram_mixture import Mixture, best_share
from charrnn.core.ngrams import count_ngrams
from charrnn.core.training_events import CheckpointSaved, LogMessage, MetricsMeasured
from charrnn.model.training.checkpoint import load, load_mixture, load_network
from charrnn.model.training.evaluation import Evaluation
from tests.support.tiny_networks import CLASSES, IDS, after, learn, tiny

TRAIN = 105
"""Number of characters in the training split."""
OPTIONS = {"ngram_order": 2, "eval_every_n": 2, "save_every_n": 100, "learning_rate": 0.05}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return folder, learn(folder, tiny(**OPTIONS))[1]


def validations(events):
    return {e.step: e.values["val_loss"] for e in events if isinstance(e, MetricsMeasured) and "val_loss" in e.values}


def test_validation_loss_is_that_of_the_mixture(home):
    folder, events = home
    network, _, _ = load_network(folder / "last-6-1")
    losses = Evaluation(network, IDS, first=TRAIN).losses()
    ngrams = count_ngrams(IDS[:TRAIN], CLASSES, 2)
    expected = ngrams.probabilities(IDS)[TRAIN - 1 :]
    share = best_share(losses, expected)
    mixture = load_mixture(folder / "last-6-1")
    assert mixture.share == pytest.approx(share, abs=1e-3)
    assert (mixture.ngrams.counts == ngrams.counts).all()
    assert validations(events)[6] == pytest.approx(Mixture(ngrams, share).losses(losses, expected).mean(), abs=1e-4)
    messages = [e.text for e in events if isinstance(e, LogMessage) and "the network alone" in e.text]
    assert len(messages) == 3 and f"{losses.mean():.3f}" in messages[-1]


def test_best_checkpoint_has_the_lowest_loss_of_the_mixture(home):
    _, events = home
    losses = validations(events)
    best = [e for e in events if isinstance(e, CheckpointSaved) and e.kind == "best"][-1]
    assert (best.step, best.loss) == min(losses.items(), key=lambda item: (item[1], item[0]))


def test_resumed_training_equals_an_uninterrupted_one(home, tmp_path):
    folder, events = home
    learn(tmp_path, tiny(**OPTIONS), should_stop=after(4))
    (stopped,) = tmp_path.glob("last-*")
    assert stopped.name < "last-6-1"
    _, rest = learn(tmp_path, tiny(**OPTIONS), resume_from=stopped, number=2)
    assert validations(rest)[6] == validations(events)[6]
    assert load_mixture(tmp_path / "last-6-2").share == load_mixture(folder / "last-6-1").share


def test_training_without_validation_split_has_no_ngrams(tmp_path):
    _, events = learn(tmp_path, tiny(**OPTIONS, val_fraction=0))
    assert any("no n-grams" in e.text and e.level == "warning" for e in events if isinstance(e, LogMessage))
    assert load_mixture(tmp_path / "last-6-1") is None


def test_checkpoint_without_ngrams_has_no_text_and_no_mixture(tmp_path):
    learn(tmp_path, tiny())
    assert not (tmp_path / "last-6-1" / TEXT).exists() and load_mixture(tmp_path / "last-6-1") is None


def test_checkpoint_of_an_older_version_without_ngrams_is_resumed(tmp_path):
    learn(tmp_path, tiny(max_steps=2))
    change(tmp_path / "last-2-1", lambda m: (m["options"].pop("ngram_order"), m["progress"].pop("network_share")))
    assert load_mixture(tmp_path / "last-2-1") is None
    learn(tmp_path, tiny(), resume_from=tmp_path / "last-2-1", number=2)
    assert load(tmp_path / "last-6-2", with_training=False).progress["step"] == 6


def change(folder, how):
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest.pop("sha256")
    how(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest | {"sha256": manifest_hash(manifest)}))


@pytest.fixture
def copy(home, tmp_path):
    source = home[0] / "last-6-1"
    folder = tmp_path / "last-6-1"
    folder.mkdir()
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_changed_or_missing_text_is_detected(copy):
    data = (copy / TEXT).read_bytes()
    (copy / TEXT).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for read in (load_mixture, verify):
        with pytest.raises(CheckpointError, match="damaged"):
            read(copy)
    (copy / TEXT).unlink()
    for read in (load_mixture, verify):
        with pytest.raises(CheckpointError, match="cannot be read"):
            read(copy)


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("progress", "network_share", 1.5, "network_share is 1.5"),
        ("progress", "network_share", "all", "network_share is 'all'"),
        ("options", "ngram_order", 0, "ngram_order is 0"),
        ("options", "ngram_order", 10**6, "ngram_order is 1000000"),
    ],
)
def test_invalid_mixture_is_rejected(copy, part, name, value, message):
    change(copy, lambda manifest: manifest[part].update({name: value}))
    with pytest.raises(CheckpointError, match=message):
        load_mixture(copy)


def test_ids_outside_of_the_vocabulary_are_rejected(copy, monkeypatch):
    monkeypatch.setattr(
        "charrnn.model.training.checkpoint.load_tensors", lambda data: {"ids": np.array([3, 250], np.uint8)}
    )
    from charrnn.model.training import checkpoint

    checkpoint._counted.cache_clear()
    with pytest.raises(CheckpointError, match="the largest 250"):
        load_mixture(copy)
