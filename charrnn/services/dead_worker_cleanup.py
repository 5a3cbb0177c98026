"""End trainings whose worker is gone."""

from collections.abc import Collection
from contextlib import suppress

from charrnn.core.errors import LeaseLost
from charrnn.core.records import Model, ModelState
from charrnn.services.checkpoint_recovery import Recovery
from charrnn.services.models import Library
from charrnn.services.process_identity import is_dead
from charrnn.store.training_leases import LeaseStore


def end_dead(leases: LeaseStore, library: Library, recovery: Recovery, *, alive: Collection[str]) -> list[Model]:
    """Mark trainings as `interrupted` whose lease ran out or whose process ended, and adopt what those had saved.

    Args:
        leases: Ends them.
        library: Models to look at.
        recovery: Adopts checkpoints that the database does not know.
        alive: Ids of models whose worker the caller knows to be at work.

    Returns:
        The models that were marked.
    """
    found = leases.expire(alive=alive)
    for model in library.all():
        if model.state in (ModelState.TRAINING, ModelState.STOPPING) and is_dead(model.worker):
            with suppress(LeaseLost):  # another process was quicker
                found.append(leases.interrupt(model.id, model.epoch))
                recovery.adopt(found[-1])
    return found
