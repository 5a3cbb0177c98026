"""Choosing a text, without a browser."""

import re

import pytest

from dashboard.live.session import Session
from dashboard.views.text import TextView
from tests.support.controls import choose, fill, html, labels, press, update_until
from tests.support.hostile_names import NAMES

GREETING = "Grüße aus Köln, schöne Straße!\r\n" * 30


@pytest.fixture
def view(session: Session) -> TextView:
    view = TextView(session)
    session.on_update(view.update)
    return view


def upload(view: TextView, session: Session, data: bytes, name: str = "greeting.txt") -> None:
    """Send the messages of an upload, and wait for the result."""
    before, session.notice = session.corpus_id, ("", "")
    chunk = {"name": name, "mime_type": "text/plain", "chunk": 1, "total_chunks": 1, "data": data}
    messages = [{"status": "upload_event", **chunk}] if data else []
    for message in ({"status": "initializing"}, *messages, {"status": "finished"}):
        view.file._handle_msg(message)
    update_until(session, lambda: session.corpus_id != before or session.notice[1])


def test_an_uploaded_file_becomes_the_text_of_the_session(view: TextView, session: Session) -> None:
    upload(view, session, GREETING.encode())
    assert (session.corpus.name, session.corpus.newlines) == ("greeting", "crlf")
    assert "30 CRLF line endings were converted to LF" in view.summary.object
    assert "Grüße aus Köln" in view.details.object
    assert "Continue" in labels(view)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_of_any_name_is_accepted_and_its_name_escaped(view: TextView, session: Session, name: str) -> None:
    upload(view, session, GREETING.encode(), name)
    assert len(session.corpus.name) <= 255
    assert not re.search(r"<(img|script)|[\x00-\x08\x1b\x80-\x9f\u202e\u2066]", view.summary.object)
    assert [path.name for path in session.services.settings.corpora.iterdir()] == [session.corpus_id]


def test_defect_a_pasted_text_with_a_lone_surrogate_is_rejected_with_its_position(
    view: TextView, session: Session
) -> None:
    fill(view, "Or paste a text", "duck \ud83e and others")
    press(view, "Use pasted text")
    assert "Character 6 of the text is U+D83E" in session.notice[1]


def test_defect_the_size_limit_applies_to_pasted_text(view: TextView, session: Session) -> None:
    fill(view, "Or paste a text", "é" * (session.max_upload_bytes // 2 + 1))
    press(view, "Use pasted text")
    assert "larger than 50 MB" in session.notice[1]


def test_line_endings_can_be_kept_with_one_click(view: TextView, session: Session) -> None:
    upload(view, session, GREETING.encode())
    first = session.corpus_id
    press(view, "Keep original line endings")
    update_until(session, lambda: session.corpus_id != first)
    assert session.corpus.num_characters == len(GREETING)
    assert "Convert line endings to LF" in labels(view)
    assert [corpus.id for corpus in session.services.corpora.all()] == [session.corpus_id]


def test_another_encoding_can_be_chosen(view: TextView, session: Session) -> None:
    upload(view, session, GREETING.encode("cp1252"))
    first = session.corpus_id
    choose(view, "Encoding", "koi8-r")
    update_until(session, lambda: session.corpus_id != first)
    assert session.corpus.encoding == "koi8-r"
    assert "Grüße" not in view.details.object


def test_an_upload_shows_its_progress(view: TextView) -> None:
    chunk = {"name": "ducks.txt", "mime_type": "text/plain", "chunk": 1, "total_chunks": 4}
    view.file._handle_msg({"status": "upload_event", **chunk, "data": b"duck " * 260_000})
    assert 'aria-valuenow="25"' in html(view)
    assert "25% uploaded, 1.3 MB" in html(view)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"aaaaaaaaaaaaaaaa", "only one character"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"),
        (b"PK\x03\x04" + bytes(200), "ZIP"),
    ],
)
def test_a_file_that_is_not_a_text_is_rejected_with_the_reason(
    view: TextView, session: Session, data: bytes, message: str
) -> None:
    upload(view, session, data)
    assert session.notice[0] == "error"
    assert message.lower() in session.notice[1].lower()
    assert session.corpus_id == ""
    assert not session.services.corpora.all()


def test_a_long_text_without_newlines_is_accepted_and_shown_in_part(view: TextView, session: Session) -> None:
    upload(view, session, b"quack " * 400_000)
    assert (session.corpus.num_lines, session.corpus.num_characters) == (1, 2_400_000)
    assert len(view.details.object) < 20_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_ends_within_a_character_is_rejected_with_the_reason(
    view: TextView, session: Session, encoding: str
) -> None:
    upload(view, session, (GREETING + "ß").encode(encoding)[:-1])
    assert session.notice[0] == "error"
    assert "ends in the middle of a character" in session.notice[1]
    assert f"encoding is {encoding}" in session.notice[1]
    assert not session.services.corpora.all()


def test_a_pasted_text_is_accepted(view: TextView, session: Session) -> None:
    fill(view, "Or paste a text", "one duck, two ducks\n" * 3)
    press(view, "Use pasted text")
    update_until(session, lambda: session.corpus_id)
    assert session.corpus.name == "pasted text"


def test_pasting_nothing_is_an_error(view: TextView, session: Session) -> None:
    press(view, "Use pasted text")
    assert "Paste a text into it first" in session.notice[1]
