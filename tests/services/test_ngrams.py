"""A model with n-grams: written with, scored, exported, imported."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.core.checkpoint_manifest import manifest_hash
from charrnn.core.errors import BundleError, OptionError
from charrnn.services import Services, open_services
from charrnn.services.bundle_reader import COUNTED
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


def test_a_text_costs_less_than_with_the_network_alone(mixed: Trained, trained: Trained) -> None:
    both, alone = (each.services.writing.score(each.model.id, OTHER) for each in (mixed, trained))
    assert both.nats < alone.nats - 0.3 and both.num_characters == alone.num_characters


def test_what_was_written_scores_as_its_log_probabilities_say(mixed: Trained) -> None:
    (text,) = mixed.services.writing.write(mixed.model.id, {"start_string": "9", "max_length": 80}, keep=False)
    score = mixed.services.writing.score(mixed.model.id, "9" + text.text)
    assert score.nats == pytest.approx(-sum(text.logprobs) / 80, abs=1e-4)


def test_an_adaptive_score_is_lower_and_the_model_stays_as_it_is(mixed: Trained, trained: Trained) -> None:
    for each in (mixed, trained):
        score = each.services.writing.score
        before = score(each.model.id, OTHER)
        learned = score(each.model.id, OTHER, adaptive=True)
        assert learned.nats < before.nats and learned.num_unknown == before.num_unknown
        assert score(each.model.id, OTHER).nats == before.nats


def test_an_export_needs_no_text_to_write_the_same(mixed: Trained, exported: Path, services: Services) -> None:
    model = services.models.import_bundle(exported)
    options = {"seed": 3, "max_length": 70, "start_string": "7 little"}
    there, here = (
        s.writing.write(m, options, keep=False)[0].text
        for s, m in ((mixed.services, mixed.model.id), (services, model.id))
    )
    assert here == there
    assert services.writing.score(model.id, OTHER).nats == mixed.services.writing.score(mixed.model.id, OTHER).nats


def changed(exported: Path, target: Path, **changes: bytes | None) -> Path:
    with zipfile.ZipFile(exported) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = changes.get(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return target


def test_an_export_that_lost_its_counted_text_is_refused(exported: Path, services: Services, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="text.safetensors"):
        services.models.import_bundle(changed(exported, tmp_path / "bad.zip", **{COUNTED: None}))
    assert services.models.all() == []


def test_a_counted_text_that_no_option_asks_for_is_refused(exported: Path, services: Services, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported) as bundle:
        manifest = json.loads(bundle.read("checkpoint/checkpoint.json"))
    manifest.pop("sha256")
    manifest["options"]["ngram_order"] = 0
    data = json.dumps(manifest | {"sha256": manifest_hash(manifest)}).encode()
    with pytest.raises(BundleError, match=r"ask for no n-grams \(ngram_order\)"):
        services.models.import_bundle(changed(exported, tmp_path / "odd.zip", **{"checkpoint/checkpoint.json": data}))


def test_a_counted_text_of_another_content_is_refused(exported: Path, services: Services, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="damaged"):
        services.models.import_bundle(changed(exported, tmp_path / "bad.zip", **{COUNTED: b"x" * 100}))


def test_a_training_cannot_go_on_with_another_order(mixed: Trained) -> None:
    with pytest.raises(OptionError, match="ngram_order cannot change from 4 to 3"):
        mixed.services.training.resume(mixed.model.id, options={"ngram_order": 3, "max_steps": 20})
