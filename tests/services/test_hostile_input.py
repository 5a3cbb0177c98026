"""Test hostile names, prompts and lengths: each works or is rejected with a message."""

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.cli.main import main
from charrnn.core.atomic_files import file_name
from charrnn.core.errors import NotFound, OptionError, TextError, UnknownCharacters
from charrnn.services import Services
from tests.support.hostile_names import NAMES
from tests.support.small_training import TEXT, Trained

CONTROL_CHARACTERS = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *"\u2028\u2029\u202a\u202e\u2066"} - {"\n"}


def files(services: Services) -> set[str]:
    """Return the paths of all files and folders in and next to a data folder."""
    root = services.settings.home.parent
    return {str(path.relative_to(root)) for path in root.rglob("*") if "sqlite3" not in path.name}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_text_with_any_name_is_stored_under_its_id(services: Services, name: str) -> None:
    corpus, report = services.corpora.add(io.BytesIO(TEXT.encode()), name=name)
    assert len(services.corpora.all()[0].name) <= 255
    folder = f"home/corpora/{corpus.id}"
    expected = {"home", "home/corpora", "home/checkpoints", folder, f"{folder}/text.txt", f"{folder}/counts.json"}
    assert files(services) == expected


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_with_any_name_is_read_or_reported_as_missing(services: Services, name: str, tmp_path: Path) -> None:
    try:
        (tmp_path / "folder").mkdir()
        path = tmp_path / "folder" / name.replace("/", "∕")
        path.write_text(TEXT)
    except (OSError, ValueError):  # not a valid file name
        path = tmp_path / "folder" / name
        with pytest.raises((NotFound, TextError)):
            services.corpora.add(path)
    else:
        assert services.corpora.add(path)[0].size_bytes == len(TEXT.encode())


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_model_with_any_name_is_created_and_found_or_rejected(services: Services, name: str) -> None:
    try:
        model = services.models.create(name)
    except OptionError as error:
        assert set(error.problems) == {"name"}
        assert not CONTROL_CHARACTERS & set(str(error))
    else:
        assert services.models.resolve(name).id == services.models.resolve(model.name).id == model.id
        assert services.models.rename(model.id, "plain").name == "plain"
        assert services.models.rename(model.id, name).name == model.name
    assert files(services) == {"home", "home/corpora", "home/checkpoints"}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_command_line_accepts_any_name_and_prints_no_control_characters(tmp_path: Path, name: str) -> None:
    if "\0" in name:
        return  # not a valid argument
    text = tmp_path / "text.txt"
    text.write_text(TEXT)
    out, err = io.StringIO(), io.StringIO()
    out.isatty = err.isatty = lambda: True  # type: ignore[method-assign]
    home = ["--home", str(tmp_path / "home")]
    with redirect_stdout(out), redirect_stderr(err):
        trained = main([*home, "train", "--input_file", str(text), f"--name={name}", "--num_seqs", "9999"])
        listed = [main([*home, *argv]) for argv in (["models"], ["show", "--", name], ["export", "--", name])]
    assert trained in (1, 2) and set(listed) <= {0, 1, 2}
    assert "Traceback" not in err.getvalue()
    printed = (out.getvalue() + err.getvalue()).replace("\x1b[", "") if "\x1b" not in name else out.getvalue()
    assert not set("\x07\x9b\u202e\u2066") & set(printed)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_file_name_of_an_export_is_valid_on_every_system(name: str, tmp_path: Path) -> None:
    exported = file_name(name) + ".zip"
    assert os.path.basename(exported) == exported and exported.isprintable() and not set('<>:"/\\|?*') & set(exported)
    assert exported[0] not in "-.~" and exported.partition(".")[0].upper() not in ("CON", "NUL", "LPT1")
    (tmp_path / exported).touch()


def test_defect_a_lone_surrogate_in_a_text_is_reported(services: Services) -> None:
    with pytest.raises(TextError, match=r"Character 6 .* U\+D83E, .*half of a character"):
        services.corpora.add("duck \ud83e and others\n" * 9)


UNICODE = st.text(st.characters(), max_size=60)  # lone surrogates included


@settings(max_examples=40)
@given(UNICODE)
def test_a_prompt_of_any_characters_is_used_or_rejected_with_the_unknown_ones(trained: Trained, prompt: str) -> None:
    known = set(TEXT)
    write = trained.services.writing.write
    for unknown in ("drop", "replace"):
        [written] = write(trained.model.id, {"start_string": prompt, "unknown": unknown, "max_length": 3}, keep=False)
        assert set(written.prompt) <= known
    try:
        [written] = write(trained.model.id, {"start_string": prompt, "max_length": 3}, keep=False)
    except UnknownCharacters as error:
        assert set(error.characters) == set(prompt) - known
    else:
        assert written.prompt == prompt


def test_text_generated_from_an_unusual_prompt_is_stored(trained: Trained) -> None:
    stream = trained.services.writing.stream(trained.model.id, {"start_string": "\ud800 duck", "unknown": "drop"})
    assert stream.prompt == " duck"
    text = trained.services.writing.write(
        trained.model.id, {"start_string": "\ud800\0 duck", "unknown": "drop", "max_length": 3}
    )[0]
    assert any(sample.text == text.prompt + text.text for sample in trained.services.models.samples(trained.model.id))


def test_a_prompt_of_100_000_characters_is_accepted(trained: Trained) -> None:
    prompt = (TEXT * 200)[:100_000]
    [written] = trained.services.writing.write(trained.model.id, {"start_string": prompt, "max_length": 5}, keep=False)
    assert (written.prompt, len(written.text)) == (prompt, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_length", 10**9), ("max_length", -1), ("max_length", 10**5000), ("num_samples", 10**6),
     ("start_string", "x" * 10**6 + "y"),
     ("temperature", float("nan")), ("temperature", 10**400), ("stop", "x" * 1001), ("top_p", "inf"), ("seed", True)],
    ids=lambda value: str(value)[:9] if not isinstance(value, int) or value < 10**9 else "huge",
)  # fmt: skip
def test_requests_above_the_maximum_are_rejected_with_the_maximum(trained: Trained, name: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"{name}.*must be") as error:
        trained.services.writing.stream(trained.model.id, {name: value})
    assert len(str(error.value)) < 300
