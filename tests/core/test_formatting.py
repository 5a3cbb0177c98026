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
