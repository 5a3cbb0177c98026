"""The README and the map tell the truth: tables, commands, paths."""

import re
import shlex
from pathlib import Path

import pytest

from charrnn.cli.main import COMMANDS
from charrnn.cli.parser import parse
from charrnn.core.options import presets, table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^charrnn (.+)$", README, re.MULTILINE)


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_the_option_tables_are_those_of_the_schema(kind: str) -> None:
    (shown,) = re.findall(rf"<!-- {kind} options: .*? -->\n(.*?)\n<!-- end -->", README, re.DOTALL)
    assert shown.strip() == table(kind).strip()


def test_every_preset_is_named() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", README, re.MULTILINE)) == set(presets())


@pytest.mark.parametrize("command", FENCED)
def test_commands_can_be_typed_as_they_stand(command: str) -> None:
    assert parse(shlex.split(command), COMMANDS).command


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make ([a-z]+)", README))))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_links_and_pictures_exist() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README + ARCHITECTURE)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_tree_names_folders_that_exist() -> None:
    tree = README.partition("## What is where")[2]
    folders = re.findall(r"^([a-z]+/) ", tree, re.MULTILINE)
    assert len(folders) >= 4
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_the_map_names_files_that_exist() -> None:
    named = re.findall(r"`((?:core|model|store|services)/[\w/.]+\.\w+)`", ARCHITECTURE)
    assert len(named) > 5
    assert [name for name in named if not (ROOT / "charrnn" / name).exists()] == []
