"""Test scripts/audit with a fake pip-audit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOUND = {"name": "duck", "version": "1.2", "vulns": []}
WEAK = {"name": "goose", "version": "0.1", "vulns": [{"id": "CVE-1999-7", "fix_versions": ["0.2"]}]}
SKIPPED = {"name": "swan", "skip_reason": "not found"}


def audited(folder: Path, *packages: dict[str, object], stderr: str = "") -> subprocess.CompletedProcess[str]:
    """Run the audit with a fake pip-audit that reports these packages, or nothing if there are none."""
    report = json.dumps({"dependencies": packages})
    write = f"open(sys.argv[sys.argv.index('--output') + 1], 'w').write({report!r})" if packages else ""
    uvx = folder / "uvx"
    uvx.write_text(f"#!{sys.executable}\nimport sys\n{write}\nprint({stderr!r}, file=sys.stderr)\nsys.exit(1)\n")
    uvx.chmod(0o755)
    command = [sys.executable, str(ROOT / "scripts/audit")]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=os.environ | {"UVX": str(uvx)})


def test_versions_without_known_vulnerabilities_pass(tmp_path: Path) -> None:
    result = audited(tmp_path, SOUND)
    assert (result.returncode, "no known vulnerabilities in 1 packages" in result.stdout) == (0, True)


def test_a_known_vulnerability_fails_and_names_the_fixed_version(tmp_path: Path) -> None:
    result = audited(tmp_path, SOUND, WEAK)
    assert (result.returncode, "goose 0.1 has CVE-1999-7, fixed in 0.2" in result.stdout) == (1, True)


def test_a_skipped_package_is_reported_as_not_audited(tmp_path: Path) -> None:
    result = audited(tmp_path, SOUND, SKIPPED)
    assert (result.returncode, "NOT AUDITED: 1 of 2 packages, swan" in result.stderr, result.stdout) == (0, True, "")


def test_an_unreachable_database_is_reported_and_does_not_fail(tmp_path: Path) -> None:
    result = audited(tmp_path, stderr="ConnectionError: Failed to resolve 'db.example'")
    assert (result.returncode, "NOT AUDITED" in result.stderr, result.stdout) == (0, True, "")


@pytest.mark.parametrize("stderr", ["", "invalid requirement"])
def test_an_audit_that_crashes_fails(tmp_path: Path, stderr: str) -> None:
    assert audited(tmp_path, stderr=stderr).returncode == 2
