"""One delivery of a training's history: what is in it, and how it is stored exactly once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from charrnn.core.errors import LeaseLost
from charrnn.core.records import Checkpoint, Metric, Model, ModelState, Sample
from charrnn.store.column_types import storable_json, storable_text
from charrnn.store.database_clock import utc_after, utc_now
from charrnn.store.model_rows import HELD, compare_and_set, load_model
from charrnn.store.tables import CheckpointRow, LogRow, MetricRow, ModelRow, SampleRow
from charrnn.store.training_leases import lost
from charrnn.store.upsert import insert_many, insert_missing, insert_or_replace

PORTION = 10_000
"""Rows that are made and sent at once."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a training has said since the last delivery.

    Numbers that are NaN or infinite cannot be stored: such metrics are left out, such losses count as unknown. The
    trainer says so in a log line, so nothing is lost silently.
    """

    first_position: int
    """Position in the log of the first line, or of the next one when there is none; the log counts from 1."""
    lines: Sequence[tuple[str, str]] = ()
    """Text and level of each log line."""
    metrics: Sequence[Metric] = ()
    """A value measured again at the same step takes the place of the first; without a time it gets the database's."""
    samples: Sequence[Sample] = ()
    checkpoints: Sequence[Checkpoint] = ()
    step: int | None = None
    """Step that the training has done; the model's never goes down."""
    best_loss: float | None = None
    """Lowest validation loss so far, in nats per character; the model's never goes up."""
    max_steps: int | None = None
    """Step that the schedule ends at, where the clock has shown it; takes the place of the option."""


def apply_batch(session: Session, model_id: str, epoch: int, batch: Batch, seconds: float) -> bool:
    """Do the work of `HistoryStore.append` in a transaction."""
    # The fence comes first: it locks the row, so that nothing below can change under our feet.
    lease = {"lease_until": utc_after(seconds)}
    held = compare_and_set(session, model_id, ModelRow.epoch == epoch, ModelRow.state.in_(HELD), **lease)
    held = held or _taken_back(session, model_id, epoch, **lease)
    model = load_model(session, model_id)
    if not held:
        raise lost(model, epoch)
    known = model.log_position - batch.first_position + 1  # lines of this batch that are stored already
    if known < 0:
        raise LeaseLost(
            f"The log of the model {model.name!r} ends at line {model.log_position}, but the next delivery begins at "
            f"line {batch.first_position}. Send the lines between first, or resume from the last checkpoint."
        )
    if batch.lines and known >= len(batch.lines):
        return model.stop_requested
    insert_parts(session, model_id, batch, epoch=epoch, known=known)
    if progress := _progress(model, batch, known):
        compare_and_set(session, model_id, **progress)
    return model.stop_requested


def insert_parts(session: Session, model_id: str, batch: Batch, *, epoch: int | None, known: int = 0) -> None:
    """Insert what is in a batch, but for its first `known` lines; samples of no `epoch` are a user's own."""
    # in portions: an imported history can be long, and rows take far more memory than what they are made of
    for first in range(known, len(batch.lines), PORTION):
        lines = batch.lines[first : first + PORTION]
        _insert_lines(session, model_id, lines, first_position=batch.first_position + first)
    now = session.scalars(select(utc_now())).one()
    for metrics in batched(batch.metrics, PORTION):
        rows = [_metric(model_id, metric, now) for metric in metrics if math.isfinite(metric.value)]
        insert_or_replace(session, MetricRow, rows)
    insert_missing(session, SampleRow, [_sample(model_id, epoch, sample) for sample in batch.samples])
    insert_missing(session, CheckpointRow, [_checkpoint(model_id, checkpoint) for checkpoint in batch.checkpoints])


def _taken_back(session: Session, model_id: str, epoch: int, **lease: Any) -> bool:
    """Go on with a training whose lease ran out while its worker could not renew it, if nobody took it over since."""
    return compare_and_set(
        session,
        model_id,
        ModelRow.epoch == epoch,
        ModelRow.state == ModelState.INTERRUPTED,
        ModelRow.worker != "",  # only `LeaseStore.expire` leaves it there
        ModelRow.deleted_at.is_(None),
        state=case((ModelRow.stop_requested, ModelState.STOPPING), else_=ModelState.TRAINING),
        error=None,
        finished_at=None,
        **lease,
    )


def _insert_lines(session: Session, model_id: str, lines: Sequence[tuple[str, str]], *, first_position: int) -> None:
    # The time is left to the column's default: writing it out took a fifth of all the time here.
    rows = [
        (model_id, position, storable_text(text), level) for position, (text, level) in enumerate(lines, first_position)
    ]
    insert_many(session, LogRow, ("model_id", "position", "chunk", "level"), rows)


def _metric(model_id: str, metric: Metric, now: datetime) -> dict[str, Any]:
    # Numbers may be NumPy's: SQLite would keep their bytes, and PyMySQL does not know them.
    return {
        "model_id": model_id,
        "name": metric.name,
        "step": int(metric.step),
        "value": float(metric.value),
        "time": metric.time or now,
    }


def _sample(model_id: str, epoch: int | None, sample: Sample) -> dict[str, Any]:
    return {
        "id": sample.id,
        "model_id": model_id,
        "step": int(sample.step),
        "text": sample.text,
        "options": storable_json(sample.options),
        "epoch": epoch,
        "created_at": sample.created_at,
    }


def _checkpoint(model_id: str, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "id": checkpoint.id,
        "model_id": model_id,
        "step": int(checkpoint.step),
        "kind": checkpoint.kind,
        "loss": _finite(checkpoint.loss),
        "folder": checkpoint.folder,
        "size_bytes": checkpoint.size_bytes,
        "created_at": checkpoint.created_at,
    }


def _progress(model: Model, batch: Batch, known: int) -> dict[str, Any]:
    """Tell what the batch changes in the model itself."""
    changes: dict[str, Any] = {}
    if batch.lines:
        changes["log_position"] = model.log_position + len(batch.lines) - known
    if batch.step is not None and batch.step > model.step:
        changes["step"] = int(batch.step)
    best = _finite(batch.best_loss)
    if best is not None and (model.best_loss is None or best < model.best_loss):
        changes["best_loss"] = best
    if batch.max_steps is not None:
        changes["train_params"] = {**model.train_params, "max_steps": int(batch.max_steps)}
    return changes


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
