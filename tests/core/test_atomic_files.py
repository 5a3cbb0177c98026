"""Tests of atomic writes and of the removal of temporary files."""

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from charrnn.core.atomic_files import atomic_file, atomic_folder, discard, full_disk_errors, sweep
from charrnn.core.errors import StudioError


def test_atomic_file_appears_complete_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with atomic_file(target) as file:
        file.write(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_atomic_file_keeps_the_old_file_when_the_block_raises(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="stop"), atomic_file(target) as file:
        file.write(b"half")
        raise RuntimeError("stop")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_atomic_folder_appears_complete_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "step-7"
    with atomic_folder(target) as building:
        (building / "deep").mkdir()
        (building / "deep" / "a").write_text("1")
        assert not target.exists()
    assert (target / "deep" / "a").read_text() == "1"
    assert os.listdir(tmp_path) == ["step-7"]


def test_atomic_folder_leaves_nothing_behind_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), atomic_folder(tmp_path / "step-7") as building:
        (building / "a").write_text("1")
        raise RuntimeError("stop")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", [[], ["a"]])
def test_atomic_folder_never_overwrites_an_existing_folder(tmp_path: Path, content: list[str]) -> None:
    target = tmp_path / "step-7"
    target.mkdir()
    for name in content:
        (target / name).write_text("old")
    with pytest.raises(FileExistsError, match="step-7"), atomic_folder(target) as building:
        (building / "a").write_text("new")
    assert os.listdir(target) == content
    assert os.listdir(tmp_path) == ["step-7"]


def test_discard_removes_a_folder_and_ignores_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    discard(tmp_path / "a")
    discard(tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_full_disk_error_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match=f"disk of {tmp_path} is full.*CHARRNN_HOME"):
        with atomic_file(tmp_path / "a.bin"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_insufficient_space_is_reported_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2_000_000))
    with pytest.raises(StudioError, match=r"3\.5 MB are needed, but only 2\.0 MB are free"):
        with full_disk_errors(tmp_path, needed=3_500_000):
            pytest.fail("the block must not run")


def test_other_system_errors_are_not_translated(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), full_disk_errors(tmp_path):
        raise PermissionError(errno.EACCES, "no")


def test_sweep_removes_only_old_temporary_files(tmp_path: Path) -> None:
    for name in (".tmp-old", ".tmp-young", "kept"):
        (tmp_path / name).write_text("")
    (tmp_path / ".tmp-folder").mkdir()
    (tmp_path / ".tmp-folder" / "young").write_text("")
    for name in (".tmp-old", ".tmp-folder", "kept"):
        os.utime(tmp_path / name, (1000, 1000))
    assert [path.name for path in sweep(tmp_path, older_than=3600)] == [".tmp-old"]
    assert sorted(os.listdir(tmp_path)) == [".tmp-folder", ".tmp-young", "kept"]
    os.utime(tmp_path / ".tmp-folder" / "young", (1000, 1000))
    os.utime(tmp_path / ".tmp-folder", (1000, 1000))
    assert [path.name for path in sweep(tmp_path, older_than=3600)] == [".tmp-folder"]
