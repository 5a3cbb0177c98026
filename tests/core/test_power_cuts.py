"""Tests that files are synced in an order that survives a power failure: content before names, names before use."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.core.atomic_files import atomic_file, atomic_folder, make_folder
from charrnn.store.corpus_files import CorpusFiles
from charrnn.store.database import Database

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows cannot open folders")


class Disk:
    """Record the syncs and renames below a folder, in order."""

    def __init__(self, root: Path):
        self.root, self.events = root, list[str]()

    def name(self, inode: int) -> str:
        """Return the current path of an inode, with temporary names shown as `tmp`."""
        for path in [self.root, *self.root.rglob("*")]:
            if path.stat().st_ino == inode:
                return self.shown(path)
        return "elsewhere"

    def shown(self, path: Path) -> str:
        parts = path.relative_to(self.root).parts
        return "/".join("tmp" if part.startswith(".tmp-") else part for part in parts) or "."


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk(tmp_path)
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def recorded_fsync(descriptor: int) -> None:
        disk.events.append(f"sync {disk.name(os.fstat(descriptor).st_ino)}")
        fsync(descriptor)

    def recorded_rename(source: Path, target: Path) -> None:
        disk.events.append(f"rename {disk.shown(Path(source))} to {disk.shown(Path(target))}")
        rename(source, target)

    def recorded_replace(source: Path, target: Path) -> None:
        disk.events.append(f"rename {disk.shown(Path(source))} to {disk.shown(Path(target))}")
        replace(source, target)

    monkeypatch.setattr("charrnn.core.atomic_files._flush", recorded_fsync)
    monkeypatch.setattr("os.rename", recorded_rename)
    monkeypatch.setattr("os.replace", recorded_replace)
    return disk


def test_atomic_file_syncs_content_name_and_folder(disk: Disk) -> None:
    with atomic_file(disk.root / "a") as file:
        file.write(b"1")
    assert disk.events == ["sync tmp", "rename tmp to a", "sync ."]


def test_atomic_folder_syncs_everything_in_it_before_its_name(disk: Disk) -> None:
    with atomic_folder(disk.root / "step-7") as building:
        (building / "deep").mkdir()
        (building / "deep" / "a").write_text("1")
        (building / "b").write_text("2")
    assert disk.events == [
        "sync tmp/deep/a",
        "sync tmp/deep",
        "sync tmp/b",
        "sync tmp",
        "rename tmp to step-7",
        "sync .",
    ]


def test_make_folder_syncs_every_new_parent(disk: Disk) -> None:
    make_folder(disk.root / "home" / "checkpoints" / "model")
    assert disk.events == ["sync .", "sync home", "sync home/checkpoints"]


def test_corpus_is_synced_even_if_another_process_just_stored_it(disk: Disk) -> None:
    files = CorpusFiles(disk.root)
    corpus, _ = files.add(io.BytesIO(b"nine little ducks\n" * 31), name="ducks")
    assert disk.events[-2:] == [f"rename tmp to {corpus.id}", "sync ."]
    disk.events.clear()
    files.add(io.BytesIO(b"nine little ducks\n" * 31), name="ducks")
    assert disk.events == ["sync ."]


def test_new_database_file_is_synced(disk: Disk) -> None:
    Database.open(f"sqlite:///{disk.root}/new.sqlite3").close()
    assert disk.events == ["sync ."]
