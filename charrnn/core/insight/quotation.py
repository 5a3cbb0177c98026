"""Mark the characters of a text that are inside quotation marks or brackets, in any script."""

import re

PAIRS_OF_QUOTES = (
    '""', "“”", "„“", "„”", "””", "«»", "»«", "‹›", "‘’", "「」", "『』", "｢｣", "〝〟", "〝〞",
)  # fmt: skip
"""Opening and closing marks: English, German, Polish, Swedish, French, Danish, Chinese, Japanese, …"""
PAIRS_OF_BRACKETS = ("()", "[]", "（）", "［］", "【】", "〔〕", "《》", "〈〉", "﴾﴿", "⟨⟩")
MAX_LENGTH = 2000
"""Maximum number of characters inside; after that, the opening mark was an error."""
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def inside_quotes(text: str) -> list[bool]:
    """Return, for each character, whether a quotation that began before it has not ended; marks are outside.

    A blank line ends a quotation, because a paragraph of a dialogue opens its own, and one stray mark would otherwise
    turn everything after it inside out.
    """
    return _inside(text, quote_styles(text))


def inside_brackets(text: str) -> list[bool]:
    """Return, for each character, whether it is inside brackets; they are outside, and a blank line ends them."""
    return _inside(text, PAIRS_OF_BRACKETS)


def quote_styles(text: str) -> list[str]:
    """Return the pairs of quotation marks that this text uses; no mark belongs to two of them.

    The marks `“ ” « »` open in some languages and close in others. The pair with more complete quotations wins:
    in the wrong direction, blank lines cut most of them off.
    """
    counts = {pair: _count(text, pair) for pair in PAIRS_OF_QUOTES}
    chosen: list[str] = []
    for pair in sorted(counts, key=lambda pair: -counts[pair]):
        if counts[pair] and not set(pair) & set("".join(chosen)):
            chosen.append(pair)
    return chosen


def _count(text: str, pair: str) -> int:
    opening, closing = map(re.escape, pair)
    # Paragraph by paragraph: a text that starts inside a quotation would turn all others inside out.
    span = re.compile(f"{opening}[^{opening}{closing}]{{1,{MAX_LENGTH}}}{closing}")
    return sum(len(span.findall(paragraph)) for paragraph in _BLANK_LINE.split(text))


def _inside(text: str, pairs: list[str] | tuple[str, ...]) -> list[bool]:
    closing_of = {pair[0]: pair[1] for pair in pairs}
    result: list[bool] = []
    expected: list[str] = []  # closing marks of what is open, innermost last
    start = 0
    for index, character in enumerate(text):
        if expected and (_is_blank_line(text, index) or index - start > MAX_LENGTH):
            expected.clear()
        was_open = bool(expected)
        if expected and character == expected[-1] and _closes(text, index):
            expected.pop()
        elif character in closing_of and not _is_escaped(text, index):
            start = start if expected else index
            expected.append(closing_of[character])
        result.append(was_open and bool(expected))
    return result


def _closes(text: str, index: int) -> bool:
    """Return whether a mark closes: not escaped by a backslash, and not an apostrophe within a word."""
    if text[index] == "’":
        return not text[index + 1 : index + 2].isalpha()
    return not _is_escaped(text, index)


def _is_escaped(text: str, index: int) -> bool:
    return index > 0 and text[index - 1] == "\\" and text[index] in "\"'"


def _is_blank_line(text: str, index: int) -> bool:
    """Return whether a character is the second newline around an empty line or one of spaces."""
    return text[index] == "\n" and text[max(0, index - 80) : index].rstrip(" \t").endswith("\n")
