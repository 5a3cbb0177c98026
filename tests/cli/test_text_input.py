"""Texts come from files and from standard input."""

import io
import re
from types import SimpleNamespace

import pytest

from charrnn.cli.text_input import open_text
from charrnn.core.errors import NotFound, TextError


def test_a_file_is_called_by_its_name(text_file):
    with open_text(str(text_file)) as (file, name):
        assert (file.read(5), name) == (b"Line ", "fox")


def test_a_stroke_means_standard_input_which_can_be_read_twice(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"\xffabc")))
    with open_text("-") as (file, name):
        assert (file.read(), file.seek(1), file.read(), name) == (b"\xffabc", 1, b"abc", "stdin")


def test_a_missing_file_is_told_with_the_folder_it_was_looked_for_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match=re.escape(str(tmp_path))), open_text("gone.txt"):
        pass


@pytest.mark.parametrize("name", [".", "a\0b"])
def test_what_is_no_file_is_refused(name):
    with pytest.raises(TextError, match="cannot be read"), open_text(name):
        pass
