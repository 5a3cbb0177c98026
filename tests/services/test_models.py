"""Test finding, editing, deleting, restoring and exporting models."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from charrnn.core.errors import NameTaken, NotFound, StateError
from charrnn.core.records import Metric
from charrnn.services import Services
from charrnn.services.bundle_history_writer import metrics_csv
from tests.support.small_training import OPTIONS, TEXT, Trained


def test_a_model_is_found_by_name_and_by_id(services: Services) -> None:
    created = services.models.create("sonnets")
    assert (
        services.models.resolve("sonnets")
        == services.models.resolve(created.id)
        == services.models.get(created.id)
        == created
    )


def test_get_accepts_ids_only(services: Services) -> None:
    created = services.models.create("sonnets")
    with pytest.raises(NotFound, match="no model with the id 'sonnets'"):
        services.models.get("sonnets")
    services.models.delete(created.id)
    with pytest.raises(NotFound, match="is deleted"):
        services.models.get(created.id)


def test_a_model_of_a_text_named_like_an_id_gets_a_valid_name(services: Services) -> None:
    name = "d41d8cd98f00b204e9800998ecf8427e"
    assert services.models.free_name(name) == f"{name}-2"
    assert services.models.create(services.models.free_name(name)).name == f"{name}-2"


def test_the_error_for_a_missing_model_lists_the_existing_ones(services: Services) -> None:
    with pytest.raises(NotFound, match="no models yet"):
        services.models.resolve("sonnets")
    services.models.create("plays")
    with pytest.raises(NotFound, match="Known models: plays"):
        services.models.resolve("sonnets")


def test_a_taken_name_gets_a_number(services: Services) -> None:
    assert services.models.free_name("plays") == "plays"
    services.models.create("plays")
    services.models.create("plays-2")
    assert services.models.free_name("plays") == "plays-3"


def test_names_notes_and_tags_can_be_changed(services: Services) -> None:
    model = services.models.create("plays")
    services.models.rename(model.id, "Stücke 🎭")
    services.models.note(model.id, "with all stage directions")
    services.models.tag(model.id, ["drama", "en"])
    found = services.models.resolve("Stücke 🎭")
    assert (found.notes, found.tags) == ("with all stage directions", ("drama", "en"))


def test_two_models_never_share_a_name(services: Services) -> None:
    model = services.models.create("plays")
    services.models.create("poems")
    with pytest.raises(NameTaken):
        services.models.rename(model.id, "poems")


def test_a_deleted_model_is_restored_completely(services: Services) -> None:
    model = services.training.start(TEXT, name="ducks", options=OPTIONS)
    services.training.wait(model.id)
    services.models.delete(model.id)
    assert services.models.all() == []
    restored = services.models.restore(model.id)
    assert [m.name for m in services.models.all()] == ["ducks"]
    assert services.writing.write(restored.id, {"max_length": 6})[0].text


def test_a_purged_model_leaves_nothing_behind(services: Services) -> None:
    model = services.training.start(TEXT, name="ducks", options=OPTIONS)
    with pytest.raises(StateError, match="training"):
        services.models.purge(model.id)
    services.training.stop(model.id)
    services.training.wait(model.id)
    services.models.purge(model.id)
    assert list(services.settings.checkpoints.iterdir()) == []
    with pytest.raises(NotFound):
        services.models.get(model.id)


def test_a_model_can_be_renamed_while_it_is_trained(services: Services) -> None:
    model = services.training.start(TEXT, name="ducks", options=OPTIONS)
    services.models.rename(model.id, "geese")
    assert services.training.wait(model.id).name == "geese"
    assert services.models.resolve("geese").step == 8


def test_an_export_contains_everything(trained: Trained, tmp_path: Path) -> None:
    bundle = trained.services.models.export(trained.model.id, tmp_path / "ducks.zip")
    with zipfile.ZipFile(bundle) as opened:
        assert sorted(opened.namelist()) == [
            "checkpoint/checkpoint.json",
            "checkpoint/training.safetensors",
            "checkpoint/weights.safetensors",
            "log.txt",
            "metrics.csv",
            "model.json",
            "samples.json",
        ]
        description = json.loads(opened.read("model.json"))
        assert (description["name"], description["step"], description["train_params"]["cell"]) == ("ducks", 8, "gru")
        assert description["checkpoint"]["loss"] == description["best_loss"]
        assert opened.read("log.txt").decode().count("step: ") == 2
        rows = list(csv.DictReader(io.StringIO(opened.read("metrics.csv").decode())))
        assert [row["step"] for row in rows] == [str(step) for step in range(1, 9)]
        assert [bool(row["val_loss"]) for row in rows] == [False, True] * 4
        assert [sample["step"] for sample in json.loads(opened.read("samples.json"))][:2] == [6, 8]


def test_export_never_replaces_a_file(trained: Trained, tmp_path: Path) -> None:
    taken = tmp_path / "taken.zip"
    taken.write_text("mine")
    with pytest.raises(NameTaken, match="exists already"):
        trained.services.models.export(trained.model.id, taken)
    assert taken.read_text() == "mine"


def test_a_model_without_a_checkpoint_cannot_be_exported(services: Services, tmp_path: Path) -> None:
    model = services.models.create("empty")
    with pytest.raises(NotFound, match="no checkpoint yet"):
        services.models.export(model.id, tmp_path / "empty.zip")
    assert list(tmp_path.glob("*.zip")) == []


def test_metrics_are_exported_as_a_table() -> None:
    metrics = [Metric(2, "loss", 1.5), Metric(1, "loss", 2.5), Metric(2, "val_loss", 1.75)]
    assert metrics_csv(metrics) == "step,loss,val_loss\n1,2.5,\n2,1.5,1.75\n"


def test_log_lines_are_found_by_words_and_level(trained: Trained) -> None:
    models, model_id = trained.services.models, trained.model.id
    lines = models.lines(model_id)
    found = models.find_lines(model_id, "VALIDATION at")
    assert found == [line for line in lines if "validation at" in line.text]
    assert models.find_lines(model_id, "validation at", limit=2) == found[-2:]
    assert models.find_lines(model_id, "100% _", level="") == []
    assert models.find_lines(model_id, "", level="error") == []
    assert models.last_lines(model_id, 3) == lines[-3:]


def test_samples_of_users_are_distinguished_from_samples_of_trainings(trained: Trained) -> None:
    before = {sample.id for sample in trained.services.models.samples(trained.model.id) if sample.by_user}
    trained.services.writing.write(trained.model.id, {"max_length": 9, "seed": 2})
    samples = [s for s in trained.services.models.samples(trained.model.id) if s.id not in before]
    assert {len(sample.text) for sample in samples if sample.by_user} == {9}
    assert {len(sample.text) for sample in samples if not sample.by_user} == {200}
