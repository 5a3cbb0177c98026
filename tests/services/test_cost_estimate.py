"""Test the estimated cost of a training."""

from dataclasses import replace

import pytest

from charrnn.core.duration_estimate import Speed, step_seconds
from charrnn.core.errors import TextError
from charrnn.core.options import checked
from charrnn.services.cost_estimate import estimate

TEXT = {"num_characters": 1_115_394, "num_distinct": 65}


def test_epochs_and_parameters_of_the_default_options() -> None:
    cost = estimate(checked("training", {}), **TEXT)
    num_train = 1_115_394 - 100_000  # max_val_chars limits the validation split
    assert cost.steps_per_epoch == (num_train // 32 - 1) // 50
    assert cost.total_steps == 1000
    assert cost.epochs == pytest.approx(1000 / cost.steps_per_epoch)
    # 4 gates of 66 + 128 inputs, then of 128 + 128, with one bias each; 66 logits of 128 + 1
    assert cost.num_parameters == 4 * 128 * (66 + 128 + 1) + 4 * 128 * (128 + 128 + 1) + 66 * 129


def test_limits_shorten_the_training() -> None:
    assert estimate(checked("training", {"max_epochs": 0.5}), **TEXT).total_steps == pytest.approx(634 / 2, abs=1)
    assert estimate(checked("training", {"max_steps": 10**6, "max_minutes": 3}), **TEXT).minutes == 3


@pytest.mark.parametrize("larger", [{"lstm_size": 512}, {"num_layers": 7}, {"num_seqs": 128}, {"num_steps": 300}])
def test_larger_options_take_longer(larger: dict[str, int]) -> None:
    speed = Speed(large=1e11, small=5e10, memory=2e10)
    base = step_seconds(checked("training", {}), 66, speed)
    assert step_seconds(checked("training", larger), 66, speed) > base


@pytest.mark.parametrize("slower", [{"large": 5e10}, {"small": 2e10}, {"memory": 1e10}])
def test_a_slower_machine_takes_longer(slower: dict[str, float]) -> None:
    speed = Speed(large=1e11, small=5e10, memory=2e10)
    options = checked("training", {})
    assert step_seconds(options, 66, replace(speed, **slower)) > step_seconds(options, 66, speed)


def test_frequent_validations_take_longer() -> None:
    often, rarely = (checked("training", {"eval_every_n": number}) for number in (10, 1000))
    assert estimate(often, **TEXT).minutes > 1.5 * estimate(rarely, **TEXT).minutes


def test_a_text_that_is_too_short_is_rejected() -> None:
    with pytest.raises(TextError, match="num_seqs"):
        estimate(checked("training", {}), num_characters=99, num_distinct=9)
