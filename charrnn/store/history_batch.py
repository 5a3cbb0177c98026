"""Store a batch of a training's history exactly once, and renew the lease of the training."""

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
from charrnn.store.row_conversion import LEASED, compare_and_set, load_model
from charrnn.store.tables import CheckpointRow, LogRow, MetricRow, ModelRow, SampleRow
from charrnn.store.training_leases import lease_lost
from charrnn.store.upsert import insert_many, insert_missing, insert_or_replace

CHUNK_ROWS = 10_000
"""Rows inserted per statement."""


@dataclass(frozen=True, kw_only=True)
class HistoryBatch:
    """The events of a training since the last batch.

    NaN and infinite values cannot be stored: such metrics are omitted, and such losses are stored as NULL. The training
    also logs a line about them.
    """

    first_position: int
    """Log position of the first line, or of the next one if there are no lines; positions count from 1."""
    lines: Sequence[tuple[str, str]] = ()
    """Text and level of each log line."""
    metrics: Sequence[Metric] = ()
    """Metrics; a value replaces a stored one of the same name and step, and a missing time becomes the current one."""
    samples: Sequence[Sample] = ()
    checkpoints: Sequence[Checkpoint] = ()
    step: int | None = None
    """Last completed step; ignored if it is lower than the model's step."""
    best_loss: float | None = None
    """Lowest validation loss so far, in nats per character; ignored if it is higher than the model's best loss."""
    max_steps: int | None = None
    """Last step of the schedule after it was fitted to the time budget; replaces the model's option."""


def apply_batch(session: Session, model_id: str, epoch: int, batch: HistoryBatch, seconds: float) -> bool:
    """Implement `HistoryStore.append` inside a transaction."""
    # The lease is renewed first: this update locks the model's row, so that it cannot change during the rest.
    lease = {"lease_until": utc_after(seconds)}
    held = compare_and_set(session, model_id, ModelRow.epoch == epoch, ModelRow.state.in_(LEASED), **lease)
    held = held or _reclaimed(session, model_id, epoch, **lease)
    model = load_model(session, model_id)
    if not held:
        raise lease_lost(model, epoch)
    known = model.log_position - batch.first_position + 1  # lines of this batch that are already stored
    if known < 0:
        raise LeaseLost(
            f"The log of the model {model.name!r} ends at line {model.log_position}, but the next batch starts at "
            f"line {batch.first_position}. Send the missing lines first, or resume from the last checkpoint."
        )
    if batch.lines and known >= len(batch.lines):
        return model.stop_requested
    insert_batch(session, model_id, batch, epoch=epoch, known=known)
    if progress := _progress(model, batch, known):
        compare_and_set(session, model_id, **progress)
    return model.stop_requested


def insert_batch(session: Session, model_id: str, batch: HistoryBatch, *, epoch: int | None, known: int = 0) -> None:
    """Insert a batch without its first `known` lines; if `epoch` is `None`, its samples count as the user's."""
    # Rows are inserted in chunks, because they take far more memory than their values and a history can be long.
    for first in range(known, len(batch.lines), CHUNK_ROWS):
        lines = batch.lines[first : first + CHUNK_ROWS]
        _insert_lines(session, model_id, lines, first_position=batch.first_position + first)
    now = session.scalars(select(utc_now())).one()
    for metrics in batched(batch.metrics, CHUNK_ROWS):
        rows = [_metric(model_id, metric, now) for metric in metrics if math.isfinite(metric.value)]
        insert_or_replace(session, MetricRow, rows)
    insert_missing(session, SampleRow, [_sample(model_id, epoch, sample) for sample in batch.samples])
    insert_missing(session, CheckpointRow, [_checkpoint(model_id, checkpoint) for checkpoint in batch.checkpoints])


def _reclaimed(session: Session, model_id: str, epoch: int, **lease: Any) -> bool:
    """Resume a training whose lease expired because its worker could not renew it, unless the model was changed."""
    return compare_and_set(
        session,
        model_id,
        ModelRow.epoch == epoch,
        ModelRow.state == ModelState.INTERRUPTED,
        ModelRow.worker != "",  # kept only by `LeaseStore.expire`
        ModelRow.deleted_at.is_(None),
        state=case((ModelRow.stop_requested, ModelState.STOPPING), else_=ModelState.TRAINING),
        error=None,
        finished_at=None,
        **lease,
    )


def _insert_lines(session: Session, model_id: str, lines: Sequence[tuple[str, str]], *, first_position: int) -> None:
    # The time is the column's default, which is faster than sending it.
    rows = [
        (model_id, position, storable_text(text), level) for position, (text, level) in enumerate(lines, first_position)
    ]
    insert_many(session, LogRow, ("model_id", "position", "chunk", "level"), rows)


def _metric(model_id: str, metric: Metric, now: datetime) -> dict[str, Any]:
    # Convert NumPy scalars: SQLite would store their bytes, and PyMySQL cannot convert them.
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


def _progress(model: Model, batch: HistoryBatch, known: int) -> dict[str, Any]:
    """Return the changes of the model's columns."""
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
