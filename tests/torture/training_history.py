"""Read the results of a training, and compare them with those of an uninterrupted one."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from charrnn.services import Services
from tests.support.small_training import OPTIONS, TEXT

LOG_EVERY = 10
LONG = OPTIONS | {"save_every_n": 25, "eval_every_n": 40, "log_every_n": LOG_EVERY, "sample_every_n": 200}
"""Options of a training that saves often."""
DETERMINISTIC_METRICS = ("loss", "val_loss", "grad_norm", "learning_rate")
"""Metrics that are equal in every run, unlike the speed."""


def new_model(services: Services, name: str, **options: int) -> str:
    """Create a model that is ready to train and return its ID."""
    corpus, _ = services.corpora.add(TEXT, name="ducks")
    return services.models.create(name, corpus=corpus, options=LONG | options).id


@dataclass(frozen=True)
class TrainingResult:
    """Everything that is equal in two runs of the same training."""

    metrics: list[tuple[int, str, float]]
    samples: list[tuple[int, str]]
    weights: bytes
    training_state: bytes
    """Optimizer state and recurrent state."""


def read_result(services: Services, model_id: str) -> TrainingResult:
    """Read the result of a completed training."""
    metrics = services.models.metrics(model_id, names=DETERMINISTIC_METRICS)
    newest = next(c for c in services.models.checkpoints(model_id) if c.kind == "last")
    folder = services.settings.checkpoints / model_id / newest.folder
    return TrainingResult(
        [(metric.step, metric.name, metric.value) for metric in metrics],
        sorted((sample.step, sample.text) for sample in services.models.samples(model_id)),
        (folder / "weights.safetensors").read_bytes(),
        (folder / "training.safetensors").read_bytes(),
    )


def gaps(services: Services, model_id: str) -> list[str]:
    """Return what is missing, duplicated or out of order in the log, within and between runs."""
    model, lines, missing = (
        services.models.get(model_id),
        services.models.lines(model_id),
        missing_steps(services, model_id),
    )
    errors = []
    if [line.position for line in lines] != list(range(1, model.log_position + 1)):
        errors.append("positions have gaps")
    step = furthest = 0
    for line in lines:
        if line.text.startswith("corpus size"):
            step = 0
        elif found := re.match(r"resumed at step (\d+)", line.text):
            step = int(found[1])
            if step >= furthest + LOG_EVERY and step not in missing:
                errors.append(f"resumed at step {step}, but the log ends at step {furthest}")
        elif found := re.match(r"step: (\d+)/", line.text):
            if int(found[1]) != step - step % LOG_EVERY + LOG_EVERY:
                errors.append(f"step {found[1]} after {step}")
            step = int(found[1])
            furthest = max(furthest, step)
    return errors


def missing_steps(services: Services, model_id: str) -> set[int]:
    """Return the steps for which the log says that something may be missing."""
    steps: set[int] = set()
    for line in services.models.lines(model_id):
        if found := re.search(r"of steps ([\d,]+) to ([\d,]+) may be missing", line.text):
            first, last = (int(number.replace(",", "")) for number in found.groups())
            steps |= set(range(first, last + 1))
    return steps


def without_steps(result: TrainingResult, steps: set[int]) -> TrainingResult:
    """Remove the metrics and samples of some steps."""
    metrics = [metric for metric in result.metrics if metric[0] not in steps]
    return replace(result, metrics=metrics, samples=[sample for sample in result.samples if sample[0] not in steps])


def unmatched_checkpoints(services: Services, model_id: str) -> list[str]:
    """Return the checkpoints without a row or without a folder."""
    folders = {path.name for path in _folder(services, model_id).iterdir() if not path.name.startswith(".")}
    return sorted(folders ^ {checkpoint.folder for checkpoint in services.models.checkpoints(model_id)})


def unfinished_checkpoints(services: Services, model_id: str) -> set[str]:
    """Return the checkpoints that are being written, or were when their worker was killed."""
    return {path.name for path in _folder(services, model_id).glob(".tmp-*")}


def _folder(services: Services, model_id: str) -> Path:
    return services.settings.checkpoints / model_id
