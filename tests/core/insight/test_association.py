"""Test AUC and Spearman's ρ against definitions that count pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.core.insight.association import centered_ranks, score, score_among_equal_characters, scores, weights

values = st.lists(st.integers(-3, 3) | st.floats(-1e6, 1e6, width=32), min_size=2, max_size=40)


def counted_auc(x, on):
    """Count the pairs in which the unit is higher where the feature is on; ties count half."""
    pairs = [(a > b) + 0.5 * (a == b) for a in x[on] for b in x[~on]]
    return sum(pairs) / len(pairs)


def counted_ranks(x):
    return np.array([sum(b < a for b in x) + (sum(b == a for b in x) - 1) / 2 for a in x])


@settings(max_examples=200, deadline=None)
@given(values, st.data())
def test_the_score_of_a_yes_no_feature_is_that_of_counted_pairs(x, data):
    x = np.array(x, np.float32)
    on = np.array(data.draw(st.lists(st.booleans(), min_size=len(x), max_size=len(x))))
    expected = 2 * counted_auc(x, on) - 1 if on.any() and not on.all() else 0
    assert score(x, on) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=200, deadline=None)
@given(values, st.data())
def test_the_score_of_a_graded_feature_is_the_correlation_of_ranks(x, data):
    x = np.array(x, np.float32)
    y = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(x), max_size=len(x))), np.float32)
    a, b = counted_ranks(x), counted_ranks(y)
    expected = np.corrcoef(a, b)[0, 1] if a.std() and b.std() else 0
    assert score(x, y) == pytest.approx(expected, abs=1e-5)


def test_ranks_of_several_rows_are_those_of_each_row():
    rows = np.random.default_rng(3).integers(0, 4, (5, 23)).astype(np.float32)
    for row, ranks in zip(rows, centered_ranks(rows), strict=True):
        np.testing.assert_allclose(ranks, counted_ranks(row) - 11)


def test_all_units_and_features_are_scored_at_once():
    random = np.random.default_rng(5)
    units, features = random.normal(size=(7, 61)).astype(np.float32), random.random((3, 61)) < 0.4
    found = scores(np.stack([weights(each) for each in features]), centered_ranks(units), graded=False)
    expected = [[score(unit, feature) for unit in units] for feature in features]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_among_equal_characters_a_detector_of_a_character_has_no_score():
    characters = np.random.default_rng(7).integers(0, 3, 3000)
    on = np.random.default_rng(8).random(3000) < np.array([0.1, 0.5, 0.9])[characters]
    assert score(characters.astype(np.float32), on) > 0.5
    assert score_among_equal_characters(characters.astype(np.float32), on, characters) == pytest.approx(0, abs=1e-9)
    assert score_among_equal_characters(on.astype(np.float32), on, characters) == pytest.approx(1, abs=1e-6)


def test_a_feature_that_the_character_decides_has_no_score_among_equal_characters():
    characters = np.arange(300) % 3
    assert score_among_equal_characters(np.arange(300.0), characters == 2, characters) is None
