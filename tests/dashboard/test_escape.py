"""What users and networks write is shown, never obeyed."""

import pytest

from dashboard.escape import escaped, printable


def test_markup_becomes_text() -> None:
    assert (
        escaped("<img src=x onerror=\"alert('1')\">&")
        == "&lt;img src=x onerror=&quot;alert(&#x27;1&#x27;)&quot;&gt;&amp;"
    )


def test_terminal_escapes_are_seen() -> None:
    assert printable("\x1b[31mred\x07\x7f") == "␛[31mred␇␡"


def test_what_turns_the_direction_of_text_is_named() -> None:
    assert printable("a\u202eb") == "a[Right-To-Left Override]b"


@pytest.mark.parametrize("text", ["line\nand\ttab", "مرحبا 你好 🦆", "é", ""])
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
