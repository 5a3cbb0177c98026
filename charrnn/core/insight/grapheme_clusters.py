"""Group code points that are displayed as one character: combining marks, emoji sequences and flags.

A simplified form of Unicode's extended grapheme clusters (UAX #29), enough to color a text without breaking them.
"""

import unicodedata

ZERO_WIDTH_JOINER = "\u200d"


def is_extender(character: str) -> bool:
    """Return whether a code point continues the character before it: a mark, joiner, variant or skin tone."""
    return (
        character == ZERO_WIDTH_JOINER
        or unicodedata.category(character) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def is_regional_indicator(character: str) -> bool:
    """Return whether a code point is one of the letters that form flags in pairs."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def cluster_lengths(text: str) -> list[int]:
    """Return the number of code points of each cluster, in order."""
    lengths: list[int] = []
    previous = ""
    flags = 0  # regional indicators in a row, up to the previous code point
    for character in text:
        completes_flag = is_regional_indicator(character) and flags % 2 == 1
        joins = is_extender(character) or previous == ZERO_WIDTH_JOINER or completes_flag
        if lengths and joins and previous != "\n":
            lengths[-1] += 1
        else:
            lengths.append(1)
        flags = flags + 1 if is_regional_indicator(character) else 0
        previous = character
    return lengths
