"""Test opening files that users name."""

import re
from pathlib import Path

import pytest

from charrnn.core.errors import NotFound, TextError
from charrnn.core.input_files import open_text_file


def test_a_file_is_opened_in_binary_mode(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xffab\r\n")
    with open_text_file(tmp_path / "a.txt") as file:
        assert file.read() == b"\xffab\r\n"


def test_the_error_for_a_missing_file_names_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        NotFound, match=re.escape(f"no file gone.txt. Check the name; relative paths start at {tmp_path}")
    ):
        open_text_file(Path("gone.txt"))


@pytest.mark.parametrize("name", [".", "a\0b", "\udcff"])
def test_a_folder_or_an_invalid_name_is_rejected(name: str) -> None:
    with pytest.raises((NotFound, TextError)):
        open_text_file(Path(name))
