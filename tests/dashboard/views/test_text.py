"""Bringing a text in, without a browser."""

import re

import pytest

from dashboard.live.session import Session
from dashboard.views.text import TextView
from tests.support.hostile_names import NAMES
from tests.support.waiting import wait_until

GREETING = "Grüße aus Köln, schöne Straße!\r\n" * 30


@pytest.fixture
def view(session: Session) -> TextView:
    return TextView(session)


def bring(view: TextView, session: Session, data: bytes) -> None:
    """Let a file arrive, and wait for what comes of it."""
    before, session.notice = session.corpus_id, ("", "")
    view._arrived(data, "greeting.txt")
    wait_until(lambda: session.drain() or session.corpus_id != before or session.notice[1])


def test_a_file_becomes_the_text_of_the_session(view: TextView, session: Session) -> None:
    bring(view, session, GREETING.encode())
    assert (session.corpus.name, session.corpus.newlines) == ("greeting", "crlf")
    assert "30 CRLF line endings were converted to LF" in view._found.object
    assert "Grüße aus Köln" in view._more.object
    assert view._result.visible


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_of_any_name_is_taken_and_its_name_shown_as_text(view: TextView, session: Session, name: str) -> None:
    view._arrived(GREETING.encode(), name)
    wait_until(lambda: session.drain() or session.corpus_id)
    assert len(session.corpus.name) <= 255
    assert not re.search(r"<(img|script)|[\x00-\x08\x1b\x80-\x9f\u202e\u2066]", view._found.object)
    assert [path.name for path in session.services.settings.corpora.iterdir()] == [session.corpus_id]


def test_defect_half_a_character_in_a_pasted_text_is_said_in_words(view: TextView, session: Session) -> None:
    view._paste.value_input = "duck \ud83e and others"
    view._take.clicks += 1
    assert "U+D83E as character 6" in session.notice[1]


def test_defect_a_pasted_text_has_the_limit_of_a_file(view: TextView, session: Session) -> None:
    view._paste.value_input = "é" * (session.max_upload_bytes // 2 + 1)
    view._take.clicks += 1
    assert "larger than 50 MB" in session.notice[1]


def test_line_ends_can_be_kept_with_one_click(view: TextView, session: Session) -> None:
    bring(view, session, GREETING.encode())
    first = session.corpus_id
    assert view._line_ends.label == "Keep the line ends as they are"
    view._line_ends.clicks += 1
    wait_until(lambda: session.drain() or session.corpus_id != first)
    assert session.corpus.num_characters == len(GREETING)
    assert view._line_ends.label == "Convert line ends to LF"
    assert [corpus.id for corpus in session.services.corpora.all()] == [session.corpus_id]


def test_another_encoding_can_be_chosen(view: TextView, session: Session) -> None:
    bring(view, session, GREETING.encode("cp1252"))
    first = session.corpus_id
    view._encoding.value = "koi8-r"
    wait_until(lambda: session.drain() or session.corpus_id != first)
    assert session.corpus.encoding == "koi8-r"
    assert "Grüße" not in view._more.object


def test_an_upload_shows_how_far_it_is(view: TextView) -> None:
    view._progress(1_300_000, 0.25)
    assert 'aria-valuenow="25"' in view._status.object
    assert "25 % of the file have arrived, 1.3 MB" in view._status.object


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"aaaaaaaaaaaaaaaa", "only one character"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"),
        (b"PK\x03\x04" + bytes(200), "ZIP"),
    ],
)
def test_a_file_that_is_no_text_is_refused_in_words(view: TextView, session: Session, data: bytes, words: str) -> None:
    bring(view, session, data)
    assert session.notice[0] == "error"
    assert words.lower() in session.notice[1].lower()
    assert session.corpus_id == ""
    assert not session.services.corpora.all()


def test_a_text_of_one_line_without_end_is_taken_and_shown_in_part(view: TextView, session: Session) -> None:
    bring(view, session, b"quack " * 400_000)
    assert (session.corpus.num_lines, session.corpus.num_characters) == (1, 2_400_000)
    assert len(view._more.object) < 20_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_ends_in_the_middle_of_a_character_is_refused_in_words(
    view: TextView, session: Session, encoding: str
) -> None:
    bring(view, session, (GREETING + "ß").encode(encoding)[:-1])
    assert session.notice[0] == "error"
    assert "ends in the middle of a character" in session.notice[1]
    assert f"in {encoding}" in session.notice[1]
    assert not session.services.corpora.all()


def test_a_pasted_text_is_taken(view: TextView, session: Session) -> None:
    view._paste.value_input = "one duck, two ducks\n" * 3
    view._take.clicks += 1
    wait_until(lambda: session.drain() or session.corpus_id)
    assert session.corpus.name == "pasted text"


def test_pasting_nothing_says_so(view: TextView, session: Session) -> None:
    view._take.clicks += 1
    assert "paste a text into the field first" in session.notice[1]
