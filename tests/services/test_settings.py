"""Where everything lives."""

from pathlib import Path

import pytest

from charrnn.core.errors import StudioError
from charrnn.services.settings import Settings


def test_an_argument_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {"CHARRNN_HOME": str(tmp_path / "b")}
    assert Settings.read(environ).home == tmp_path / "b"
    assert Settings.read(environ, home=tmp_path / "a").home == tmp_path / "a"


def test_the_folder_and_its_parts_are_made(tmp_path: Path) -> None:
    settings = Settings.read({}, home=tmp_path / "new" / "home")
    assert settings.corpora.is_dir()
    assert settings.checkpoints.is_dir()


def test_a_folder_that_cannot_be_made_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StudioError, match="CHARRNN_HOME"):
        Settings.read({}, home=tmp_path / "file" / "home")


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    assert "hush" not in repr(Settings.read({"MYSQL_PASSWORD": "hush"}, home=tmp_path))
