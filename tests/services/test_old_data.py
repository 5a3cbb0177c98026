"""Test data folders of older versions; tests/data/make_home.py creates the next one."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from charrnn.store.schema_version import NEWEST
from tests.data.make_home import TEXT

PACKED = sorted((Path(__file__).parents[1] / "data").glob("home-*.zip"))


@pytest.fixture(params=PACKED, ids=lambda path: path.stem)
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A data folder of an older version."""
    with zipfile.ZipFile(request.param) as pack:
        pack.extractall(tmp_path)
    return tmp_path


def opened(packed: Path) -> tuple[Services, dict[str, Any]]:
    """Open a data folder with this version; also return its expected contents."""
    return open_services(packed, environ={}), json.loads((packed / "expected.json").read_text("utf-8"))


def test_every_schema_version_has_a_data_folder() -> None:
    assert [path.stem for path in PACKED] == [f"home-{number + 1:04}" for number in range(int(NEWEST))]


def test_an_old_data_folder_is_read_completely(packed: Path) -> None:
    services, expected = opened(packed)
    with services:
        [ducks] = services.models.all()
        assert (ducks.name, ducks.state, ducks.step) == ("ducks", ModelState.COMPLETED, expected["step"])
        assert (ducks.best_loss, ducks.notes, ducks.tags) == (expected["best_loss"], "Old, and kept.", ("old",))
        assert len(services.models.lines(ducks.id)) == expected["num_lines"]
        assert [sample.text for sample in services.models.samples(ducks.id) if sample.by_user] == [expected["kept"]]
        assert [model.name for model in services.models.deleted()] == ["drakes"]
        assert services.corpora.head(services.corpora.all()[0].id, len(TEXT)) == TEXT


def test_an_old_checkpoint_generates_text_and_its_training_can_be_resumed(packed: Path) -> None:
    services, expected = opened(packed)
    with services:
        model = services.models.resolve("ducks")
        assert services.writing.score(model.id, TEXT).nats == pytest.approx(expected["nats"], rel=1e-4)
        assert services.writing.write(model.id, {"start_string": "duck", "max_length": 9})[0].text
        further = expected["step"] + 3
        services.training.resume(model.id, options={"max_steps": further})
        model = services.training.wait(model.id)
        assert (model.state, model.step, model.error) == (ModelState.COMPLETED, further, None)
