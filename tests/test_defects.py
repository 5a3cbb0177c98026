"""Test that docs/defects.md documents every numbered defect."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_numbered_defect_is_documented_and_tested() -> None:
    documented = re.findall(r"^\| (\d+) \|", (ROOT / "docs/defects.md").read_text("utf-8"), re.MULTILINE)
    names = [
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^\s*def test_defects?_(\d+(?:_and_\d+)?)_", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert {number for name in names for number in name.split("_and_")} == set(documented)
