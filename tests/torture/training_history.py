"""Read the results of a training, and compare them with those of an uninterrupted one."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from charrnn.services import Services
from tests.support.small_training import OPTIONS, TEXT

LOG_EVERY = 10
LONG = OPTIONS | {"save_every_n": 25, "eval_every_n": 40, "log_every_n": LOG_EVERY, "sample_every_n": 200}
"""Options of a training that saves often."""
SURE = ("loss", "val_loss", "grad_norm", "learning_rate")
"""Metrics that are the same in every run; the speed is not."""


def new_model(services: Services, name: str, **options: int) -> str:
    """Create a model that is ready to train and return its ID."""
    corpus, _ = services.corpora.add(TEXT, name="ducks")
    return services.models.create(name, corpus=corpus, options=LONG | options).id


@dataclass(frozen=True)
class Story:
    """Everything that two runs of the same training must have in common."""

    metrics: list[tuple[int, str, float]]
    samples: list[tuple[int, str]]
    weights: bytes
    memory: bytes
    """Optimizer state and recurrent state."""


def told(services: Services, model_id: str) -> Story:
    """Read a completed training."""
    metrics = services.models.metrics(model_id, names=SURE)
    newest = next(c for c in services.models.checkpoints(model_id) if c.kind == "last")
    folder = services.settings.checkpoints / model_id / newest.folder
    return Story(
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
    wrong = []
    if [line.position for line in lines] != list(range(1, model.log_position + 1)):
        wrong.append("positions have gaps")
    at = furthest = 0
    for line in lines:
        if line.text.startswith("corpus size"):
            at = 0
        elif found := re.match(r"resumed at step (\d+)", line.text):
            at = int(found[1])
            if at >= furthest + LOG_EVERY and at not in missing:
                wrong.append(f"resumed at step {at}, but the log had come to {furthest}")
        elif found := re.match(r"step: (\d+)/", line.text):
            if int(found[1]) != at - at % LOG_EVERY + LOG_EVERY:
                wrong.append(f"step {found[1]} after {at}")
            at = int(found[1])
            furthest = max(furthest, at)
    return wrong


def missing_steps(services: Services, model_id: str) -> set[int]:
    """Return the steps for which the log says that something may be missing."""
    steps: set[int] = set()
    for line in services.models.lines(model_id):
        if found := re.search(r"of steps ([\d,]+) to ([\d,]+) may be missing", line.text):
            first, last = (int(number.replace(",", "")) for number in found.groups())
            steps |= set(range(first, last + 1))
    return steps


def told_without(story: Story, steps: set[int]) -> Story:
    """Remove the metrics and samples of some steps."""
    metrics = [metric for metric in story.metrics if metric[0] not in steps]
    return replace(story, metrics=metrics, samples=[sample for sample in story.samples if sample[0] not in steps])


def left_over(services: Services, model_id: str) -> list[str]:
    """Return the checkpoints without a row or without a folder."""
    folders = {path.name for path in _folder(services, model_id).iterdir() if not path.name.startswith(".")}
    return sorted(folders ^ {checkpoint.folder for checkpoint in services.models.checkpoints(model_id)})


def half_written(services: Services, model_id: str) -> set[str]:
    """Return the checkpoints that are being written, or were when their worker was killed."""
    return {path.name for path in _folder(services, model_id).glob(".tmp-*")}


def _folder(services: Services, model_id: str) -> Path:
    return services.settings.checkpoints / model_id
