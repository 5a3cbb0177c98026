"""Tests of private permissions and of folders shared with a group."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.core.atomic_files import atomic_file, atomic_folder, make_folder
from charrnn.core.file_permissions import file_mode, folder_mode, make_private, make_tree_private

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)[2:]


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=lambda umask: f"umask {umask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("parent", "folder", "file"),
    [
        ("755", "700", "600"),
        ("777", "770", "660"),
        ("700", "700", "600"),
        ("750", "750", "640"),
        ("775", "770", "660"),
        ("2755", "2750", "640"),
        ("2770", "2770", "660"),
        ("1777", "700", "600"),
    ],
)
def test_new_files_inherit_the_permissions_of_a_shared_folder(
    tmp_path: Path, parent: str, folder: str, file: str
) -> None:
    tmp_path.chmod(int(parent, 8))
    assert (oct(folder_mode(tmp_path))[2:], oct(file_mode(tmp_path))[2:]) == (folder, file)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("755", "700"),
        ("644", "600"),
        ("775", "770"),
        ("750", "750"),
        ("640", "640"),
        ("2755", "2750"),
        ("2775", "2770"),
        ("1777", "1777"),
        ("700", "700"),
    ],
)
def test_make_private_removes_the_permissions_of_others(tmp_path: Path, before: str, after: str) -> None:
    tmp_path.chmod(int(before, 8))
    assert make_private(tmp_path) == (before != after)
    assert mode(tmp_path) == after


def test_make_private_ignores_files_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert not make_private(tmp_path)
    assert mode(tmp_path) == "755"


def test_make_tree_private_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir(mode=0o755)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path / "outside")
    make_tree_private(tmp_path / "inside")
    assert mode(tmp_path / "outside") == "755"


def test_new_files_and_folders_are_private_whatever_the_umask(tmp_path: Path, umask: None) -> None:
    home = tmp_path / "above" / "home"
    make_folder(home, inherits=False)
    with atomic_file(home / "file", private=True) as file:
        assert [mode(path) for path in home.iterdir()] == ["600"]
        file.write(b"1")
    with atomic_folder(home / "folder") as building:
        assert mode(building) == "700"
        (building / "deep").mkdir()
        (building / "deep" / "file").write_text("1")
    make_folder(home / "part")
    assert {mode(path) for path in [home, *home.rglob("*")] if path.is_dir()} == {"700"}
    assert {mode(path) for path in home.rglob("*") if path.is_file()} == {"600"}
    assert mode(home.parent) == "700"
