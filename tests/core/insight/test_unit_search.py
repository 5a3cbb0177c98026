"""Test the search for units: planted units are found, and chance is not mistaken for a finding."""

import numpy as np
import pytest

from charrnn.core.insight import unit_search
from charrnn.core.insight.unit_search import Candidate, Verdict, search

STRETCHES, LENGTH, UNITS = 8, 500, 30
POSITIONS = STRETCHES * LENGTH


def wandering_units(random, memory=60):
    """Return activations that remember, as those of a network: moving sums of noise, `(UNITS, POSITIONS)`."""
    noise = random.normal(size=(UNITS, POSITIONS + memory)).cumsum(1)
    return (noise[:, memory:] - noise[:, :-memory]).astype(np.float32)


def episodes(random, mean=25):
    """Return a feature with episodes of random lengths, independent of everything."""
    return np.repeat(np.arange(POSITIONS) % 2 == 1, random.integers(1, 2 * mean, POSITIONS))[:POSITIONS]


def test_a_planted_unit_is_found_and_measured_on_the_other_half():
    random = np.random.default_rng(1)
    units, on, characters = wandering_units(random), episodes(random), random.integers(0, 9, POSITIONS)
    units[17] = on + random.normal(0, 0.3, POSITIONS)
    columns = np.tile(np.arange(50.0, dtype=np.float32), POSITIONS // 50)
    units[23] = -np.sqrt(columns) + random.normal(0, 0.1, POSITIONS)
    by_quote, by_column = search(units, STRETCHES, characters, [Candidate(on), Candidate(columns)])
    assert (by_quote.unit, by_quote.verdict) == (17, Verdict.TRACKS)
    assert (by_column.unit, by_column.verdict) == (23, Verdict.TRACKS)
    assert by_quote.score > 0.95 > 2 * by_quote.chance
    assert by_column.score < -0.95
    assert by_quote.closest[0] == 17
    assert not by_quote.is_spread


def test_random_features_are_claimed_in_at_most_five_of_a_hundred_texts(monkeypatch):
    monkeypatch.setattr(unit_search, "TRACKS", 0.0)  # chance alone decides
    claims = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        units, characters = wandering_units(random), random.integers(0, 9, POSITIONS)
        (match,) = search(units, STRETCHES, characters, [Candidate(episodes(random))])
        claims += match.verdict is not Verdict.NOT_FOUND
    assert claims <= 5


def test_permuting_units_changes_only_their_names():
    random = np.random.default_rng(2)
    units, on, characters = wandering_units(random), episodes(random), random.integers(0, 9, POSITIONS)
    order = random.permutation(UNITS)
    (first,) = search(units, STRETCHES, characters, [Candidate(on)])
    (second,) = search(units[order], STRETCHES, characters, [Candidate(on)])
    assert order[second.unit] == first.unit
    assert second.score == pytest.approx(first.score, abs=1e-6)
    assert second.chance == pytest.approx(first.chance, abs=1e-5)


def test_a_detector_of_a_character_is_not_said_to_track_a_feature():
    random = np.random.default_rng(3)
    characters = random.integers(0, 9, POSITIONS)
    units, on = wandering_units(random), characters == 4
    units[11] = on + random.normal(0, 0.1, POSITIONS)
    (match,) = search(units, STRETCHES, characters, [Candidate(on)])
    assert (match.unit, match.verdict) == (11, Verdict.CHARACTER)


def test_nineteen_episodes_in_a_half_are_too_few():
    random = np.random.default_rng(4)
    units, characters = wandering_units(random), random.integers(0, 9, POSITIONS)
    on = np.zeros(POSITIONS, bool)
    firsts = np.arange(POSITIONS).reshape(STRETCHES, LENGTH)
    on[firsts[::2, 10 : 10 + 6 * 40 : 40]] = True  # 24 in the first half
    on[firsts[1::2, 10 : 10 + 5 * 40 : 40].reshape(-1)[:19]] = True
    units[5] = on
    (match,) = search(units, STRETCHES, characters, [Candidate(on)])
    assert (match.verdict, match.episodes, match.unit) == (Verdict.TOO_FEW, (24, 19), None)


def test_a_feature_that_only_all_units_together_know_is_spread():
    random = np.random.default_rng(5)
    on, characters = episodes(random), random.integers(0, 9, POSITIONS)
    units = (on + random.normal(0, 3, (UNITS, POSITIONS))).astype(np.float32)
    (match,) = search(units, STRETCHES, characters, [Candidate(on)])
    assert match.is_spread
    assert match.probe_score > match.score + 0.2
