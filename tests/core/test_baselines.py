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
    together, alone = Counter(pairs), Counter(context for context, _ in pairs)
    return -sum(math.log(together[pair] / alone[pair[0]]) for pair in pairs) / len(pairs)


@given(st.text("abé😀", min_size=3, max_size=40))
def test_baselines_match_a_naive_loop(text: str) -> None:
    found = baselines(io.StringIO(text))
    assert found.uniform == pytest.approx(math.log(len(set(text))))
    assert found.letters == pytest.approx(mean_surprise([("", c) for c in text]), abs=1e-9)
    assert found.bigram == pytest.approx(mean_surprise(list(zip(text, text[1:], strict=False))), abs=1e-9)
    assert found.trigram == pytest.approx(
        mean_surprise([(text[i : i + 2], text[i + 2]) for i in range(len(text) - 2)]), abs=1e-9
    )


def test_longer_contexts_give_lower_baselines() -> None:
    text = "the cat sat on the mat, and the hat sat on the cat; " * 9
    found = baselines(io.StringIO(text))
    assert found.uniform > found.letters > found.bigram > found.trigram > 0
    assert found.xz < found.letters


def test_baselines_of_a_two_character_text() -> None:
    found = baselines(io.StringIO("ab"))
    assert (found.uniform, found.letters, found.bigram, found.trigram) == (math.log(2), math.log(2), 0, 0)


def test_baselines_of_a_long_text_evaluate_its_beginning_and_report_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 5)
    found = baselines(io.StringIO("abcde" + "xyz"))
    assert (found.num_characters, found.whole) == (5, False)
    assert found.uniform == pytest.approx(math.log(5))
    assert baselines(io.StringIO("abcde")).whole


def test_baselines_reject_an_empty_text() -> None:
    with pytest.raises(TextError, match="empty"):
        baselines(io.StringIO(""))
