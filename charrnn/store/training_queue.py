"""Order the waiting trainings, reserve them for a process, and elect the process that starts them.

Any process may start a waiting training. A process that queued one with callbacks, or that a user watches in a
terminal, *reserves* it: until the reservation expires or is released, no other process can claim it.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from charrnn.core.errors import StateError
from charrnn.core.records import Model, ModelState
from charrnn.store.database import Database
from charrnn.store.database_clock import utc_after, utc_now
from charrnn.store.row_conversion import LEASED, compare_and_set, load_model, model_from_row
from charrnn.store.tables import DispatcherRow, ModelRow
from charrnn.store.upsert import insert_missing

RESERVATION_SECONDS = 60.0
"""Time after which a reservation expires, unless its process renews it."""


class Move(StrEnum):
    """How to move a waiting training."""

    UP = "up"
    DOWN = "down"
    FIRST = "first"


class QueueStore:
    """The waiting trainings of one database."""

    def __init__(self, database: Database):
        self._database = database

    def waiting(self) -> list[Model]:
        """Return the queued models, by priority and rank; `charrnn.core.queue_order` alternates their owners."""
        order = (ModelRow.queue_priority.desc(), ModelRow.queue_rank, ModelRow.id)
        statement = select(ModelRow).where(ModelRow.state == ModelState.QUEUED).order_by(*order)
        return self._database.read(lambda session: [model_from_row(row) for row in session.scalars(statement)])

    def running(self) -> list[Model]:
        """Return the models in training."""
        statement = select(ModelRow).where(ModelRow.state.in_(LEASED)).order_by(ModelRow.id)
        return self._database.read(lambda session: [model_from_row(row) for row in session.scalars(statement)])

    def last_starts(self) -> dict[str, datetime]:
        """Return when the newest training of each owner started."""
        statement = select(ModelRow.owner, func.max(ModelRow.started_at)).group_by(ModelRow.owner)
        rows = self._database.read(lambda session: session.execute(statement).all())
        return {owner: start for owner, start in rows if start is not None}

    def reserve(self, model_id: str, worker: str) -> Model:
        """Reserve a waiting training for a process.

        Raises:
            NotFound: There is no such model.
            StateError: The model is not queued, or is reserved for another process.
        """

        def transaction(session: Session) -> Model:
            changed = compare_and_set(
                session,
                model_id,
                ModelRow.state == ModelState.QUEUED,
                is_unreserved(worker),
                worker=worker,
                lease_until=utc_after(RESERVATION_SECONDS),
            )
            model = load_model(session, model_id)
            if not changed:
                raise StateError(_not_reservable(model))
            return model

        return self._database.write(transaction)

    def renew(self, model_ids: Collection[str], worker: str) -> set[str]:
        """Renew the reservations of a process; return the ids of the models that still wait for it."""

        def transaction(session: Session) -> set[str]:
            held = (ModelRow.state == ModelState.QUEUED, ModelRow.worker == worker)
            lease = {"lease_until": utc_after(RESERVATION_SECONDS)}
            return {model_id for model_id in sorted(model_ids) if compare_and_set(session, model_id, *held, **lease)}

        return self._database.write(transaction)

    def release(self, model_id: str, worker: str) -> bool:
        """End the reservation of a process, so that any process may start the training; return whether it had one."""
        held = (ModelRow.state == ModelState.QUEUED, ModelRow.worker == worker)
        return self._database.write(
            lambda session: compare_and_set(session, model_id, *held, worker="", lease_until=None)
        )

    def release_expired(self) -> None:
        """End the reservations that their processes have not renewed in time."""
        overdue = (ModelRow.state == ModelState.QUEUED, ModelRow.worker != "", ModelRow.lease_until < utc_now())
        statement = update(ModelRow).where(*overdue).values(worker="", lease_until=None)
        self._database.write(
            lambda session: session.execute(statement, execution_options={"synchronize_session": False})
        )

    def move(self, model_id: str, move: Move, *, by_operator: bool) -> Model:
        """Move a training among the waiting ones of its owner and priority; at the end of the line, nothing changes.

        Args:
            model_id: The queued model.
            move: Where to.
            by_operator: Whether `first` places it before the trainings of all owners, and `down` undoes that.

        Raises:
            NotFound: There is no such model.
            StateError: The model is not queued.
        """

        def transaction(session: Session) -> Model:
            model = load_model(session, model_id, lock=True)
            if model.state != ModelState.QUEUED:
                raise StateError(f"The model {model.name!r} is {model.state}, so it has no place in the queue.")
            if by_operator and move == Move.FIRST:
                others = (ModelRow.state == ModelState.QUEUED, ModelRow.id != model_id)
                highest = session.scalar(select(func.max(ModelRow.queue_priority)).where(*others))
                compare_and_set(session, model_id, queue_priority=(highest or 0) + 1)
            elif by_operator and move == Move.DOWN and model.queue_priority:
                compare_and_set(session, model_id, queue_priority=0, queue_rank=0)
            else:
                _reorder(session, model, move)
            return load_model(session, model_id)

        return self._database.write(transaction)

    def elect(self, machine: str, worker: str, *, seconds: float) -> str:
        """Make a process the dispatcher of a machine for some seconds, unless another one is; return the dispatcher.

        Whatever two dispatchers do, a training starts once; this keeps them from exceeding the capacity together.
        """

        def transaction(session: Session) -> str:
            insert_missing(session, DispatcherRow, [{"machine": machine}])
            free = (DispatcherRow.worker == "", DispatcherRow.worker == worker, DispatcherRow.lease_until < utc_now())
            statement = update(DispatcherRow).where(DispatcherRow.machine == machine, or_(*free))
            lease = {"worker": worker, "lease_until": utc_after(seconds)}
            session.execute(statement.values(**lease), execution_options={"synchronize_session": False})
            return session.scalars(select(DispatcherRow.worker).where(DispatcherRow.machine == machine)).one()

        return self._database.write(transaction)

    def serve(self, machine: str, *, seconds: float) -> None:
        """Announce that a process of a machine starts all unreserved trainings during the next seconds."""

        def transaction(session: Session) -> None:
            insert_missing(session, DispatcherRow, [{"machine": machine}])
            session.execute(
                update(DispatcherRow).where(DispatcherRow.machine == machine).values(serves_until=utc_after(seconds)),
                execution_options={"synchronize_session": False},
            )

        self._database.write(transaction)

    def is_served(self, machine: str) -> bool:
        """Return whether a process of a machine starts unreserved trainings."""
        served = (DispatcherRow.machine == machine, DispatcherRow.serves_until > utc_now())
        return self._database.read(
            lambda session: session.scalar(select(DispatcherRow.machine).where(*served)) is not None
        )

    def resign(self, machine: str, worker: str) -> None:
        """Let another process become the dispatcher of a machine."""
        statement = update(DispatcherRow).where(DispatcherRow.machine == machine, DispatcherRow.worker == worker)
        self._database.write(
            lambda session: session.execute(
                statement.values(worker="", lease_until=None), execution_options={"synchronize_session": False}
            )
        )


def queue_values(session: Session, *, resumes: bool, reserved_by: str) -> dict[str, Any]:
    """Return the columns of a model that joins the end of the queue, except its previous state."""
    now = session.scalars(select(utc_now())).one()
    return {
        "state": ModelState.QUEUED,
        "worker": reserved_by,
        "lease_until": utc_after(RESERVATION_SECONDS) if reserved_by else None,
        "queued_at": now,
        "queue_rank": int(now.replace(tzinfo=UTC).timestamp() * 1e6),
        "queue_priority": 0,
        "resumes": resumes,
    }


def is_unreserved(worker: str) -> Any:
    """Return the condition that a process may claim a queued model."""
    return or_(
        ModelRow.worker == "",
        ModelRow.worker == worker,
        ModelRow.lease_until.is_(None),
        ModelRow.lease_until < utc_now(),
    )


def _reorder(session: Session, model: Model, move: Move) -> None:
    same = (ModelRow.owner == model.owner, ModelRow.queue_priority == model.queue_priority)
    statement = select(ModelRow.id, ModelRow.queue_rank).where(ModelRow.state == ModelState.QUEUED, *same)
    rows = session.execute(statement.order_by(ModelRow.queue_rank, ModelRow.id).with_for_update()).all()
    order = [model_id for model_id, _ in rows]
    place = order.index(model.id)
    order.insert({Move.FIRST: 0, Move.UP: max(0, place - 1), Move.DOWN: place + 1}[move], order.pop(place))
    rank = rows[0].queue_rank
    for model_id, (_, known) in zip(order, rows, strict=True):
        rank = max(rank, known)
        compare_and_set(session, model_id, queue_rank=rank)
        rank += 1


def _not_reservable(model: Model) -> str:
    if model.state != ModelState.QUEUED:
        return f"The model {model.name!r} is {model.state}, not queued."
    return f"The training of {model.name!r} waits in another process ({model.worker}). Cancel it there first."
