"""Tests of the recognition of binary files."""

import re

import pytest

from charrnn.core.errors import TextError
from charrnn.core.file_signatures import FORMATS, reject_binary, reject_known_format


@pytest.mark.parametrize(("beginning", "name"), FORMATS)
def test_known_formats_are_rejected_by_name(beginning: bytes, name: str) -> None:
    with pytest.raises(TextError, match=f"it seems to be {re.escape(name)}. Open it in the program that created it"):
        reject_known_format(beginning + b" and more")


@pytest.mark.parametrize("text", [b"", b"P", b"%PD", b"PKZIP was a program", b"RIFFs on a theme", b"MZ, ID3 and BMX"])
def test_text_that_resembles_a_signature_is_accepted(text: bytes) -> None:
    reject_known_format(text)


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"MZ\x90\0", "a Windows program"), (b"GIF89a\0", "a GIF image"), (b"?\0", "a binary file")],
)
def test_file_with_nul_bytes_is_rejected_with_the_offset(head: bytes, name: str) -> None:
    with pytest.raises(TextError, match=rf"it seems to be {name} \(there is a NUL byte at offset 12,345\)"):
        reject_binary(12_345, head)
