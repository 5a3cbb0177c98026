"""What a power cut may not undo is on the disk in time: content before its name, a name before anybody relies on it."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.core.atomic_files import atomic_file, atomic_folder, make_folder
from charrnn.store.corpus_files import CorpusFiles
from charrnn.store.database import Database

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows opens no folders")


class Disk:
    """What reached the disk below a folder, in order."""

    def __init__(self, root: Path):
        self.root, self.events = root, list[str]()

    def name(self, inode: int) -> str:
        """Return the path that an inode has now; temporary names alike."""
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

    def watched_fsync(descriptor: int) -> None:
        disk.events.append(f"sync {disk.name(os.fstat(descriptor).st_ino)}")
        fsync(descriptor)

    def watched_rename(source: Path, target: Path) -> None:
        disk.events.append(f"rename {disk.shown(Path(source))} to {disk.shown(Path(target))}")
        rename(source, target)

    def watched_replace(source: Path, target: Path) -> None:
        disk.events.append(f"rename {disk.shown(Path(source))} to {disk.shown(Path(target))}")
        replace(source, target)

    monkeypatch.setattr("charrnn.core.atomic_files._flush", watched_fsync)
    monkeypatch.setattr("os.rename", watched_rename)
    monkeypatch.setattr("os.replace", watched_replace)
    return disk


def test_a_file(disk: Disk) -> None:
    with atomic_file(disk.root / "a") as file:
        file.write(b"1")
    assert disk.events == ["sync tmp", "rename tmp to a", "sync ."]


def test_a_folder_and_all_that_is_in_it(disk: Disk) -> None:
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


def test_every_new_folder_above_a_checkpoint(disk: Disk) -> None:
    make_folder(disk.root / "home" / "checkpoints" / "model")
    assert disk.events == ["sync .", "sync home", "sync home/checkpoints"]


def test_a_text_also_when_another_process_has_just_stored_it(disk: Disk) -> None:
    files = CorpusFiles(disk.root)
    corpus, _ = files.add(io.BytesIO(b"nine little ducks\n" * 31), name="ducks")
    assert disk.events[-2:] == [f"rename tmp to {corpus.id}", "sync ."]
    disk.events.clear()
    files.add(io.BytesIO(b"nine little ducks\n" * 31), name="ducks")
    assert disk.events == ["sync ."]


def test_the_file_of_a_new_database(disk: Disk) -> None:
    Database.open(f"sqlite:///{disk.root}/new.sqlite3").close()
    assert disk.events == ["sync ."]
