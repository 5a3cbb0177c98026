"""End trainings whose worker died."""

from collections.abc import Collection
from contextlib import suppress

from charrnn.core.errors import LeaseLost
from charrnn.core.records import Model, ModelState
from charrnn.services.checkpoint_recovery import CheckpointRecovery
from charrnn.services.models import Models
from charrnn.services.process_identity import is_dead
from charrnn.store.training_leases import LeaseStore


def end_dead_trainings(
    leases: LeaseStore, models: Models, recovery: CheckpointRecovery, *, alive: Collection[str]
) -> list[Model]:
    """Mark trainings whose lease expired or whose process ended as `interrupted`, and adopt their checkpoints.

    Args:
        leases: Ends the trainings.
        models: The models to check.
        recovery: Adopts checkpoint folders without a row.
        alive: Ids of models whose worker is known to be alive.

    Returns:
        The models that were marked.
    """
    interrupted = leases.expire(alive=alive)
    for model in models.all():
        if model.state in (ModelState.TRAINING, ModelState.STOPPING) and is_dead(model.worker):
            with suppress(LeaseLost):  # another process has ended it already
                interrupted.append(leases.interrupt(model.id, model.epoch))
                recovery.adopt(interrupted[-1])
    return interrupted
