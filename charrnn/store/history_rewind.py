"""Rewind a model's history to the step of a checkpoint, inside the transactions of `HistoryStore`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from charrnn.core.records import ACTIVE, Checkpoint, Model, ModelState
from charrnn.store.column_types import storable_json
from charrnn.store.database_clock import utc_now
from charrnn.store.history_batch import HistoryBatch, insert_batch
from charrnn.store.row_conversion import LEASED, checkpoint_from_row, compare_and_set, load_model
from charrnn.store.tables import CheckpointRow, MetricRow, ModelRow, SampleRow
from charrnn.store.training_leases import lease_lost


def rewind(session: Session, model_id: str, epoch: int, step: int) -> list[Checkpoint]:
    """Implement `HistoryStore.rewind` inside a transaction."""
    if not compare_and_set(session, model_id, ModelRow.epoch == epoch, ModelRow.state.in_(LEASED), step=step):
        raise lease_lost(load_model(session, model_id), epoch)
    beyond = (CheckpointRow.model_id == model_id, CheckpointRow.step > step)
    dropped = [checkpoint_from_row(row) for row in session.scalars(select(CheckpointRow).where(*beyond))]
    session.execute(delete(CheckpointRow).where(*beyond))
    _delete_values(session, model_id, step)
    compare_and_set(session, model_id, best_loss=_best_loss(session, model_id))
    return dropped


def adopt(session: Session, model: Model, batch: HistoryBatch, reached: int, options: Mapping[str, Any] | None) -> bool:
    """Implement `HistoryStore.adopt` inside a transaction."""
    unchanged = (
        ModelRow.epoch == model.epoch,
        ModelRow.state == model.state,
        ModelRow.state.not_in(ACTIVE),
        ModelRow.log_position == model.log_position,
        ModelRow.deleted_at.is_(None),
    )
    adopted: dict[str, Any] = {
        "state": ModelState.INTERRUPTED,
        "worker": "",  # prevents that a worker presumed dead reclaims the training
        "error": batch.lines[-1][0],
        "step": batch.step,
        "log_position": model.log_position + len(batch.lines),
        "updated_at": utc_now(),
    }
    if options is not None:
        adopted["train_params"] = storable_json(options)
    if not compare_and_set(session, model.id, *unchanged, **adopted):
        return False
    session.execute(delete(CheckpointRow).where(CheckpointRow.model_id == model.id))
    _delete_values(session, model.id, reached)
    insert_batch(session, model.id, batch, epoch=model.epoch)
    compare_and_set(session, model.id, best_loss=_best_loss(session, model.id))
    return True


def _delete_values(session: Session, model_id: str, step: int) -> None:
    """Delete metrics and samples of the training after a step; samples requested by a user are kept."""
    session.execute(delete(MetricRow).where(MetricRow.model_id == model_id, MetricRow.step > step))
    session.execute(
        delete(SampleRow).where(SampleRow.model_id == model_id, SampleRow.step > step, SampleRow.epoch.is_not(None))
    )


def _best_loss(session: Session, model_id: str) -> float | None:
    """Return the lowest validation loss, or the lowest training loss if there were no validations."""
    for name in ("val_loss", "loss"):
        lowest = select(func.min(MetricRow.value)).where(MetricRow.model_id == model_id, MetricRow.name == name)
        best = session.scalars(lowest).one()
        if best is not None:
            return best
    return None
