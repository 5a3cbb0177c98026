"""Test that other users of the machine cannot read a data folder, including one from an older version."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.core.records import ModelState
from charrnn.services import open_services
from tests.support.small_training import OPTIONS, TEXT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


@pytest.fixture(autouse=True)
def permissive_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(home: Path) -> dict[str, set[str]]:
    """Return the modes of the data folder and of all folders and files in it."""
    result: dict[str, set[str]] = {"folders": set(), "files": set()}
    for path in [home, *home.rglob("*")]:
        result["folders" if path.is_dir() else "files"].add(oct(path.stat().st_mode & 0o7777)[2:])
    return result


def test_all_files_of_a_training_are_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_services(home, environ={}) as services:
        model = services.training.start(TEXT, options=OPTIONS)
        assert services.training.wait(model.id).state == ModelState.COMPLETED
        assert {"charrnn.sqlite3-wal", "charrnn.sqlite3-shm"} <= {path.name for path in home.iterdir()}
        assert {path.suffix for path in home.rglob("*")} >= {".npy", ".txt", ".json", ".safetensors"}
        assert modes(home) == {"folders": {"700"}, "files": {"600"}}
    assert modes(home) == {"folders": {"700"}, "files": {"600"}}


def test_a_data_folder_of_an_older_version_becomes_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_services(home, environ={}) as services:
        corpus, _ = services.corpora.add(TEXT)
        services.corpora.ids(corpus.id, max_vocab=99)
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    with open_services(home, environ={}):
        assert modes(home) == {"folders": {"700"}, "files": {"600"}}


def test_a_folder_shared_by_a_group_stays_shared_but_is_closed_to_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o2775)
    with open_services(home, environ={}) as services:
        corpus, _ = services.corpora.add(TEXT)
        services.corpora.ids(corpus.id, max_vocab=99)
        assert modes(home) == {"folders": {"2770"}, "files": {"660"}}


def test_a_database_file_in_another_folder_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir(mode=0o755)
    url = f"sqlite:///{folder}/new.sqlite3"
    with open_services(tmp_path / "home", database_url=url, environ={}):
        assert modes(folder)["files"] == {"600"}
    (folder / "new.sqlite3").chmod(0o644)
    with open_services(tmp_path / "home", database_url=url, environ={}):
        assert modes(folder)["files"] == {"600"}
        assert modes(folder)["folders"] == {"755"}  # not created by the program
