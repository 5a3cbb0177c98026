"""Escaping of stored text."""

import pytest

from dashboard.escape import escaped, printable


def test_html_is_escaped() -> None:
    assert (
        escaped("<img src=x onerror=\"alert('1')\">&")
        == "&lt;img src=x onerror=&quot;alert(&#x27;1&#x27;)&quot;&gt;&amp;"
    )


def test_control_characters_become_visible() -> None:
    assert printable("\x1b[31mred\x07\x7f") == "␛[31mred␇␡"


def test_characters_that_change_the_text_direction_are_named() -> None:
    assert printable("a\u202eb") == "a[Right-To-Left Override]b"


@pytest.mark.parametrize("text", ["line\nand\ttab", "مرحبا 你好 🦆", "é", ""])
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert printable(text) == text
