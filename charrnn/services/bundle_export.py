"""Write a model to one ZIP file that `charrnn.services.bundles` reads."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from charrnn.core.files import atomic_file
from charrnn.core.records import Checkpoint, LogLine, Metric, Model, Sample
from charrnn.services.bundles import FORMAT, metrics_csv


def write_bundle(
    target: Path,
    model: Model,
    checkpoint: Checkpoint,
    parts: Sequence[Path],
    lines: Sequence[LogLine],
    metrics: Sequence[Metric],
    samples: Sequence[Sample],
) -> Path:
    """Write a model, one of its checkpoints and its history.

    Args:
        target: File to write.
        model: The model.
        checkpoint: The checkpoint that goes along.
        parts: The files of the checkpoint.
        lines: The log.
        metrics: Measured values.
        samples: Generated texts.

    Returns:
        The file.
    """
    about = {
        "format": FORMAT,
        "name": model.name,
        "notes": model.notes,
        "tags": list(model.tags),
        "state": model.state,
        "step": model.step,
        "best_loss": model.best_loss,
        "train_params": dict(model.train_params),
        "checkpoint": {"kind": checkpoint.kind, "step": checkpoint.step, "loss": checkpoint.loss},
    }
    told = [{"step": sample.step, "text": sample.text, "options": dict(sample.options)} for sample in samples]
    with atomic_file(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("model.json", json.dumps(about, ensure_ascii=False, indent=1))
        bundle.writestr("log.txt", "".join(line.text + "\n" for line in lines))
        bundle.writestr("metrics.csv", metrics_csv(metrics))
        bundle.writestr("samples.json", json.dumps(told, ensure_ascii=False, indent=1))
        for part in parts:
            bundle.write(part, f"checkpoint/{part.name}")
    return target
