"""Test that importing small malicious files cannot exhaust memory."""

import json
import tracemalloc
from pathlib import Path

import pytest

from charrnn.core.errors import BundleError, LimitReached
from charrnn.core.quotas import Limits
from charrnn.services import Services, bundle_history, open_services
from charrnn.services.bundle_history import LOG, METRICS, read_metrics
from charrnn.services.model_bundles import DESCRIPTION, SAMPLES
from tests.services.test_model_bundles import MANIFEST, TRAINING, WEIGHTS, Parts, packed, parts_of
from tests.support.small_training import Trained


@pytest.fixture(scope="module")
def parts(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """The files of a valid bundle."""
    return parts_of(trained.services.models.export(trained.model.id, tmp_path_factory.mktemp("exported") / "x.zip"))


BOMBS = {
    "empty log lines": (LOG, b"\n" * 3_000_000, "'log.txt' in the file has 3,000,000 lines; the maximum is 200,000"),
    "empty rows": (METRICS, b"step,loss\n" + b"\n" * 2_000_000, "'metrics.csv' in the file has 2,000,001 rows"),
    "a wide row": (METRICS, b"step" + b"," * 9_000_000, "a row of more than 4,096 characters"),
    "a wide row of numbers": (METRICS, b"step,loss\n" + b"1" * 9_000_000, "a row of more than 4,096 characters"),
    "empty lists": (SAMPLES, b"[" + b"[]," * 3_000_000 + b"[]]", "'samples.json' in the file has 6,000,002 items"),
    "tiny samples": (
        SAMPLES,
        json.dumps([{"step": 1, "text": "", "options": {}}] * 11_000).encode(),
        "'samples.json' in the file has 11,000 samples; the maximum is 10,000",
    ),
    "many tags": (DESCRIPTION, b'{"tags": [' + b"1," * 450_000 + b"1]}", "model.json"),
    "a long log": (
        LOG,
        b"x" * 17_000_000,
        "'log.txt' in the file has 17,000,000 unpacked bytes; the maximum is 16,000,000",
    ),
    "weights that are too large": (WEIGHTS, b"\0" * 60_000_000, "has 60,000,000 unpacked bytes; the maximum is 4,0"),
    "optimizer state that is too large": (
        TRAINING,
        b"\0" * 60_000_000,
        "has 60,000,000 unpacked bytes; the maximum is 4,0",
    ),
    "a vocabulary that is too large": (MANIFEST, b'{"vocabulary": [' + b"0," * 2_000_000 + b"0]}", "'checkpoint.json'"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bundle_with_too_much_data_is_rejected_with_its_size_and_the_limit(
    services: Services, parts: Parts, tmp_path: Path, name: str
) -> None:
    part, data, message = BOMBS[name]
    bomb = packed(parts | {part: data}, tmp_path / "bomb.zip")
    assert bomb.stat().st_size < 120_000
    del data
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=message):
            services.models.import_bundle(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000
    assert services.models.all() == [] and not list(services.settings.checkpoints.iterdir())


def test_a_model_with_too_many_weights_is_rejected_before_unpacking(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = packed(parts, tmp_path / "large.zip")
    unpacked: list[str] = []
    read = bundle_history.read_log
    monkeypatch.setattr("charrnn.services.model_bundles.read_log", lambda data: unpacked.append("log") or read(data))
    with open_services(tmp_path / "home", environ={}, limits=Limits(max_parameters=5)) as services:
        with pytest.raises(LimitReached, match="weights"):
            services.models.import_bundle(bundle)
    assert unpacked == []


def test_a_long_history_is_imported_in_portions(
    services: Services, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charrnn.store.history_batch.PORTION", 7)
    rows = "".join(f"{step},{step / 8},\n{step},,{step / 4}\n" for step in range(1, 24))
    lines = "".join(f"line {number}\n" for number in range(1, 24))
    history = {METRICS: b"step,loss,val_loss\n" + rows.encode(), LOG: lines.encode()}
    model = services.models.import_bundle(packed(parts | history, tmp_path / "long.zip"))
    assert [line.text for line in services.models.lines(model.id)] == lines.splitlines()
    assert [m.value for m in services.models.metrics(model.id, names=["loss"])] == [n / 8 for n in range(1, 24)]
    assert [m.value for m in services.models.metrics(model.id, names=["val_loss"])] == [n / 4 for n in range(1, 24)]


def test_packed_metrics_behave_like_a_sequence_of_metrics() -> None:
    values = read_metrics(b"step,loss,val_loss\n3,1.5,\n4,1.25,2.5\n")
    assert [(value.step, value.name, value.value) for value in values] == [
        (3, "loss", 1.5),
        (4, "loss", 1.25),
        (4, "val_loss", 2.5),
    ]
    assert values[1:] == list(values)[1:]
