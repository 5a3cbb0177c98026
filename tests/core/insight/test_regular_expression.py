"""Test features of regular expressions, which users type and which must not block a server."""

import pytest

from charrnn.core.errors import OptionError
from charrnn.core.insight import regular_expression
from charrnn.core.insight.regular_expression import regex_feature


def marked(pattern, text):
    return "".join(c if on else "·" for c, on in zip(text, regex_feature(pattern).values(text), strict=True))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("[0-9]+", "a 12 b3", "··12··3"),
        ('"([^"]*)"', 'é "ab" c', "···ab···"),  # the group, without the marks
        (r"\p{Han}+", "a漢字b", "·漢字·"),
        ("^a", "ab\nab", "a··a·"),
        ("(?i)A|x*", "ab", "a·"),
        ("👩‍👧", "a👩‍👧", "·👩‍👧"),
    ],
)
def test_characters_that_match_are_on(pattern, text, expected):
    assert marked(pattern, text) == expected


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a|a?)+$", "(.*a){20}"])
def test_expressions_that_block_other_engines_take_linear_time(pattern):
    assert len(regex_feature(pattern).values("a" * 30_000 + "b")) == 30_001


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", r"missing \)"),
        (r"(a)\1", "no backreferences"),
        ("(?=a)", "no lookaround"),
        ("((x{1000}){1000}){1000}", "not valid"),
        ("(\\p{L}{200}){4}", "too large"),
        ("", "0 characters"),
        ("a" * 201, "201 characters"),
        ("\ud800", "not valid"),
    ],
)
def test_expressions_that_are_invalid_or_too_large_are_rejected_with_the_reason(pattern, reason):
    with pytest.raises(OptionError, match=reason):
        regex_feature(pattern)


def test_many_long_attempts_are_ended(monkeypatch):
    monkeypatch.setattr(regular_expression, "MAX_SECONDS", 0.0)
    with pytest.raises(OptionError, match="takes too long"):
        regex_feature(r"a[\s\S]*z|a").values("a" * 3000)
