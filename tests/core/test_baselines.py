"""Tests of n-gram and compression baselines."""

import io
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn.core.baselines as module
from charrnn.core.baselines import baselines
from charrnn.core.errors import TextError


def mean_surprise(pairs: list[tuple[str, str]]) -> float:
    """Return the mean of -ln p(follower | context), computed by a naive loop."""
    pair_counts, context_counts = Counter(pairs), Counter(context for context, _ in pairs)
    return -sum(math.log(pair_counts[pair] / context_counts[pair[0]]) for pair in pairs) / len(pairs)


@given(st.text("abé😀", min_size=3, max_size=40))
def test_baselines_match_a_naive_loop(text: str) -> None:
    results = baselines(io.StringIO(text))
    assert results.uniform == pytest.approx(math.log(len(set(text))))
    assert results.unigram == pytest.approx(mean_surprise([("", c) for c in text]), abs=1e-9)
    assert results.bigram == pytest.approx(mean_surprise(list(zip(text, text[1:], strict=False))), abs=1e-9)
    assert results.trigram == pytest.approx(
        mean_surprise([(text[i : i + 2], text[i + 2]) for i in range(len(text) - 2)]), abs=1e-9
    )


def test_longer_contexts_give_lower_baselines() -> None:
    text = "the cat sat on the mat, and the hat sat on the cat; " * 9
    results = baselines(io.StringIO(text))
    assert results.uniform > results.unigram > results.bigram > results.trigram > 0
    assert results.xz < results.unigram


def test_baselines_of_a_two_character_text() -> None:
    results = baselines(io.StringIO("ab"))
    assert (results.uniform, results.unigram, results.bigram, results.trigram) == (math.log(2), math.log(2), 0, 0)


def test_baselines_of_a_long_text_evaluate_its_beginning_and_report_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 5)
    results = baselines(io.StringIO("abcde" + "xyz"))
    assert (results.num_characters, results.whole) == (5, False)
    assert results.uniform == pytest.approx(math.log(5))
    assert baselines(io.StringIO("abcde")).whole


def test_baselines_reject_an_empty_text() -> None:
    with pytest.raises(TextError, match="empty"):
        baselines(io.StringIO(""))
