"""Tests of streams, windows, and the split into training and validation."""

import numpy as np
import pytest

from charrnn.core.batches import Split, Streams, check_length, split
from charrnn.core.errors import TextError

B, T = 3, 4


def naive_batches(ids, first=0):
    """Yield the batches of one epoch by a naive loop: B streams, windows of T, each target the next character."""
    stride = len(ids) // B
    for window in range((stride - 1) // T):
        rows = []
        for stream in range(B):
            start = first + stream * stride + window * T
            rows.append([int(ids[start + position]) for position in range(T + 1)])
        yield rows


@pytest.mark.parametrize("length", [15, 16, 41, 47, 100])
def test_first_epoch_matches_a_naive_loop(length):
    ids = np.arange(length, dtype=np.uint8)
    streams = Streams(ids, num_seqs=B, num_steps=T, seed=7)
    expected = list(naive_batches(ids))
    assert [streams.batch(step).tolist() for step in range(streams.steps_per_epoch)] == expected


def test_defect_13_every_target_is_the_next_character_in_every_epoch():
    ids = np.arange(251, dtype=np.uint8)
    streams = Streams(ids, num_seqs=B, num_steps=T, seed=7)
    for step in range(5 * streams.steps_per_epoch):
        batch = streams.batch(step)
        assert (batch[:, 1:] == batch[:, :-1] + 1).all()


def test_windows_are_contiguous_within_an_epoch():
    streams = Streams(np.arange(100, dtype=np.uint8), num_seqs=B, num_steps=T, seed=7)
    for step in range(1, streams.steps_per_epoch):
        assert (streams.batch(step)[:, 0] == streams.batch(step - 1)[:, -1]).all()


def test_epochs_start_at_different_offsets_within_the_text():
    ids = np.arange(3 * 16 + 2, dtype=np.uint8)
    streams = Streams(ids, num_seqs=B, num_steps=T, seed=7)
    firsts = {int(streams.batch(number * streams.steps_per_epoch)[0, 0]) for number in range(40)}
    assert firsts == {0, 1, 2, 3}


def test_state_is_reset_only_at_the_start_of_an_epoch():
    streams = Streams(np.arange(47, dtype=np.uint8), num_seqs=B, num_steps=T, seed=7)
    assert streams.steps_per_epoch == 3
    assert [step for step in range(9) if streams.starts_epoch(step)] == [0, 3, 6]


def test_same_seed_gives_the_same_batches_from_any_step():
    ids = np.arange(100, dtype=np.uint8)
    one, two = (Streams(ids, num_seqs=B, num_steps=T, seed=11) for _ in range(2))
    for step in reversed(range(40)):
        assert (one.batch(step) == two.batch(step)).all()


def test_defect_4_text_shorter_than_one_batch_is_rejected_with_advice():
    with pytest.raises(TextError, match=r"has 1,599 characters.*32 × 51 = 1,632.*num_seqs to 31.*num_steps to 48"):
        check_length(1599, 32, 50)


@pytest.mark.parametrize(("length", "num_seqs", "num_steps"), [(1599, 31, 50), (1599, 32, 48), (10, 1, 9), (2, 1, 1)])
def test_options_suggested_by_the_message_are_sufficient(length, num_seqs, num_steps):
    check_length(length, num_seqs, num_steps)
    assert Streams(np.zeros(length, np.uint8), num_seqs=num_seqs, num_steps=num_steps, seed=1).steps_per_epoch == 1


def test_shortest_text_gives_one_batch():
    streams = Streams(np.arange(B * (T + 1), dtype=np.uint8), num_seqs=B, num_steps=T, seed=7)
    assert streams.steps_per_epoch == 1 and streams.batch(0).shape == (B, T + 1)


def test_split_validates_on_the_end_of_the_text():
    assert split(1000, val_fraction=0.1, num_seqs=B, num_steps=T) == Split(900, 100)


def test_split_limits_the_validation_of_a_long_text():
    assert split(1000, val_fraction=0.1, num_seqs=B, num_steps=T, max_val_chars=70) == Split(930, 70)
    assert split(1000, val_fraction=0.1, num_seqs=B, num_steps=T, max_val_chars=300) == Split(900, 100)
    assert split(1000, val_fraction=0, num_seqs=B, num_steps=T, max_val_chars=70) == Split(1000, 0)


def test_split_prefers_training_when_the_text_is_short():
    assert split(17, val_fraction=0.5, num_seqs=B, num_steps=T) == Split(15, 2)
    assert split(16, val_fraction=0.5, num_seqs=B, num_steps=T) == Split(16, 0)
    assert split(15, val_fraction=0.1, num_seqs=B, num_steps=T) == Split(15, 0)
