"""Who may train a model. Every change is a compare-and-set, and every time is the database's.

    ready | stopped | completed | failed | interrupted ──queue──► queued ──claim──► training ──request_stop──► stopping
                  ▲                                                  │                  │                          │
                  └──────────────── unqueue, request_stop ───────────┘                  └── finish, expire ────────┴─► …

A worker proves with the epoch that it got from `claim` that the training is still its own.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from charrnn.core.errors import LeaseLost, StateError
from charrnn.core.records import ACTIVE, STARTABLE, Model, ModelState
from charrnn.store.column_types import storable_json
from charrnn.store.database import Database
from charrnn.store.database_clock import utc_after, utc_now
from charrnn.store.model_rows import HELD, compare_and_set, load_model
from charrnn.store.tables import ModelRow

QUEUE_SECONDS = 60.0
"""A queued training that no worker takes within this time is given up: who queued it died in between."""

_ENDS = (ModelState.STOPPED, ModelState.COMPLETED, ModelState.FAILED, ModelState.INTERRUPTED)


class LeaseStore:
    """The trainings of one database's models."""

    def __init__(self, database: Database):
        self._database = database

    def queue(self, model_id: str, *, train_params: Mapping[str, Any] | None = None) -> Model:
        """Ask for a training; of several that ask at once, one succeeds, and the options are its.

        Args:
            model_id: The model.
            train_params: Options of this training; those that the model has if missing.

        Raises:
            NotFound: There is no such model.
            StateError: It is being trained already, has no text, or is deleted.
        """

        options = {} if train_params is None else {"train_params": storable_json(train_params)}

        def work(session: Session) -> Model:
            changed = compare_and_set(
                session,
                model_id,
                ModelRow.state.in_(STARTABLE),
                ModelRow.deleted_at.is_(None),
                state=ModelState.QUEUED,
                worker="",
                lease_until=utc_after(QUEUE_SECONDS),
                stop_requested=False,
                error=None,
                finished_at=None,
                updated_at=utc_now(),
                **options,
            )
            model = load_model(session, model_id)
            if not changed:
                raise StateError(_why_not_startable(model))
            return model

        return self._database.write(work)

    def unqueue(self, model_id: str, back_to: ModelState) -> Model:
        """Take a queued model back to where it was, because its training could not be begun.

        Raises:
            NotFound: There is no such model.
            StateError: It is not queued any more.
            ValueError: `back_to` is no state from which a training may be queued.
        """
        if back_to not in STARTABLE:
            raise ValueError(f"back_to is {back_to}, but must be one of {', '.join(sorted(STARTABLE))}")

        def work(session: Session) -> Model:
            changed = compare_and_set(
                session,
                model_id,
                ModelRow.state == ModelState.QUEUED,
                state=back_to,
                lease_until=None,
                updated_at=utc_now(),
            )
            model = load_model(session, model_id)
            if not changed:
                raise StateError(f"The model {model.name!r} is {model.state}, not queued, and was left as it is.")
            return model

        return self._database.write(work)

    def claim(self, model_id: str, worker: str, *, seconds: float, cpu: str | None = None, above: int = 0) -> Model:
        """Take a queued training; of several workers that try at once, one succeeds.

        Args:
            model_id: The queued model.
            worker: Who takes it, as `host:pid:token:table:start`.
            seconds: How long the lease lasts unless it is renewed by `HistoryStore.append`.
            cpu: Name of the CPU that trains.
            above: The new epoch is greater than this one, too: a number that the disk has seen although the database
                lost its claim.

        Returns:
            The model with its new epoch, which every later write of this training must carry.

        Raises:
            NotFound: There is no such model.
            StateError: It is not queued, or another worker was quicker.
        """

        def work(session: Session) -> Model:
            changed = compare_and_set(
                session,
                model_id,
                ModelRow.state == ModelState.QUEUED,
                state=ModelState.TRAINING,
                epoch=case((ModelRow.epoch < above, above), else_=ModelRow.epoch) + 1,
                worker=worker,
                lease_until=utc_after(seconds),
                cpu=cpu,
                started_at=utc_now(),
                updated_at=utc_now(),
            )
            model = load_model(session, model_id)
            if not changed:
                holder = f" by {model.worker}" if model.worker else ""
                raise StateError(f"The model {model.name!r} is {model.state}{holder}; only a queued one can be taken.")
            return model

        return self._database.write(work)

    def request_stop(self, model_id: str) -> Model:
        """Ask a training to end after the step under way; one that waits in the queue ends at once.

        Raises:
            NotFound: There is no such model.
            StateError: It is not being trained.
        """

        def work(session: Session) -> Model:
            model = load_model(session, model_id, lock=True)
            match model.state:
                case ModelState.TRAINING:
                    state = ModelState.STOPPING
                case ModelState.QUEUED:
                    state = ModelState.STOPPED if model.step else ModelState.READY
                case ModelState.STOPPING:
                    return model
                case _:
                    raise StateError(f"The model {model.name!r} is {model.state}; there is no training to stop.")
            compare_and_set(
                session,
                model_id,
                ModelRow.state == model.state,
                state=state,
                lease_until=model.lease_until if state == ModelState.STOPPING else None,
                stop_requested=state == ModelState.STOPPING,
                updated_at=utc_now(),
            )
            return load_model(session, model_id)

        return self._database.write(work)

    def finish(self, model_id: str, epoch: int, state: ModelState, *, error: str | None = None) -> Model:
        """End one's own training; the same call made twice is as good as once.

        Args:
            model_id: The model.
            epoch: As `claim` gave it.
            state: `stopped`, `completed`, `failed` or `interrupted`.
            error: Why it ended and what to do, when it failed.

        Raises:
            LeaseLost: Somebody else holds this training, or ended it.
            NotFound: There is no such model.
            ValueError: `state` is no end.
        """
        if state not in _ENDS:
            raise ValueError(f"state is {state}, but a training ends as one of {', '.join(_ENDS)}")

        def work(session: Session) -> Model:
            changed = _end(session, model_id, epoch, state=state, error=error, **_LEFT)
            model = load_model(session, model_id)
            if not changed and (model.epoch, model.state) != (epoch, state):
                raise lost(model, epoch)
            return model

        return self._database.write(work)

    def interrupt(self, model_id: str, epoch: int) -> Model:
        """End the training of a worker that is known to be dead, without waiting for its lease to run out.

        Raises:
            LeaseLost: The model is in another training by now, or this one has ended.
            NotFound: There is no such model.
        """

        def work(session: Session) -> Model:
            changed = _end(session, model_id, epoch, state=ModelState.INTERRUPTED, error=_DIED, **_LEFT)
            model = load_model(session, model_id)
            if not changed:
                raise lost(model, epoch)
            return model

        return self._database.write(work)

    def expire(self, *, alive: Collection[str] = ()) -> list[Model]:
        """End all trainings whose lease has run out, and those that nobody took from the queue; any number of processes
        may do this at any time.

        A worker that was only kept from renewing its lease goes on with its next `HistoryStore.append`, unless somebody
        began another training, changed what is trained, or deleted the model meanwhile.

        Args:
            alive: Ids of models whose worker the caller knows to be at work, whatever their leases say.

        Returns:
            The models that this call found and ended as `interrupted`.
        """
        # A training without a lease must not count as alive for ever.
        overdue = func.coalesce(ModelRow.lease_until, ModelRow.started_at, ModelRow.updated_at) < utc_now()
        candidates = (
            select(ModelRow.id, ModelRow.epoch)
            .where(ModelRow.state.in_(ACTIVE), overdue, ModelRow.id.not_in(alive))
            .order_by(ModelRow.id)
        )
        # The look is not a write: with nothing overdue, which is nearly always, nobody has to wait.
        found = self._database.read(lambda session: session.execute(candidates).all())
        if not found:
            return []

        def work(session: Session) -> list[Model]:
            ended = [
                model_id
                for model_id, epoch in found
                if _end(session, model_id, epoch, overdue, among=ACTIVE, state=ModelState.INTERRUPTED, error=_DIED)
            ]
            return [load_model(session, model_id) for model_id in ended]

        return self._database.write(work)


