"""Report the statistics of a text, problems that prevent training, and remarks for the user."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from charrnn.core.encoding_detection import Detection
from charrnn.core.errors import TextError
from charrnn.core.text_statistics import TextStatistics

RARE = 3
"""Characters that occur less often than this are rare."""
SHOWN = 50
LONG_LINE = 5000


@dataclass(frozen=True)
class TextReport:
    """The analysis of a text. Characters are not escaped; escape them before display."""

    name: str
    encoding: str
    certain: bool
    """False if the encoding is a guess."""
    reason: str
    """Why this encoding was chosen, as a phrase to show."""
    alternatives: tuple[str, ...]
    """Other possible encodings, most likely first."""
    num_bytes: int
    """Size of the file."""
    num_characters: int
    num_distinct: int
    num_lines: int
    line_endings: Mapping[str, int]
    """The number of `lf`, `crlf` and `cr` line endings in the file."""
    counts: Mapping[str, int]
    """The number of occurrences of each character, most frequent first."""
    first_lines: tuple[str, ...]
    problems: tuple[str, ...]
    """Problems that prevent training on the text; empty if there are none."""
    remarks: tuple[str, ...]
    """Hints about the text that do not prevent training."""

    @classmethod
    def from_statistics(
        cls, statistics: TextStatistics, detection: Detection, *, name: str, num_bytes: int, newlines: str
    ) -> "TextReport":
        """Create the report of a text from its statistics.

        Args:
            statistics: Statistics of the whole text.
            detection: The text's encoding.
            name: Name for the report.
            num_bytes: Size of the file.
            newlines: `lf` if line endings were converted to LF, `keep` if not.
        """
        counts = statistics.counts()
        return cls(
            name=name,
            encoding=detection.encoding,
            certain=detection.certain,
            reason=detection.reason,
            alternatives=detection.alternatives,
            num_bytes=num_bytes,
            num_characters=statistics.num_characters,
            num_distinct=len(counts),
            num_lines=statistics.num_lines,
            line_endings=statistics.line_endings,
            counts=counts,
            first_lines=tuple(statistics.head.splitlines()[:10]),
            problems=tuple(_problems(counts)),
            remarks=(
                *_encoding_remarks(detection, counts),
                *_line_remarks(statistics, newlines),
                *_character_remarks(counts),
            ),
        )

    @property
    def newlines(self) -> str:
        """The kind of line endings: `lf`, `crlf`, `cr`, `mixed` or `none`."""
        found = [kind for kind, number in self.line_endings.items() if number]
        return found[0] if len(found) == 1 else "mixed" if found else "none"

    @property
    def frequent(self) -> tuple[tuple[str, int], ...]:
        """The most frequent characters and their counts, at most 50."""
        return tuple(self.counts.items())[:SHOWN]

    @property
    def rare(self) -> tuple[tuple[str, int], ...]:
        """Characters that occur once or twice and their counts, rarest first, at most 50."""
        return tuple((character, n) for character, n in reversed(list(self.counts.items())) if n < RARE)[:SHOWN]

    def check(self) -> None:
        """Check that the text can be trained on.

        Raises:
            TextError: There are problems; the message lists them.
        """
        if self.problems:
            raise TextError("\n".join(self.problems))


def _problems(counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return ["This text is empty. Choose a text of at least several thousand characters."]
    if len(counts) == 1:
        (character,) = counts
        return [
            f"This text contains only one character, {character!r}, repeated. "
            f"Choose a text with at least two different characters."
        ]
    return []


def _encoding_remarks(detection: Detection, counts: Mapping[str, int]) -> list[str]:
    remarks = []
    if not detection.certain:
        others = f" (other candidates: {', '.join(detection.alternatives)})" if detection.alternatives else ""
        remarks.append(
            f"The encoding {detection.encoding} is a guess: {detection.reason}{others}. "
            f"If letters look wrong, choose another encoding."
        )
    if number := counts.get("\ufffd"):
        remarks.append(
            f"{number:,} replacement characters (U+FFFD, '\ufffd') show that an earlier conversion damaged the text. "
            f"Use an undamaged copy if you have one."
        )
    if number := counts.get("\ufeff"):
        remarks.append(f"{number:,} byte order mark(s) (U+FEFF) inside the text, as if files had been concatenated.")
    return remarks


def _line_remarks(statistics: TextStatistics, newlines: str) -> list[str]:
    ends = statistics.line_endings
    kinds = [f"{ends[kind]:,} {kind.upper()}" for kind in ("lf", "crlf", "cr") if ends[kind]]
    remarks = []
    if ends["crlf"] or ends["cr"]:
        others = " and ".join(f"{ends[kind]:,} {kind.upper()}" for kind in ("crlf", "cr") if ends[kind])
        remarks.append(
            f"{others} line endings were converted to LF."
            if newlines == "lf"
            else f"{others} line endings are kept: the model learns the character CR (\\r) as well."
        )
    if len(kinds) > 1:
        remarks.append(f"The line endings are mixed: {', '.join(kinds)}.")
    if statistics.num_characters > LONG_LINE * statistics.num_lines:
        remarks.append(
            f"The lines are very long, {statistics.num_characters // statistics.num_lines:,} characters on average. "
            f"Check that no line breaks were lost."
        )
    return remarks


def _character_remarks(counts: Mapping[str, int]) -> list[str]:
    remarks = []
    controls = {c: n for c, n in counts.items() if unicodedata.category(c) == "Cc" and c not in "\t\n\r\f\0"}
    if controls:
        shown = ", ".join(f"U+{ord(c):04X} ({n:,})" for c, n in list(controls.items())[:8])
        remarks.append(f"Control characters, which are unusual in a text: {shown}.")
    if number := counts.get("\0"):
        remarks.append(f"{number:,} NUL characters, which are usually padding; if so, remove them from the file.")
    return remarks
