"""Test that a failed training has the right state and message and can be resumed."""

import re
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from charrnn.core.records import ModelState
from charrnn.services import Services
from tests.support.small_training import OPTIONS, TEXT, Trained

Network = Any


class At(keras.callbacks.Callback):
    """Disturb the training after a step."""

    def __init__(self, step: int, action: Callable[[Network], None]):
        super().__init__()
        self._step, self._action, self._num_steps = step, action, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._num_steps += 1
        if self._num_steps == self._step:
            self._action(self.model)


def raise_memory_error(network: Network) -> None:
    raise MemoryError


def exit_program(network: Network) -> None:
    sys.exit(3)


def raise_error(network: Network) -> None:
    raise ZeroDivisionError("no ducks left")


def set_bias_to_nan(network: Network) -> None:
    network.output_bias.assign(np.full(network.output_bias.shape, np.nan))


@pytest.mark.parametrize(
    ("action", "message", "step"),
    [
        (raise_memory_error, "ran out of memory. Lower num_seqs or num_steps and resume", 7),
        (exit_program, "Training failed: SystemExit: 3. See the log for details, fix the cause and resume", 7),
        (raise_error, "Training failed: ZeroDivisionError: no ducks left. See the log for details, fix", 7),
        (set_bias_to_nan, "The loss became nan .* Lower learning_rate .* The last checkpoint is kept", 6),
    ],
)
def test_a_failed_training_explains_what_to_do_and_resumes_without_a_gap(
    services: Services, trained: Trained, action: Callable[[Network], None], message: str, step: int
) -> None:
    """The loss of a step whose callback failed used to be missing: the step was saved, but its loss was not stored."""
    # A valid network is saved at the step that failed; a network with NaN is not, so the checkpoint before is kept.
    model = services.training.start(TEXT, options=OPTIONS | {"save_every_n": 3}, callbacks=[At(7, action)])
    ended = services.training.wait(model.id)
    assert ended.state == ModelState.FAILED
    assert ended.worker == ""
    assert re.search(message, ended.error or "")
    assert services.models.checkpoints(model.id)[0].step == step
    services.training.resume(model.id)
    assert services.training.wait(model.id).state == ModelState.COMPLETED
    curves = [
        list(source.models.curve(model_id, "loss").values)
        for source, model_id in ((services, model.id), (trained.services, trained.model.id))
    ]
    assert curves[0] == curves[1]