_LEFT: dict[str, Any] = {"worker": "", "stop_requested": False}
"""What only an end that is certain sets: without it a worker that was thought dead finds its training again."""

_DIED = (
    "The worker that trained this model stopped answering. Resume the training; it goes on from the last checkpoint."
)


def lost(model: Model, epoch: int) -> LeaseLost:
    """Say that training number `epoch` of this model is not the caller's any more."""
    return LeaseLost(
        f"Training {epoch} of the model {model.name!r} is over for this worker: the model is {model.state} in training "
        f"{model.epoch} now. Nothing of it was stored; end it, and resume from the last checkpoint if need be."
    )


def _end(
    session: Session,
    model_id: str,
    epoch: int,
    *conditions: ColumnElement[bool],
    among: Collection[ModelState] = HELD,
    **values: Any,
) -> bool:
    return compare_and_set(
        session,
        model_id,
        ModelRow.epoch == epoch,
        ModelRow.state.in_(among),
        *conditions,
        lease_until=None,
        finished_at=utc_now(),
        updated_at=utc_now(),
        **values,
    )


def _why_not_startable(model: Model) -> str:
    if model.deleted_at is not None:
        return f"The model {model.name!r} is deleted. Restore it first."
    if model.state in ACTIVE:
        holder = f" by {model.worker}" if model.worker else ""
        return (
            f"The model {model.name!r} is being trained already (it is {model.state}{holder}). Wait, or stop it first."
        )
    return f"The model {model.name!r} has no text yet. Give it one first."
