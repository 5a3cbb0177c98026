"""With which options a training may go on."""

from collections.abc import Mapping
from typing import Any

from charrnn.core.errors import OptionError, StateError
from charrnn.core.options import ARCHITECTURE, Value, checked
from charrnn.core.records import ACTIVE, Model, ModelState

FIXED = (*ARCHITECTURE, "optimizer")
"""Options that determine the content of a checkpoint; a training cannot be resumed with others."""


def options_to_go_on(model: Model, changes: Mapping[str, Any]) -> dict[str, Value]:
    """Return all training options of a model that goes on with some of them changed.

    Raises:
        StateError: It is being trained already, or all its steps are done.
        OptionError: An option is wrong, or cannot be changed any more.
    """
    if model.state in ACTIVE:
        raise StateError(f"The model {model.name!r} is being trained already; follow it, or stop it first.")
    values = checked("training", changes, base=model.train_params)
    fixed = [name for name in FIXED if values[name] != model.train_params.get(name, values[name])]
    if fixed:
        raise OptionError(
            {
                name: f"{name} cannot change from {model.train_params[name]!r} to {values[name]!r} when a training "
                f"goes on, since its checkpoints fit no other. Train a new model with it."
                for name in fixed
            }
        )
    is_same = values == checked("training", model.train_params)
    if model.state == ModelState.COMPLETED and (is_same or int(values["max_steps"]) <= model.step):
        raise StateError(
            f"The training of {model.name!r} has done all its steps: {model.step:,}. To go on, allow more: for "
            f"example max_steps {2 * model.step}."
        )
    return values
