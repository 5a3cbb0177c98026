"""Store and read the log lines, metrics, samples and checkpoints of models."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from charrnn.core.errors import ConstraintError, NotFound, OptionError
from charrnn.core.records import Checkpoint, Curve, LogLine, Metric, Model, Sample
from charrnn.store.column_types import storable_json
from charrnn.store.database import Database
from charrnn.store.database_clock import utc_now
from charrnn.store.driver_errors import is_missing_parent
from charrnn.store.history_batch import HistoryBatch, apply_batch
from charrnn.store.history_rewind import adopt, rewind
from charrnn.store.row_conversion import checkpoint_from_row, new_id, sample_from_row
from charrnn.store.tables import CheckpointRow, LogRow, MetricRow, SampleRow

__all__ = ["HistoryBatch", "HistoryStore"]

UNIX_EPOCH = datetime(1970, 1, 1)
ROW_BYTES = 100
"""Approximate size of a row without its text: key, time and index entry."""


class HistoryStore:
    """The histories of the models of one database."""

    def __init__(self, database: Database):
        self._database = database

    def append(self, model_id: str, epoch: int, batch: HistoryBatch, *, seconds: float) -> bool:
        """Store the events of a training since the last call and renew its lease, in one transaction.

        A batch that is sent again, because the response was lost, is stored once. An empty batch only renews the lease.
        A training that was ended by `LeaseStore.expire` is resumed, unless the model was changed since.

        Args:
            model_id: The model.
            epoch: Epoch of the training, as returned by `LeaseStore.claim`.
            batch: The events.
            seconds: Duration of the lease from now.

        Returns:
            Whether a stop was requested.

        Raises:
            LeaseLost: Another worker holds this training, it has ended, or lines before this batch are missing.
            NotFound: There is no such model.
        """
        return self._database.write(lambda session: apply_batch(session, model_id, epoch, batch, seconds))

    def rewind(self, model_id: str, epoch: int, step: int) -> list[Checkpoint]:
        """Remove metrics, samples and checkpoints after the step that a training resumes from.

        Log lines and samples requested by a user are kept.

        Args:
            model_id: The model.
            epoch: Epoch of the training, as returned by `LeaseStore.claim`.
            step: Step of the checkpoint that the training resumes from.

        Returns:
            The removed checkpoints; their folders can be deleted.

        Raises:
            LeaseLost: Another worker holds this training, or it has ended.
            NotFound: There is no such model.
        """
        return self._database.write(lambda session: rewind(session, model_id, epoch, step))

    def adopt(
        self, model: Model, batch: HistoryBatch, *, reached: int, options: Mapping[str, Any] | None = None
    ) -> bool:
        """Replace a model's checkpoints, none of which is usable, with others found on disk.

        Args:
            model: The model as it was read; it must not be training.
            batch: The checkpoints, their metrics and step, and a log line.
            reached: Last step whose metrics and samples belong to the same training; later ones are removed.
            options: New training options; `None` keeps those of the model.

        Returns:
            Whether the checkpoints were replaced; false if the model was changed, trained or deleted since it was read.

        Raises:
            NotFound: There is no such model.
        """
        return self._database.write(lambda session: adopt(session, model, batch, reached, options))

    def lines(self, model_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """Read log lines in order.

        Args:
            model_id: The model.
            after: Position of the last known line.
            limit: Maximum number of lines.

        Raises:
            OptionError: `limit` is negative.
        """
        statement = select(LogRow).where(LogRow.model_id == model_id, LogRow.position > after)
        return self._lines(statement.order_by(LogRow.position).limit(_not_negative("limit", limit)))

    def last_lines(self, model_id: str, count: int) -> list[LogLine]:
        """Read the last `count` log lines, in order.

        Raises:
            OptionError: `count` is negative.
        """
        statement = select(LogRow).where(LogRow.model_id == model_id).order_by(LogRow.position.desc())
        return self._lines(statement.limit(_not_negative("count", count)))[::-1]

    def find_lines(
        self, model_id: str, words: str, *, levels: Collection[str] = (), limit: int = 1000
    ) -> list[LogLine]:
        """Find the last log lines that contain `words`, ignoring case; in order.

        Args:
            model_id: The model.
            words: Text to search for; if empty, every line matches.
            levels: Levels of the lines to find; all if empty.
            limit: Maximum number of lines.

        Raises:
            OptionError: `limit` is negative.
        """
        statement = select(LogRow).where(LogRow.model_id == model_id)
        if words:
            statement = statement.where(LogRow.chunk.icontains(words, autoescape=True))
        if levels:
            statement = statement.where(LogRow.level.in_(levels))
        statement = statement.order_by(LogRow.position.desc())
        return self._lines(statement.limit(_not_negative("limit", limit)))[::-1]

    def metrics(self, model_id: str, *, names: Collection[str] | None = None, after_step: int = -1) -> list[Metric]:
        """Read metrics in order of steps, then names.

        Args:
            model_id: The model.
            names: Names of the metrics to read; `None` for all.
            after_step: Last known step; -1 includes step 0.
        """
        table = MetricRow.__table__.c  # columns are faster than objects, and a curve can have many rows
        statement = select(table.step, table.name, table.value, table.time).where(
            table.model_id == model_id, table.step > after_step
        )
        if names is not None:
            statement = statement.where(table.name.in_(names))
        statement = statement.order_by(table.step, table.name)
        return self._database.read(lambda session: [Metric(*row) for row in session.execute(statement)])

    def curve(self, model_id: str, name: str, *, after_step: int = -1) -> Curve:
        """Read the values of one metric as arrays.

        Args:
            model_id: The model.
            name: The metric.
            after_step: Last known step; -1 includes step 0.
        """
        table = MetricRow.__table__.c
        statement = select(table.step, table.value, table.time).where(
            table.model_id == model_id, table.name == name, table.step > after_step
        )
        rows = self._database.read(lambda session: session.execute(statement.order_by(table.step)).all())
        if not rows:
            return Curve()
        steps, values, times = zip(*rows, strict=True)
        seconds = [(time - UNIX_EPOCH).total_seconds() for time in times]  # faster than NumPy
        return Curve(*(np.array(column, dtype=np.float64) for column in (steps, values, seconds)))

    def samples(self, model_id: str, *, known: Collection[str] = ()) -> list[Sample]:
        """Read all samples, oldest first.

        Args:
            model_id: The model.
            known: Ids of samples to leave out.
        """
        mine = SampleRow.model_id == model_id

        def transaction(session: Session) -> list[Sample]:
            statement = select(SampleRow).where(mine).order_by(SampleRow.created_at, SampleRow.id)
            if known:
                new = set(session.scalars(select(SampleRow.id).where(mine))) - set(known)
                if not new:
                    return []
                statement = statement.where(SampleRow.id.in_(new))
            return [sample_from_row(row) for row in session.scalars(statement)]

        return self._database.read(transaction)

    def add_sample(self, model_id: str, *, step: int, text: str, options: dict[str, Any]) -> Sample:
        """Store a sample that was generated outside of a training.

        Raises:
            NotFound: There is no such model.
            OptionError: An option is NaN or infinite.
        """
        stored = storable_json(options)

        def transaction(session: Session) -> Sample:
            now = session.scalars(select(utc_now())).one()
            row = SampleRow(id=new_id(), model_id=model_id, step=step, text=text, options=stored, created_at=now)
            session.add(row)
            session.flush()
            session.refresh(row)
            return sample_from_row(row)

        try:
            return self._database.write(transaction)
        except ConstraintError as error:
            if is_missing_parent(error):
                raise NotFound(f"There is no model with the id {model_id!r}. It may have been purged.") from error
            raise

    def checkpoints(self, model_id: str) -> list[Checkpoint]:
        """Read all checkpoints in order of steps."""
        statement = select(CheckpointRow).where(CheckpointRow.model_id == model_id)
        statement = statement.order_by(CheckpointRow.step, CheckpointRow.created_at, CheckpointRow.id)
        return self._database.read(lambda session: [checkpoint_from_row(row) for row in session.scalars(statement)])

    def checkpoint(self, model_id: str, kind: str) -> Checkpoint | None:
        """Read the newest checkpoint of a kind, `last` or `best`; `None` if there is none."""
        return next((found for found in reversed(self.checkpoints(model_id)) if found.kind == kind), None)

    def used_bytes(self, model_id: str) -> int:
        """Return the approximate disk space of a model in bytes: its checkpoints and the rows of its history."""
        of = {table: table.model_id == model_id for table in (CheckpointRow, LogRow, SampleRow, MetricRow)}
        sums = (
            select(func.sum(CheckpointRow.size_bytes)).where(of[CheckpointRow]),
            select(func.sum(func.length(LogRow.chunk) + ROW_BYTES)).where(of[LogRow]),
            select(func.sum(func.length(SampleRow.text) + ROW_BYTES)).where(of[SampleRow]),
            select(func.count() * ROW_BYTES).select_from(MetricRow).where(of[MetricRow]),
        )
        return self._database.read(lambda session: sum(int(session.scalar(each) or 0) for each in sums))

    def checkpoint_folders(self) -> dict[str, set[str]]:
        """Read the folder names of all checkpoints, by model id."""
        statement = select(CheckpointRow.model_id, CheckpointRow.folder)
        folders: dict[str, set[str]] = {}
        for model_id, folder in self._database.read(lambda session: session.execute(statement).all()):
            folders.setdefault(model_id, set()).add(folder)
        return folders

    def drop_checkpoint(self, checkpoint_id: str) -> None:
        """Remove a checkpoint's row, so that its folder can be deleted; a missing row is ignored."""
        statement = delete(CheckpointRow).where(CheckpointRow.id == checkpoint_id)
        self._database.write(lambda session: session.execute(statement))

    def _lines(self, statement: Any) -> list[LogLine]:
        rows = self._database.read(lambda session: session.scalars(statement).all())
        return [LogLine(row.position, row.chunk, row.level, row.time) for row in rows]


def _not_negative(name: str, value: int) -> int:
    if value < 0:
        raise OptionError({name: f"{name} is {value}, but it must be 0 or more."})
    return value
