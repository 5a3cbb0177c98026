"""Queue, claim, stop and end trainings, by compare-and-set and with the database's clock.

    ready | stopped | completed | failed | interrupted ──queue──► queued ──claim──► training ──request_stop──► stopping
                  ▲                                                  │                  │                          │
                  └──────────────── unqueue, request_stop ───────────┘                  └── finish, expire ────────┴─► …

`claim` returns an epoch, a fencing token that proves in each write that the worker still holds the lease.
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
from charrnn.store.row_conversion import LEASED, compare_and_set, load_model
from charrnn.store.tables import ModelRow
from charrnn.store.training_queue import is_unreserved, queue_values

_ENDS = (ModelState.STOPPED, ModelState.COMPLETED, ModelState.FAILED, ModelState.INTERRUPTED)


class LeaseStore:
    """The trainings of the models of one database."""

    def __init__(self, database: Database):
        self._database = database

    def queue(
        self,
        model_id: str,
        *,
        train_params: Mapping[str, Any] | None = None,
        resumes: bool = False,
        reserved_by: str = "",
    ) -> Model:
        """Queue a training; of several concurrent calls, one succeeds, and its options are used.

        Args:
            model_id: The model.
            train_params: New training options of the model; `None` keeps them.
            resumes: Whether the training continues from the newest checkpoint.
            reserved_by: The only process that may claim the training while its reservation lasts; empty for any.

        Raises:
            NotFound: There is no such model.
            StateError: The model is training already, has no text, or is deleted.
        """
        options = {} if train_params is None else {"train_params": storable_json(train_params)}

        def transaction(session: Session) -> Model:
            before = load_model(session, model_id, lock=True)
            if before.state not in STARTABLE or before.deleted_at is not None:
                raise StateError(_why_not_startable(before))
            compare_and_set(
                session,
                model_id,
                stop_requested=False,
                error=None,
                finished_at=None,
                updated_at=utc_now(),
                queued_from=before.state,
                **queue_values(session, resumes=resumes, reserved_by=reserved_by),
                **options,
            )
            return load_model(session, model_id)

        return self._database.write(transaction)

    def unqueue(self, model_id: str, back_to: ModelState, *, error: str | None = None) -> Model:
        """Return a queued model to an idle state, because its training could not start.

        Args:
            model_id: The queued model.
            back_to: Its previous state, or `failed`.
            error: The message of a training that cannot start.

        Raises:
            NotFound: There is no such model.
            StateError: The model is no longer queued.
            ValueError: `back_to` is not a state from which a training can be queued.
        """
        if back_to not in STARTABLE:
            raise ValueError(f"back_to is {back_to}; expected one of {', '.join(sorted(STARTABLE))}")

        def transaction(session: Session) -> Model:
            changed = compare_and_set(
                session,
                model_id,
                ModelRow.state == ModelState.QUEUED,
                state=back_to,
                worker="",
                lease_until=None,
                error=error,
                updated_at=utc_now(),
            )
            model = load_model(session, model_id)
            if not changed:
                raise StateError(f"The model {model.name!r} is {model.state}, not queued. It was not changed.")
            return model

        return self._database.write(transaction)

    def claim(self, model_id: str, worker: str, *, seconds: float, cpu: str | None = None, above: int = 0) -> Model:
        """Claim a queued training; of several concurrent calls, one succeeds.

        Args:
            model_id: The queued model.
            worker: Name of the worker, as `host:pid:token:table:start`.
            seconds: Duration of the lease, unless `HistoryStore.append` renews it.
            cpu: Name of the CPU that trains the model.
            above: Lower bound of the new epoch, exclusive: the highest epoch found in folder names, which is higher
                than the model's if the database lost a claim.

        Returns:
            The model with its new epoch, which must be passed to every write of this training.

        Raises:
            NotFound: There is no such model.
            StateError: The model is not queued, another worker has claimed it, or it is reserved for another process.
        """

        def transaction(session: Session) -> Model:
            changed = compare_and_set(
                session,
                model_id,
                ModelRow.state == ModelState.QUEUED,
                is_unreserved(worker),
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
                raise StateError(
                    f"The model {model.name!r} is {model.state}{holder}. Only queued models can be claimed, and those "
                    f"that are reserved only by their process."
                )
            return model

        return self._database.write(transaction)

    def request_stop(self, model_id: str) -> Model:
        """Request that a training stop after the current step; a queued training is cancelled immediately.

        Raises:
            NotFound: There is no such model.
            StateError: The model is not training.
        """

        def transaction(session: Session) -> Model:
            model = load_model(session, model_id, lock=True)
            match model.state:
                case ModelState.TRAINING:
                    state = ModelState.STOPPING
                case ModelState.QUEUED:
                    state = _after_cancelling(model)
                case ModelState.STOPPING:
                    return model
                case _:
                    raise StateError(f"The model {model.name!r} is {model.state}, so there is no training to stop.")
            compare_and_set(
                session,
                model_id,
                ModelRow.state == model.state,
                state=state,
                worker=model.worker if state == ModelState.STOPPING else "",
                lease_until=model.lease_until if state == ModelState.STOPPING else None,
                stop_requested=state == ModelState.STOPPING,
                updated_at=utc_now(),
            )
            return load_model(session, model_id)

        return self._database.write(transaction)

    def finish(self, model_id: str, epoch: int, state: ModelState, *, error: str | None = None) -> Model:
        """End the caller's training. Repeated calls have no further effect.

        Args:
            model_id: The model.
            epoch: Epoch of the training, as returned by `claim`.
            state: `stopped`, `completed`, `failed` or `interrupted`.
            error: The message of a failed training.

        Raises:
            LeaseLost: Another worker holds this training, or it has ended in another state.
            NotFound: There is no such model.
            ValueError: `state` is not a final state.
        """
        if state not in _ENDS:
            raise ValueError(f"state is {state}; expected one of {', '.join(_ENDS)}")

        def transaction(session: Session) -> Model:
            changed = _end(session, model_id, epoch, state=state, error=error, **_RELEASED)
            model = load_model(session, model_id)
            if not changed and (model.epoch, model.state) != (epoch, state):
                raise lease_lost(model, epoch)
            return model

        return self._database.write(transaction)

    def interrupt(self, model_id: str, epoch: int) -> Model:
        """End the training of a dead worker, without waiting for its lease to expire.

        Raises:
            LeaseLost: The model has a later training, or this one has ended.
            NotFound: There is no such model.
        """

        def transaction(session: Session) -> Model:
            changed = _end(session, model_id, epoch, state=ModelState.INTERRUPTED, error=_DIED, **_RELEASED)
            model = load_model(session, model_id)
            if not changed:
                raise lease_lost(model, epoch)
            return model

        return self._database.write(transaction)

    def expire(self, *, alive: Collection[str] = ()) -> list[Model]:
        """End all trainings whose lease has expired. Queued trainings never expire.

        Several processes may call this concurrently. A live worker that could not renew its lease reclaims its training
        with the next `HistoryStore.append`, unless another training was started, the corpus or the options were
        changed, or the model was deleted since.

        Args:
            alive: Ids of models whose workers are known to be alive, even if their leases have expired.

        Returns:
            The models that this call ended as `interrupted`.
        """
        # A training without a lease must expire, too.
        overdue = func.coalesce(ModelRow.lease_until, ModelRow.started_at, ModelRow.updated_at) < utc_now()
        candidates = (
            select(ModelRow.id, ModelRow.epoch)
            .where(ModelRow.state.in_(LEASED), overdue, ModelRow.id.not_in(alive))
            .order_by(ModelRow.id)
        )
        # Read first: usually nothing is overdue, so no write lock is needed.
        found = self._database.read(lambda session: session.execute(candidates).all())
        if not found:
            return []

        def transaction(session: Session) -> list[Model]:
            ended = [
                model_id
                for model_id, epoch in found
                if _end(session, model_id, epoch, overdue, state=ModelState.INTERRUPTED, error=_DIED)
            ]
            return [load_model(session, model_id) for model_id in ended]

        return self._database.write(transaction)


_RELEASED: dict[str, Any] = {"worker": "", "stop_requested": False}
"""Values for a training whose worker has certainly ended. `expire` does not set them, so that a worker presumed dead
can reclaim its training."""

_DIED = (
    "The worker that trained this model stopped responding. Resume the training to continue from the last checkpoint."
)


def lease_lost(model: Model, epoch: int) -> LeaseLost:
    """Return the error for a worker that no longer holds the lease of training `epoch`."""
    return LeaseLost(
        f"This worker lost training {epoch} of the model {model.name!r}: the model is {model.state} in training "
        f"{model.epoch} now. Nothing of this write was stored. Resume from the last checkpoint if necessary."
    )


def _end(
    session: Session,
    model_id: str,
    epoch: int,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> bool:
    return compare_and_set(
        session,
        model_id,
        ModelRow.epoch == epoch,
        ModelRow.state.in_(LEASED),
        *conditions,
        lease_until=None,
        finished_at=utc_now(),
        updated_at=utc_now(),
        **values,
    )


def _after_cancelling(model: Model) -> ModelState:
    """Return the state of a queued model whose training is cancelled."""
    if model.queued_from == ModelState.COMPLETED and not model.resumes:  # it was to start over
        return ModelState.COMPLETED
    return ModelState.STOPPED if model.step else ModelState.READY


def _why_not_startable(model: Model) -> str:
    if model.deleted_at is not None:
        return f"The model {model.name!r} is deleted. Restore it first."
    if model.state in ACTIVE:
        holder = f" by {model.worker}" if model.worker else ""
        return f"The model {model.name!r} is training already (it is {model.state}{holder}). Wait, or stop it first."
    return f"The model {model.name!r} has no text yet. Assign a text to it first."
