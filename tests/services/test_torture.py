"""Run the scenarios of `make torture` briefly, with real processes, database servers and a full disk."""

import random
from pathlib import Path

import pytest

from tests.torture import concurrency, outage, small_disk
from tests.torture.findings import Finding, table
from tests.torture.kills import Kills
from tests.torture.powercut import PowerCuts


def assert_reached(*findings: Finding) -> None:
    assert all(finding.is_reached for finding in findings), table(findings)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty data folder."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_killed_training_resumes_like_an_uninterrupted_one(home: Path, empty_server_url: str) -> None:
    assert_reached(*Kills({"a server": (home, empty_server_url)}, 200, random.Random(29)).run(2))


def test_a_training_resumes_after_a_power_cut_when_the_database_lost_its_newest_commits(home: Path) -> None:
    assert_reached(*PowerCuts(home, 200, random.Random(37)).run(4))


def test_a_worker_whose_training_was_taken_over_stops_and_changes_nothing(home: Path) -> None:
    assert_reached(*outage.take_over(home, f"sqlite:///{home}/new.sqlite3", lease=2.0, steps=110))


def test_a_training_fails_on_a_full_disk_and_resumes_when_there_is_space(tmp_path: Path) -> None:
    assert_reached(*small_disk.run(tmp_path, steps=90))


def test_a_file_size_limit_simulates_the_full_disk_without_the_right_to_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert_reached(*small_disk.run(tmp_path, steps=90))


def test_shuffled_and_repeated_log_lines_of_many_writers_are_stored_once_and_in_order(empty_url: str) -> None:
    assert_reached(concurrency.writers(empty_url, 7, 110, random.Random(31)))
