"""Test that importing small malicious files cannot exhaust memory."""

import json
import tracemalloc
from pathlib import Path

import pytest

from charrnn.core.errors import BundleError, LimitExceeded
from charrnn.core.limits import Limits
from charrnn.core.records import Model
from charrnn.services import Services, bundle_history_reader, open_services
from charrnn.services.bundle_history_reader import DESCRIPTION, LOG, METRICS, SAMPLES, read_metrics
from tests.services.test_bundle_reader import MANIFEST, TRAINING, WEIGHTS, Parts, packed, parts_of
from tests.support.small_training import Trained


@pytest.fixture(scope="module")
def parts(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """The files of a valid bundle."""
    return parts_of(trained.services.models.export(trained.model.id, tmp_path_factory.mktemp("exported") / "x.zip"))


BOMBS = {
    "empty log lines": (LOG, b"\n" * 3_000_000, "'log.txt' in the file has 3,000,000 lines; the maximum is 200,000"),
    "empty rows": (METRICS, b"step,loss\n" + b"\n" * 2_000_000, "'metrics.csv' in the file has 2,000,001 rows"),
    "a wide row": (METRICS, b"step" + b"," * 9_000_000, "a row of more than 65,536 characters"),
    "a wide row of numbers": (METRICS, b"step,loss\n" + b"1" * 9_000_000, "a row of more than 65,536 characters"),
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
    read = bundle_history_reader.read_log
    monkeypatch.setattr("charrnn.services.bundle_reader.read_log", lambda data: unpacked.append("log") or read(data))
    with open_services(tmp_path / "home", environ={}, limits=Limits(max_parameters=5)) as services:
        with pytest.raises(LimitExceeded, match="weights"):
            services.models.import_bundle(bundle)
    assert unpacked == []


def test_a_long_history_is_imported_in_portions(
    services: Services, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charrnn.store.history_batch.CHUNK_ROWS", 7)
    rows = "".join(f"{step},{step / 8},\n{step},,{step / 4}\n" for step in range(1, 24))
    lines = "".join(f"line {number}\n" for number in range(1, 24))
    history = {METRICS: b"step,loss,val_loss\n" + rows.encode(), LOG: lines.encode()}
    model = services.models.import_bundle(packed(parts | history, tmp_path / "long.zip"))
    assert [line.text for line in services.models.lines(model.id)] == lines.splitlines()
    assert [m.value for m in services.models.metrics(model.id, names=["loss"])] == [n / 8 for n in range(1, 24)]
    assert [m.value for m in services.models.metrics(model.id, names=["val_loss"])] == [n / 4 for n in range(1, 24)]


LONG = 60
LONG_HISTORY = {
    METRICS: b"step,loss,val_loss\n"
    + "".join(f"{step},{step / 8},{step / 4 if step % 10 == 0 else ''}\n" for step in range(1, LONG + 1)).encode(),
    LOG: "".join(f"line {number} äöü\n" for number in range(1, LONG + 1)).encode(),
    SAMPLES: json.dumps(
        [{"step": step, "text": f"duck [{step}], ä", "options": {}} for step in range(1, LONG + 1)]
    ).encode(),
}


@pytest.fixture
def long_model(services: Services, parts: Parts, tmp_path: Path) -> Model:
    """A model with 60 log lines, 66 values and 60 samples."""
    return services.models.import_bundle(packed(parts | LONG_HISTORY, tmp_path / "long.zip"))


BOUNDS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "the defaults": ({}, {}),
    "the exact size": ({"lines": LONG + 1, "rows": LONG + 1, "values": 67, "samples": LONG}, {}),
    "few lines": ({"lines": 20}, {}),
    "few values": ({"values": 30}, {}),
    "few rows": ({"rows": 30}, {}),
    "few samples": ({"samples": 7}, {}),
    "few items in samples": ({"items": 120}, {}),
    "a short log": ({}, {LOG: 1_400}),
    "short metrics": ({}, {METRICS: 300}),
    "short samples": ({}, {SAMPLES: 600}),
    "small bounds for all files": (
        {"lines": 5, "rows": 4, "values": 4, "samples": 1, "items": 120},
        {LOG: 1_300, METRICS: 90},
    ),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_an_export_with_a_history_of_any_length_can_be_imported(
    services: Services, long_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    counts, sizes = BOUNDS[name]
    for unit, maximum in counts.items():
        monkeypatch.setitem(bundle_history_reader.MAX_COUNTS, unit, maximum)
    for part, maximum in sizes.items():
        monkeypatch.setitem(bundle_history_reader.MAX_TEXT_BYTES, part, maximum)
    imported = services.models.import_bundle(services.models.export(long_model.id, tmp_path / "export.zip"))

    def read_history(model: Model) -> tuple[list[str], dict[int, float], dict[int, float], list[str]]:
        lines, metrics = services.models.lines(model.id), services.models.metrics(model.id)
        curves = ({m.step: m.value for m in metrics if m.name == kind} for kind in ("loss", "val_loss"))
        return ([line.text for line in lines], *curves, sorted(s.text for s in services.models.samples(model.id)))

    (lines, losses, validations, samples), (all_lines, all_losses, all_validations, all_samples) = map(
        read_history, (imported, long_model)
    )
    is_complete = name in ("the defaults", "the exact size")
    kept = [line for line in lines if line in all_lines]
    assert kept == all_lines[len(all_lines) - len(kept) :]
    assert losses.items() <= all_losses.items() and validations.items() <= all_validations.items()
    assert max(losses) == max(all_losses) and max(validations) == max(all_validations)
    assert set(samples) <= set(all_samples)
    has_everything = (kept, losses, validations, samples) == (all_lines, all_losses, all_validations, all_samples)
    notes = " ".join(line for line in lines if line not in kept)
    assert has_everything == is_complete == (notes == "")
    assert ("values" in notes) == (len(losses) + len(validations) < 66)
    assert ("samples" in notes) == (samples != all_samples)
    assert ("log lines" in notes) == (kept != all_lines)


def test_a_checkpoint_that_is_too_large_for_an_import_is_not_exported(
    services: Services, long_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charrnn.services.models.LARGEST_CHECKPOINT", 10)
    with pytest.raises(BundleError, match="bytes; the maximum for an export is 10\\."):
        services.models.export(long_model.id, tmp_path / "large.zip")
    assert not list(tmp_path.glob("large*"))


def test_packed_metrics_behave_like_a_sequence_of_metrics() -> None:
    values = read_metrics(b"step,loss,val_loss\n3,1.5,\n4,1.25,2.5\n")
    assert [(value.step, value.name, value.value) for value in values] == [
        (3, "loss", 1.5),
        (4, "loss", 1.25),
        (4, "val_loss", 2.5),
    ]
    assert values[1:] == list(values)[1:]
