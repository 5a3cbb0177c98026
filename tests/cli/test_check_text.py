"""Test `charrnn check` and `charrnn examples`."""

import json

import pytest

from charrnn.services.example_texts import examples


def test_check_describes_a_text(charrnn, tmp_path):
    path = tmp_path / "poem.txt"
    path.write_bytes(b"Ein Gedicht\r\nmit zwei Zeilen\r\n" * 9)
    result = charrnn("check", str(path), "--num_seqs", "2", "--num_steps", "5")
    assert result.code == 0
    out = " ".join(result.out.split())
    assert "text poem" in out
    assert "utf-8 (certain:" in out
    assert "line endings 18 CRLF" in out
    assert "preview: Ein Gedicht mit zwei Zeilen" in out
    assert "This text can be trained on. With these options:" in out


def test_a_text_that_is_too_short_fails_with_the_options_to_lower(charrnn, text_file):
    """Defect 4 of the article's system: a training on a short text never ended and gave no error."""
    result = charrnn("check", str(text_file))
    assert result.code == 1
    assert "This text cannot be trained on: The text has" in result.out
    assert "lower num_seqs to" in result.out


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"aaaa\naaaa".replace(b"\n", b"a"), "only one character"), (b"\x89PNG\r\n\x1a\n\0\0", "PNG")],
)
def test_an_unusable_text_fails(charrnn, tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    result = charrnn("check", str(path))
    assert result.code == 1
    assert message in result.out + result.err


def test_the_encoding_can_be_set(charrnn, tmp_path):
    path = tmp_path / "name.txt"
    path.write_bytes("Łódź, żółw".encode("cp1250") * 50)
    printed = json.loads(charrnn("check", str(path), "--encoding", "cp1250", "--json").out)
    assert (printed["text"]["encoding"], printed["text"]["certain"]) == ("cp1250", True)
    assert "Łódź" in printed["text"]["first_lines"][0]
    assert charrnn("check", str(path), "--encoding", "klingon").code == 1


def test_characters_outside_the_vocabulary_are_reported(charrnn, text_file):
    result = charrnn("check", str(text_file), "--num_seqs", "3", "--num_steps", "5", "--max_vocab", "9")
    assert "rare characters are not learned" in result.out


def test_invalid_options_are_reported_before_the_text_is_read(charrnn):
    result = charrnn("check", "no such file", "--num_seqs", "0", "--cell", "x")
    assert result.code == 2
    assert "--num_seqs" in result.err
    assert "--cell" in result.err


def test_control_characters_of_a_text_are_escaped(charrnn, tmp_path):
    path = tmp_path / "evil.txt"
    path.write_bytes(b"a\x1b[2Jb line\n" * 30)
    assert "\x1b" not in charrnn("check", str(path)).out


def test_the_examples_are_listed(charrnn):
    names = [example.name for example in examples()]
    assert [example["name"] for example in json.loads(charrnn("examples", "--json").out)] == names
    assert all(f"\n{name} " in charrnn("examples").out for name in names)
