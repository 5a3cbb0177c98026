"""Test the locations of the data folder and the database."""

from pathlib import Path

import pytest

from charrnn.core.errors import StudioError
from charrnn.services.settings import Settings


def test_an_argument_overrides_the_environment(tmp_path: Path) -> None:
    environ = {"CHARRNN_HOME": str(tmp_path / "b")}
    assert Settings.read(environ).home == tmp_path / "b"
    assert Settings.read(environ, home=tmp_path / "a").home == tmp_path / "a"


def test_the_data_folder_and_its_subfolders_are_created(tmp_path: Path) -> None:
    settings = Settings.read({}, home=tmp_path / "new" / "home")
    assert settings.corpora.is_dir()
    assert settings.checkpoints.is_dir()


def test_the_error_for_an_unwritable_data_folder_names_the_variable_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StudioError, match="CHARRNN_HOME"):
        Settings.read({}, home=tmp_path / "file" / "home")


def test_a_password_is_not_in_the_repr(tmp_path: Path) -> None:
    assert "hush" not in repr(Settings.read({"MYSQL_PASSWORD": "hush"}, home=tmp_path))
