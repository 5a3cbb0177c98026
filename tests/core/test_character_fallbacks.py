"""What can stand for a character, closest first."""

from itertools import islice

import pytest

from charrnn.core.character_fallbacks import fallbacks


@pytest.mark.parametrize(
    ("character", "likely"),
    [
        ("É", ["É", "é", "E", "e"]),
        ("’", ["’", "'"]),
        ("ß", ["ß", "SS", "ss"]),
        ("水", ["水"]),
        ("ﬁ", ["fi", "FI", "fi"]),
    ],
)
def test_the_closest_come_first(character: str, likely: list[str]) -> None:
    assert list(islice(fallbacks(character), len(likely))) == likely


def test_blanks_stand_for_one_another() -> None:
    assert " " in fallbacks("\t")
    assert "\u3000" in fallbacks(" ")


def test_plain_letters_have_full_width_ones() -> None:
    assert "ａ" in fallbacks("a")
