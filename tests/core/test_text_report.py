"""Tests of text reports: problems, remarks and statistics."""

import re

import pytest

from charrnn.core.encoding_detection import Detection
from charrnn.core.errors import TextError
from charrnn.core.text_report import SHOWN, TextReport
from charrnn.core.text_statistics import TextStatistics

CERTAIN = Detection("utf-8", True, "the whole file is valid UTF-8")
GUESS = Detection("cp1252", False, "its letters fit a language best", ("cp1250", "cp1254"))


def report_of(text: str, detection: Detection = CERTAIN, newlines: str = "lf") -> TextReport:
    statistics = TextStatistics()
    ends = {"crlf": text.count("\r\n"), "cr": text.count("\r"), "lf": text.count("\n")}
    statistics.add_line_endings(lf=ends["lf"] - ends["crlf"], crlf=ends["crlf"], cr=ends["cr"] - ends["crlf"])
    statistics.add(text)
    return TextReport.from_statistics(
        statistics, detection, name="text", num_bytes=len(text.encode()), newlines=newlines
    )


def test_ordinary_text_has_no_problems_or_remarks() -> None:
    report = report_of("An ordinary text,\nwith two lines.\n")
    assert (report.problems, report.remarks) == ((), ())
    report.check()


@pytest.mark.parametrize(("text", "problem"), [("", "This text is empty"), ("\n" * 9, r"only one character, '\\n'")])
def test_text_with_fewer_than_two_distinct_characters_is_rejected(text: str, problem: str) -> None:
    with pytest.raises(TextError, match=problem):
        report_of(text).check()


def test_guessed_encoding_gets_a_remark() -> None:
    (remark,) = report_of("ab", GUESS).remarks
    assert remark == (
        "The encoding cp1252 is a guess: its letters fit a language best (other candidates: cp1250, cp1254). "
        "If letters look wrong, choose another encoding."
    )


@pytest.mark.parametrize(
    ("text", "newlines", "remark"),
    [
        (
            "a\ufffdb\ufffd",
            "lf",
            r"2 replacement characters \(U\+FFFD, .*\) show that an earlier conversion damaged the text",
        ),
        ("a\ufeffb", "lf", r"1 byte order mark\(s\) \(U\+FEFF\) inside"),
        ("a\r\nb\r\n", "lf", "2 CRLF line endings were converted to LF"),
        ("a\r\nb\r\n", "keep", r"2 CRLF line endings are kept: the model learns the character CR \(\\r\)"),
        ("a\r\nb\n", "lf", "mixed: 1 LF, 1 CRLF"),
        ("ab" * 5000, "lf", "very long, 10,000 characters on average"),
        ("a\x1b[1m", "lf", r"Control characters, which are unusual in a text: U\+001B \(1\)"),
        ("ab\0\0\0", "lf", "3 NUL characters"),
    ],
)
def test_unusual_content_gets_a_remark(text: str, newlines: str, remark: str) -> None:
    remarks = report_of(text, newlines=newlines).remarks
    assert any(re.search(remark, each) for each in remarks), remarks


def test_newlines_summarizes_the_line_endings() -> None:
    kinds = {text: report_of(text).newlines for text in ("ab", "a\n", "a\r\n", "a\r", "a\n\r")}
    assert kinds == {"ab": "none", "a\n": "lf", "a\r\n": "crlf", "a\r": "cr", "a\n\r": "mixed"}


def test_frequent_and_rare_characters_are_listed() -> None:
    report = report_of("aaaabbbccd")
    assert report.frequent == (("a", 4), ("b", 3), ("c", 2), ("d", 1))
    assert report.rare == (("d", 1), ("c", 2))
    assert len(report_of("".join(map(chr, range(0x4E00, 0x4E00 + 2 * SHOWN)))).rare) == SHOWN


def test_first_lines_contains_at_most_ten_lines() -> None:
    assert report_of("\n".join("abcdefghijkl")).first_lines == tuple("abcdefghij")
