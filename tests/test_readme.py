"""Check that the documents match the program: tables, commands, make targets, links and file names."""

import re
import shlex
from pathlib import Path

import pytest

from charrnn.cli.main import COMMANDS
from charrnn.cli.parser import parse
from charrnn.core.options import options, presets, table

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "deploy/README.md", ROOT / "benchmarks/NOTES.md"]
)
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}
README = TEXTS["README.md"]
FENCED = sorted(
    {line for text in TEXTS.values() for line in re.findall(r"^charrnn (.+?)(?: +#.*)?$", text, re.MULTILINE)}
)
FOLDERS = ("charrnn", "dashboard", "docs", "deploy", "container", "benchmarks", "tests", "scripts", "notebooks", "sql")
SHORT = ("core", "model", "store", "services", "cli")
"""Folders of `charrnn/` that documents may name without it."""


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_the_option_tables_match_the_schema(kind: str) -> None:
    (shown,) = re.findall(rf"<!-- {kind} options: .*? -->\n(.*?)\n<!-- end -->", TEXTS["docs/options.md"], re.DOTALL)
    assert shown.strip() == table(kind).strip(), "run make docs"


def test_the_readme_lists_every_preset() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", README, re.MULTILINE)) == set(presets())


def test_the_command_line_document_lists_every_command() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", TEXTS["docs/command-line.md"], re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`(?:charrnn )?([a-z]+)", row)}
    assert set(COMMANDS) <= named


def test_the_glossary_names_options_that_exist() -> None:
    cells = re.findall(r"\| ([^|]*) \|$", TEXTS["docs/glossary.md"], re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert len(named) > 20
    assert named <= {*options("training"), *options("sampling")}


@pytest.mark.parametrize("command", FENCED)
def test_commands_can_be_typed_as_shown(command: str) -> None:
    assert parse(shlex.split(command), COMMANDS).command


@pytest.mark.parametrize("name", TEXTS)
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", TEXTS[name], re.MULTILINE)) <= targets


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_images_exist(name: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXTS[name])
    assert [target for target in targets if not (ROOT / name).parent.joinpath(target).exists()] == []


@pytest.mark.parametrize("name", TEXTS)
def test_files_that_a_document_names_exist(name: str) -> None:
    folders = "|".join((*FOLDERS, *SHORT))
    paths = re.findall(rf"`((?:{folders})/[\w/.-]*)`", TEXTS[name])
    homes = (ROOT, ROOT / "charrnn", (ROOT / name).parent)
    assert [path for path in paths if not any((home / path).exists() for home in homes)] == []
