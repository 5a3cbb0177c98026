"""Tests of substitutes for unknown characters."""

from itertools import islice

import pytest

from charrnn.core.character_fallbacks import fallbacks


@pytest.mark.parametrize(
    ("character", "expected"),
    [
        ("É", ["É", "é", "E", "e"]),
        ("’", ["’", "'"]),
        ("ß", ["ß", "SS", "ss"]),
        ("水", ["水"]),
        ("ﬁ", ["fi", "FI", "fi"]),
    ],
)
def test_fallbacks_are_ordered_by_similarity(character: str, expected: list[str]) -> None:
    assert list(islice(fallbacks(character), len(expected))) == expected


def test_fallbacks_of_whitespace_are_other_whitespace() -> None:
    assert " " in fallbacks("\t")
    assert "\u3000" in fallbacks(" ")


def test_fallbacks_of_ascii_include_full_width_forms() -> None:
    assert "ａ" in fallbacks("a")
