"""Test scripts/release-notes: notes come from the changelog, if tag, version and changelog agree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHANGELOG = """# Changelog

## [Unreleased]

* Not yet.

## [1.20.0] - 2026-11-28

### Added

* Ducks. See [the pond](https://example.org).

## [1.2.0] - 2026-10-01

* Geese.

[1.2.0]: https://example.org
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/release-notes", tmp_path / "scripts")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def notes(project: Path, version: str, tag: str) -> subprocess.CompletedProcess[str]:
    (project / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    return subprocess.run([sys.executable, project / "scripts/release-notes", tag], capture_output=True, text=True)


def test_notes_are_the_section_of_the_version(project: Path) -> None:
    result = notes(project, "1.20.0", "v1.20.0")
    assert result.stdout == "### Added\n\n* Ducks. See [the pond](https://example.org).\n"
    assert notes(project, "1.2.0", "v1.2.0").stdout == "* Geese.\n"


def test_a_tag_that_differs_from_the_version_is_rejected(project: Path) -> None:
    result = notes(project, "1.20.0", "v1.2.0")
    assert (result.returncode, result.stdout) == (1, "")
    assert "The tag is v1.2.0, but pyproject.toml has version 1.20.0" in result.stderr


@pytest.mark.parametrize("changelog", ["# Changelog\n", "## [1.20.0]\n\n* No date.\n", "## [1.20.0] - 2026-11-28\n\n"])
def test_a_version_without_dated_notes_is_rejected(project: Path, changelog: str) -> None:
    (project / "CHANGELOG.md").write_text(changelog)
    result = notes(project, "1.20.0", "v1.20.0")
    assert (result.returncode, "has no notes below a line" in result.stderr) == (1, True)
