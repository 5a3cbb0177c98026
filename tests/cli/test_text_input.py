"""Test reading texts from files and standard input."""

import io
import re
from types import SimpleNamespace

import pytest

from charrnn.cli.text_input import open_text
from charrnn.core.errors import NotFound, TextError


def test_a_text_is_named_after_its_file(text_file):
    with open_text(str(text_file)) as (file, name):
        assert (file.read(5), name) == (b"Line ", "fox")


def test_a_hyphen_opens_standard_input_as_a_seekable_file(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"\xffabc")))
    with open_text("-") as (file, name):
        assert (file.read(), file.seek(1), file.read(), name) == (b"\xffabc", 1, b"abc", "stdin")


def test_the_error_for_a_missing_text_names_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match=re.escape(str(tmp_path))), open_text("gone.txt"):
        pass


@pytest.mark.parametrize("name", [".", "a\0b"])
def test_a_folder_or_an_invalid_name_is_rejected(name):
    with pytest.raises(TextError, match="cannot be read"), open_text(name):
        pass
