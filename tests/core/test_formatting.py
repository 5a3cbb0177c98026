"""Tests of formatted numbers, durations and dates."""

from datetime import datetime

import pytest

from charrnn.core import formatting


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (-3, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (3600 * 5 + 7 * 60, "5 h 7 min"), (
        86400 * 3 + 7200, "3 days 2 h")],
)  # fmt: skip
def test_duration_has_at_most_two_units(seconds, expected):
    assert formatting.duration(seconds) == expected


@pytest.mark.parametrize(
    ("num_bytes", "expected"),
    [(999, "999 bytes"), (1919, "1.9 kB"), (5_300_000, "5.3 MB"), (123_456_789, "123 MB"), (2_500_000_000, "2.5 GB")],
)
def test_size_is_rounded(num_bytes, expected):
    assert formatting.size(num_bytes) == expected


def test_loss_with_units_has_nats_and_bits():
    assert formatting.loss_with_units(2.0794415) == "2.0794 nats (3.0000 bits) per character"
    assert (formatting.loss(None), formatting.bits(None)) == ("–", "–")


def test_local_time_is_empty_without_a_time():
    assert formatting.local_time(None) == ""
    assert len(formatting.local_time(datetime(2026, 3, 4, 5, 6))) == len("2026-03-04 05:06")


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.0312, "3.1 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (1, "100 %"), (None, "–")]
)
def test_percentages_have_two_digits(share, text):
    assert formatting.percent(share) == text


def test_copies_are_compared_with_unseen_text_if_there_is_any():
    assert formatting.copies_summary(0.03, 32, 0.007) == (
        "3.0 % copied in stretches of ≥ 32 characters; 0.7 % for your own unseen text"
    )
    assert "no unseen text to compare with" in formatting.copies_summary(0.03, 32, None)
