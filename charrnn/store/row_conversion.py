"""Convert rows to records, and update models by compare-and-set."""

import uuid
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from charrnn.core.errors import NotFound
from charrnn.core.records import Checkpoint, Corpus, Model, ModelState, Sample
from charrnn.store.tables import CheckpointRow, CorpusRow, ModelRow, SampleRow

LEASED = (ModelState.TRAINING, ModelState.STOPPING)
"""States in which a worker holds the lease."""


def new_id() -> str:
    """Return a random id for a model, checkpoint or sample: 32 hexadecimal digits, which are a valid folder name."""
    return uuid.uuid4().hex


def compare_and_set(session: Session, model_id: str, *conditions: ColumnElement[bool], **values: Any) -> bool:
    """Update a model if, and only if, the conditions hold when the statement runs.

    Returns:
        Whether the model was updated.
    """
    statement = update(ModelRow).where(ModelRow.id == model_id, *conditions).values(**values)
    # SQLAlchemy makes MySQL count matched rows, so rows whose values do not change count as well.
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast(CursorResult[Any], result).rowcount == 1


def load_model(session: Session, model_id: str, *, lock: bool = False) -> Model:
    """Read a model's current state inside a transaction.

    Args:
        session: A session of `Database.read` or `Database.write`.
        model_id: The model.
        lock: Lock the row until the end of the transaction.

    Raises:
        NotFound: There is no such model.
    """
    statement = select(ModelRow).where(ModelRow.id == model_id).execution_options(populate_existing=True)
    row = session.scalars(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise NotFound(f"There is no model with the id {model_id!r}. It may have been purged; list the models.")
    return model_from_row(row)


def model_from_row(row: ModelRow) -> Model:
    """Return the record of a row."""
    return Model(
        id=row.id,
        name=row.name,
        state=ModelState(row.state),
        created_at=row.created_at,
        updated_at=row.updated_at,
        train_params=row.train_params,
        corpus_id=row.corpus_id,
        owner=row.owner,
        notes=row.notes,
        tags=tuple(row.tags),
        epoch=row.epoch,
        worker=row.worker,
        lease_until=row.lease_until,
        stop_requested=row.stop_requested,
        step=row.step,
        best_loss=row.best_loss,
        log_position=row.log_position,
        error=row.error,
        started_at=row.started_at,
        finished_at=row.finished_at,
        deleted_at=row.deleted_at,
        cpu=row.cpu,
        queued_at=row.queued_at,
        queue_rank=row.queue_rank,
        queue_priority=row.queue_priority,
        queued_from=ModelState(row.queued_from) if row.queued_from else None,
        resumes=row.resumes,
    )


def corpus_from_row(row: CorpusRow) -> Corpus:
    """Return the record of a row."""
    return Corpus(
        id=row.id,
        name=row.name,
        size_bytes=row.size_bytes,
        num_characters=row.num_characters,
        num_distinct=row.num_distinct,
        num_lines=row.num_lines,
        encoding=row.encoding,
        newlines=row.newlines,
        created_at=row.created_at,
    )


def checkpoint_from_row(row: CheckpointRow) -> Checkpoint:
    """Return the record of a row."""
    return Checkpoint(
        id=row.id,
        model_id=row.model_id,
        step=row.step,
        kind=row.kind,
        loss=row.loss,
        folder=row.folder,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
    )


def sample_from_row(row: SampleRow) -> Sample:
    """Return the record of a row."""
    return Sample(
        id=row.id,
        model_id=row.model_id,
        step=row.step,
        text=row.text,
        options=row.options,
        created_at=row.created_at,
        by_user=row.epoch is None,
    )
