"""Binary files are told by their first bytes, and called by their name."""

import re

import pytest

from charrnn.core.errors import TextError
from charrnn.core.file_signatures import FORMATS, reject_binary, reject_known_format


@pytest.mark.parametrize(("beginning", "name"), FORMATS)
def test_a_known_format_is_refused_by_name(beginning: bytes, name: str) -> None:
    with pytest.raises(TextError, match=f"it seems to be {re.escape(name)}. Open it in the program that made it"):
        reject_known_format(beginning + b" and more")


@pytest.mark.parametrize("text", [b"", b"P", b"%PD", b"PKZIP was a program", b"RIFFs on a theme", b"MZ, ID3 and BMX"])
def test_a_text_is_let_through_even_if_it_begins_much_like_a_format(text: bytes) -> None:
    reject_known_format(text)


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"MZ\x90\0", "a program for Windows"), (b"GIF89a\0", "a GIF picture"), (b"?\0", "a binary file")],
)
def test_a_file_with_nul_bytes_is_refused_saying_where(head: bytes, name: str) -> None:
    with pytest.raises(TextError, match=rf"it seems to be {name} \(there is a NUL byte at offset 12,345\)"):
        reject_binary(12_345, head)
