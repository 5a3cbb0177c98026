"""Test generating, scoring, exporting and importing with a model that mixes n-grams with its network."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.core.checkpoint_manifest import manifest_hash
from charrnn.core.errors import BundleError, OptionError
from charrnn.services import Services, open_services
from charrnn.services.bundle_reader import NGRAM_TEXT
from tests.support.small_training import OPTIONS, TEXT, Trained

OTHER = "9 geese went over the hill and far away, to play with little ducks.\n" * 9


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    with open_services(tmp_path_factory.mktemp("mixed"), environ={}) as services:
        model = services.training.start(TEXT, name="ducks", options=OPTIONS | {"ngram_order": 4})
        yield Trained(services, services.training.wait(model.id))


@pytest.fixture(scope="module")
def exported(mixed: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mixed.services.models.export(mixed.model.id, tmp_path_factory.mktemp("exported") / "ducks.zip")


def test_the_score_is_lower_than_that_of_the_network_alone(mixed: Trained, trained: Trained) -> None:
    mixture, network = (each.services.writing.score(each.model.id, OTHER) for each in (mixed, trained))
    assert mixture.nats < network.nats - 0.3 and mixture.num_characters == network.num_characters


def test_the_score_of_generated_text_matches_its_log_probabilities(mixed: Trained) -> None:
    (text,) = mixed.services.writing.write(mixed.model.id, {"start_string": "9", "max_length": 80}, keep=False)
    score = mixed.services.writing.score(mixed.model.id, "9" + text.text)
    assert score.nats == pytest.approx(-sum(text.logprobs) / 80, abs=1e-4)


def test_an_adaptive_score_is_lower_and_does_not_change_the_model(mixed: Trained, trained: Trained) -> None:
    for each in (mixed, trained):
        score = each.services.writing.score
        before = score(each.model.id, OTHER)
        adaptive = score(each.model.id, OTHER, adaptive=True)
        assert adaptive.nats < before.nats and adaptive.num_unknown == before.num_unknown
        assert score(each.model.id, OTHER).nats == before.nats


def test_an_imported_model_generates_the_same_text_without_its_corpus(
    mixed: Trained, exported: Path, services: Services
) -> None:
    model = services.models.import_bundle(exported)
    options = {"seed": 3, "max_length": 70, "start_string": "7 little"}
    original, imported = (
        s.writing.write(m, options, keep=False)[0].text
        for s, m in ((mixed.services, mixed.model.id), (services, model.id))
    )
    assert imported == original
    assert services.writing.score(model.id, OTHER).nats == mixed.services.writing.score(mixed.model.id, OTHER).nats


def changed(exported: Path, target: Path, **changes: bytes | None) -> Path:
    with zipfile.ZipFile(exported) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = changes.get(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return target


def test_a_bundle_without_its_ngram_text_is_rejected(exported: Path, services: Services, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="text.safetensors"):
        services.models.import_bundle(changed(exported, tmp_path / "bad.zip", **{NGRAM_TEXT: None}))
    assert services.models.all() == []


def test_an_ngram_text_is_rejected_when_the_options_use_no_ngrams(
    exported: Path, services: Services, tmp_path: Path
) -> None:
    with zipfile.ZipFile(exported) as bundle:
        manifest = json.loads(bundle.read("checkpoint/checkpoint.json"))
    manifest.pop("sha256")
    manifest["options"]["ngram_order"] = 0
    data = json.dumps(manifest | {"sha256": manifest_hash(manifest)}).encode()
    with pytest.raises(BundleError, match=r"use no n-grams \(ngram_order\)"):
        services.models.import_bundle(changed(exported, tmp_path / "odd.zip", **{"checkpoint/checkpoint.json": data}))


def test_a_changed_ngram_text_is_rejected(exported: Path, services: Services, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="damaged"):
        services.models.import_bundle(changed(exported, tmp_path / "bad.zip", **{NGRAM_TEXT: b"x" * 100}))


def test_a_training_cannot_resume_with_another_ngram_order(mixed: Trained) -> None:
    with pytest.raises(OptionError, match="ngram_order cannot change from 4 to 3"):
        mixed.services.training.resume(mixed.model.id, options={"ngram_order": 3, "max_steps": 20})
