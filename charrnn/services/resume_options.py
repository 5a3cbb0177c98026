"""Validate the options of a training that is resumed."""

from collections.abc import Mapping
from typing import Any

from charrnn.core.errors import OptionError, StateError
from charrnn.core.options import ARCHITECTURE, Value, checked
from charrnn.core.records import ACTIVE, Model, ModelState

FIXED = (*ARCHITECTURE, "optimizer", "ngram_order")
"""Options that determine the content of a checkpoint; a training cannot be resumed with others."""


def resume_options(model: Model, changes: Mapping[str, Any]) -> dict[str, Value]:
    """Return all training options of a model whose training is resumed with some of them changed.

    Raises:
        StateError: The model is being trained, or has completed all its steps.
        OptionError: An option is invalid, or can no longer be changed.
    """
    if model.state in ACTIVE:
        raise StateError(f"The model {model.name!r} is being trained already. Follow that training, or stop it first.")
    values = checked("training", changes, base=model.train_params)
    changed = [name for name in FIXED if values[name] != model.train_params.get(name, values[name])]
    if changed:
        raise OptionError(
            {
                name: f"{name} cannot change from {model.train_params[name]!r} to {values[name]!r} when a training "
                f"is resumed, because its checkpoints would not fit. Train a new model instead."
                for name in changed
            }
        )
    before = checked("training", model.train_params)
    has_more_time = bool(values["fit_steps"]) and float(values["max_minutes"]) > float(before["max_minutes"])
    has_more = values != before and (int(values["max_steps"]) > model.step or has_more_time)
    if model.state == ModelState.COMPLETED and not has_more:
        more_time = f", or max_minutes {2 * before['max_minutes']:g}" if values["fit_steps"] else ""
        raise StateError(
            f"The training of {model.name!r} has completed all {model.step:,} steps. To continue, allow more steps, "
            f"for example max_steps {2 * model.step}{more_time}."
        )
    return values
