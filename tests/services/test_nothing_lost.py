"""The promises of `make torture` in a short form: real processes, real MariaDB and MySQL servers, a real full disk."""

import random
from pathlib import Path

import pytest

from tests.torture import crowd, outage, small_disk
from tests.torture.finding import Finding, table
from tests.torture.kills import Kills


def assert_reached(*findings: Finding) -> None:
    assert all(finding.reached for finding in findings), table(findings)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty data folder."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_training_that_is_killed_ends_as_if_it_never_was(home: Path, empty_server_url: str) -> None:
    assert_reached(*Kills({"a server": (home, empty_server_url)}, 200, random.Random(29)).run(2))


def test_a_worker_whose_training_was_taken_over_stops_and_changes_nothing(home: Path) -> None:
    assert_reached(*outage.take_over(home, f"sqlite:///{home}/new.sqlite3", lease=2.0, steps=110))


def test_on_a_full_disk_a_training_ends_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    assert_reached(*small_disk.run(tmp_path, steps=90))


def test_where_nothing_can_be_mounted_files_that_may_not_grow_do_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert_reached(*small_disk.run(tmp_path, steps=90))


def test_lines_of_many_writers_that_come_shuffled_and_twice_are_stored_once_and_in_order(empty_url: str) -> None:
    assert_reached(crowd.writers(empty_url, 7, 110, random.Random(31)))
