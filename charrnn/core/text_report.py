"""What a text is like: the figures, what makes it unusable, and what is good to know before training on it."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from charrnn.core.encoding_detection import Detection
from charrnn.core.errors import TextError
from charrnn.core.text_statistics import Census

RARE = 3
"""A character seen fewer times than this is rare."""
SHOWN = 50
LONG_LINE = 5000


@dataclass(frozen=True)
class TextReport:
    """A text looked over. Characters are as they are in the text: whoever shows them escapes them."""

    name: str
    encoding: str
    certain: bool
    """False when the encoding is a guess."""
    how: str
    """How the encoding was found."""
    alternatives: tuple[str, ...]
    """Other encodings it could be in, likeliest first."""
    num_bytes: int
    """Size of the file."""
    num_characters: int
    num_distinct: int
    num_lines: int
    line_ends: Mapping[str, int]
    """How many `lf`, `crlf` and `cr` the file has."""
    counts: Mapping[str, int]
    """How often each character occurs, most frequent first."""
    first_lines: tuple[str, ...]
    problems: tuple[str, ...]
    """Why it cannot be trained on; empty when it can."""
    remarks: tuple[str, ...]
    """What is good to know."""

    @classmethod
    def of(cls, census: Census, detection: Detection, *, name: str, num_bytes: int, newlines: str) -> "TextReport":
        """Sum up a text that was read to its end.

        Args:
            census: What was counted.
            detection: Its encoding.
            name: What to call it.
            num_bytes: Size of the file.
            newlines: `lf` when line ends were turned to LF, `keep` when not.
        """
        counts = census.counts()
        return cls(
            name=name,
            encoding=detection.encoding,
            certain=detection.certain,
            how=detection.how,
            alternatives=detection.alternatives,
            num_bytes=num_bytes,
            num_characters=census.num_characters,
            num_distinct=len(counts),
            num_lines=census.num_lines,
            line_ends=census.line_ends,
            counts=counts,
            first_lines=tuple(census.head.splitlines()[:10]),
            problems=tuple(_problems(counts)),
            remarks=(
                *_encoding_remarks(detection, counts),
                *_line_remarks(census, newlines),
                *_character_remarks(counts),
            ),
        )

    @property
    def newlines(self) -> str:
        """The line ends in one word: `lf`, `crlf`, `cr`, `mixed` or `none`."""
        found = [kind for kind, number in self.line_ends.items() if number]
        return found[0] if len(found) == 1 else "mixed" if found else "none"

    @property
    def frequent(self) -> tuple[tuple[str, int], ...]:
        """The most frequent characters and how often each occurs, at most 50."""
        return tuple(self.counts.items())[:SHOWN]

    @property
    def rare(self) -> tuple[tuple[str, int], ...]:
        """Characters that occur once or twice, rarest first, at most 50."""
        return tuple((character, n) for character, n in reversed(list(self.counts.items())) if n < RARE)[:SHOWN]

    def check(self) -> None:
        """Refuse a text that cannot be trained on.

        Raises:
            TextError: Says why.
        """
        if self.problems:
            raise TextError("\n".join(self.problems))


def _problems(counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return ["This text is empty. Take one of some thousand characters or more."]
    if len(counts) == 1:
        (character,) = counts
        return [
            f"This text holds one character only, {character!r}, again and again: there is nothing to learn. "
            f"Take a text with at least two different characters."
        ]
    return []


def _encoding_remarks(detection: Detection, counts: Mapping[str, int]) -> list[str]:
    remarks = []
    if not detection.certain:
        others = f" (it could also be {', '.join(detection.alternatives)})" if detection.alternatives else ""
        remarks.append(
            f"The encoding {detection.encoding} is a guess: {detection.how}{others}. "
            f"If letters look wrong, choose another one."
        )
    if number := counts.get("\ufffd"):
        remarks.append(
            f"{number:,} replacement characters (U+FFFD, '\ufffd') show that the text was damaged by an earlier "
            f"conversion; a fresh copy would be better."
        )
    if number := counts.get("\ufeff"):
        remarks.append(f"{number:,} byte order marks (U+FEFF) inside the text, as if files had been joined.")
    return remarks


def _line_remarks(census: Census, newlines: str) -> list[str]:
    ends = census.line_ends
    kinds = [f"{ends[kind]:,} {kind.upper()}" for kind in ("lf", "crlf", "cr") if ends[kind]]
    remarks = []
    if ends["crlf"] or ends["cr"]:
        others = " and ".join(f"{ends[kind]:,} {kind.upper()}" for kind in ("crlf", "cr") if ends[kind])
        remarks.append(
            f"{others} line ends were turned into LF."
            if newlines == "lf"
            else f"{others} line ends are kept: the model learns the character CR (\\r) as well."
        )
    if len(kinds) > 1:
        remarks.append(f"The line ends are mixed: {', '.join(kinds)}.")
    if census.num_characters > LONG_LINE * census.num_lines:
        remarks.append(
            f"Its lines are very long, {census.num_characters // census.num_lines:,} characters on average; "
            f"that is no harm unless line ends got lost."
        )
    return remarks


def _character_remarks(counts: Mapping[str, int]) -> list[str]:
    remarks = []
    controls = {c: n for c, n in counts.items() if unicodedata.category(c) == "Cc" and c not in "\t\n\r\f\0"}
    if controls:
        shown = ", ".join(f"U+{ord(c):04X} ({n:,})" for c, n in list(controls.items())[:8])
        remarks.append(f"Control characters, which texts seldom hold: {shown}.")
    if number := counts.get("\0"):
        remarks.append(f"{number:,} NUL characters, which are usually padding; remove them from the file if so.")
    return remarks
