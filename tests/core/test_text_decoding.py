"""Tests of strict decoding in chunks of any size."""

import codecs
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn.core.text_decoding as module
from charrnn.core.errors import TextError
from charrnn.core.text_decoding import analyze, decode, resolve_encoding
from charrnn.core.text_statistics import TextStatistics

ENCODINGS = ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=50)
LINES = st.text("ab\r\n", max_size=30)


def whole(data: bytes, encoding: str = "utf-8", newlines: str = "keep") -> str:
    return "".join(decode(io.BytesIO(data), encoding=encoding, newlines=newlines))  # type: ignore[arg-type]


@pytest.fixture(params=[1, 2, 3, 7], ids="chunks of {}".format)
def small_chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", request.param)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", ["", "é", "水😀a", "ąžuolas\r\nbūti\r"])
def test_chunks_give_the_whole_text_in_any_encoding(text: str, encoding: str) -> None:
    assert whole(text.encode(encoding), encoding) == text


@given(TEXTS, st.sampled_from(ENCODINGS), st.integers(1, 9))
def test_chunked_decoding_equals_decoding_at_once(text: str, encoding: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        assert whole(text.encode(encoding), encoding) == text


@given(LINES, st.integers(1, 5))
def test_line_endings_become_lf_for_any_chunk_size(text: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        assert whole(text.encode(), newlines="lf") == text.replace("\r\n", "\n").replace("\r", "\n")


@given(LINES, st.integers(1, 5))
def test_no_chunk_is_empty_or_ends_inside_a_crlf(text: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        chunks = list(decode(io.BytesIO(text.encode()), encoding="utf-8", newlines="keep"))
    assert all(chunks)
    assert not any(a.endswith("\r") and b.startswith("\n") for a, b in zip(chunks, chunks[1:], strict=False))


@pytest.mark.parametrize("marks", [b"", codecs.BOM_UTF8, codecs.BOM_UTF8 * 2])
def test_leading_byte_order_marks_are_removed(marks: bytes) -> None:
    assert whole(marks + b"a\xef\xbb\xbfb") == "a\ufeffb"


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(("newlines", "ends"), [("lf", {"\n": 6}), ("keep", {"\n": 3, "\r": 5})])
def test_statistics_count_original_line_endings_and_converted_characters(newlines: str, ends: dict[str, int]) -> None:
    statistics = TextStatistics()
    for _ in decode(io.BytesIO(b"a\r\nb\rc\n\r\r\r\n"), encoding="utf-8", newlines=newlines, statistics=statistics):  # type: ignore[arg-type]
        pass
    assert statistics.line_endings == {"lf": 1, "crlf": 2, "cr": 3}
    assert statistics.num_lines == 6
    assert statistics.counts() == ends | {"a": 1, "b": 1, "c": 1}


@pytest.mark.usefixtures("small_chunks")
def test_invalid_byte_is_reported_with_its_offset() -> None:
    with pytest.raises(TextError, match="not valid utf-8: the byte 0xff at offset 5 is invalid. Choose another encod"):
        whole("žąa".encode() + b"\xff" + b"more")


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(
    ("data", "encoding", "offset", "rest"),
    [("ąž".encode()[:-1], "utf-8", 2, 1), ("a😀".encode()[:-1], "utf-8", 1, 3), (b"a\0b", "utf-16-le", 2, 1)],
)
def test_truncated_character_at_the_end_is_reported(data: bytes, encoding: str, offset: int, rest: int) -> None:
    message = rf"ends in the middle of a character, at offset {offset}, .* the last {rest} byte\(s\)"
    with pytest.raises(TextError, match=message):
        whole(data, encoding)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf_16_without_a_mark_requires_a_byte_order(encoding: str) -> None:
    message = rf"not valid {encoding}: it has no byte order mark \(BOM\)\. .* choose {encoding}-le or {encoding}-be\."
    with pytest.raises(TextError, match=message):
        whole("abc".encode(f"{encoding}-le"), encoding)


def test_unknown_newlines_value_is_rejected() -> None:
    with pytest.raises(ValueError, match="'lf' or 'keep', not 'crlf'"):
        whole(b"a", newlines="crlf")


def test_chosen_encoding_overrides_detection() -> None:
    koi8 = "Все счастливые семьи похожи друг на друга\n".encode("koi8-r")
    assert analyze(io.BytesIO(koi8)).encoding == "koi8-r"
    report = analyze(io.BytesIO(koi8), encoding="CP1251")
    assert (report.encoding, report.certain, report.reason) == ("cp1251", True, "chosen by the user")
    assert report.first_lines[0].startswith("чУЕ")


def test_binary_file_is_rejected_whatever_encoding_is_chosen() -> None:
    with pytest.raises(TextError, match="a PNG image"):
        resolve_encoding(io.BytesIO(b"\x89PNG\r\n\x1a\n"), "latin1")


def test_analyze_reports_the_statistics_of_a_text() -> None:
    report = analyze(io.BytesIO("\ufeffĄžuolas\r\nbūti\r\n".encode()), name="oak")
    assert (report.name, report.encoding, report.certain) == ("oak", "utf-8", True)
    assert (report.num_bytes, report.num_characters, report.num_distinct, report.num_lines) == (21, 13, 12, 2)
    assert (report.newlines, report.first_lines) == ("crlf", ("Ąžuolas", "būti"))
    assert report.problems == ()


def test_analyze_reports_an_empty_file_as_a_problem() -> None:
    (problem,) = analyze(io.BytesIO(b"")).problems
    assert "empty" in problem
