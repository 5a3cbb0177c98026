"""Define the features of a text that units are searched for.

Each feature has a value for every character: whether it is on, or a number. Values depend on the text up to and
including the character, because a network has read no more than that.
"""

import difflib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.core.errors import OptionError
from charrnn.core.insight.association import Array
from charrnn.core.insight.grapheme_clusters import cluster_lengths
from charrnn.core.insight.quotation import inside_brackets, inside_quotes

Values = Sequence[bool] | Sequence[int]


@dataclass(frozen=True)
class Feature:
    """A feature of the text."""

    key: str
    """Name on the command line and in Python."""
    title: str
    """Name in sentences: "unit 3 tracks *inside quotes*"."""
    episodes: str
    """What its episodes are, in the plural: "too few *quotes* to tell"."""
    graded: bool
    """Whether values are numbers rather than yes or no."""
    values: Callable[[str], Values]

    def array(self, text: str) -> Array:
        """Return the values of a text, shape `(len(text),)`, as bool or float32."""
        return np.array(self.values(text), np.float32 if self.graded else bool)


def column(text: str) -> list[int]:
    """Return the number of characters since the last line break; 0 for the line break itself."""
    result, count = [], 0
    for character in text:
        count = 0 if character == "\n" else count + 1
        result.append(count)
    return result


def position_in_word(text: str) -> list[int]:
    """Return the position in a run of letters, from 1; 0 outside. Marks on letters belong to the word."""
    result, count = [], 0
    for character in text:
        continues = character.isalpha() or count and unicodedata.category(character)[0] == "M"
        count = count + 1 if continues else 0
        result.append(count)
    return result


def in_first_word(text: str) -> list[bool]:
    """Return whether a character is in the first word of its line, or in the space before it."""
    result, is_first, has_letters = [], True, False
    for character in text:
        if character == "\n":
            is_first, has_letters = True, False
            result.append(False)
            continue
        is_letter = character.isalnum() or unicodedata.category(character)[0] == "M"
        is_first = is_first and (is_letter or not has_letters)
        has_letters = has_letters or is_letter
        result.append(is_first)
    return result


def in_upper_case_word(text: str) -> list[bool]:
    """Return whether all letters of the word so far, at least two, are upper case."""
    result, count, upper = [], 0, True
    for character in text:
        if character.isalpha():
            upper = upper and character.isupper()
            count += 1
        elif not (count and unicodedata.category(character)[0] == "M"):
            count, upper = 0, True
        result.append(count >= 2 and upper)
    return result


def in_number(text: str) -> list[bool]:
    """Return whether a character is a digit of any script."""
    return [character.isdecimal() for character in text]


def is_capital(text: str) -> list[bool]:
    """Return whether a character is an upper-case letter."""
    return [character.isupper() for character in text]


def in_emoji_sequence(text: str) -> list[bool]:
    """Return whether a character is part of an emoji of several code points, after its first one."""
    result: list[bool] = []
    start = 0
    for length in cluster_lengths(text):
        is_emoji = unicodedata.category(text[start]) == "So"
        result += [False] + [is_emoji] * (length - 1)
        start += length
    return result


def indentation(text: str) -> list[int]:
    """Return the number of spaces and tabs at the beginning of the line, as far as it was read."""
    result, count, is_leading = [], 0, True
    for character in text:
        if character == "\n":
            count, is_leading = 0, True
        elif is_leading and character in " \t\u3000":
            count += 1
        else:
            is_leading = False
        result.append(count)
    return result


def length_of_previous_line(text: str) -> list[int]:
    """Return the number of characters of the line before; 0 in the first line."""
    result, previous, current = [], 0, 0
    for character in text:
        if character == "\n":
            previous, current = current, 0
        else:
            current += 1
        result.append(previous)
    return result


FEATURES = {
    feature.key: feature
    for feature in (
        Feature("quotes", "inside quotes", "quotes", False, inside_quotes),
        Feature("brackets", "inside brackets", "brackets", False, inside_brackets),
        Feature("column", "column in line", "lines", True, column),
        Feature("word", "position in word", "words", True, position_in_word),
        Feature("first_word", "first word of a line", "lines", False, in_first_word),
        Feature("upper_words", "upper-case word", "upper-case words", False, in_upper_case_word),
        Feature("indentation", "indentation", "indented lines", True, indentation),
        Feature("previous_line", "length of the line before", "lines", True, length_of_previous_line),
        Feature("emoji", "inside an emoji sequence", "emoji sequences", False, in_emoji_sequence),
        Feature("capitals", "upper-case letter", "upper-case letters", False, is_capital),
        Feature("numbers", "inside a number", "numbers", False, in_number),
    )
}
"""All features, by key."""


def feature_named(key: str) -> Feature:
    """Return the feature with a key.

    Raises:
        OptionError: There is none.
    """
    if key not in FEATURES:
        close = difflib.get_close_matches(key, FEATURES, n=1)
        suggestion = f"; did you mean {close[0]}?" if close else "."
        raise OptionError({"feature": f"There is no feature {key!r}{suggestion} Choose one of {', '.join(FEATURES)}."})
    return FEATURES[key]
