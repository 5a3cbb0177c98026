"""Tests of encoding detection."""

import codecs
import gzip
import io
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.encoding_detection import SAMPLE, Detection, detect_encoding, normalize_encoding
from charrnn.core.errors import TextError

ENGLISH = "“It’s a café,” she said — naïve, perhaps…\nThe rôle cost £5.\n"
FRENCH = "Les élèves français étaient déjà là, à côté du château.\nOù êtes-vous donc passés ?\n"
GERMAN = "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg.\n"
POLISH = "Litwo! Ojczyzno moja! ty jesteś jak zdrowie; ile cię trzeba cenić, ten tylko się dowie, kto cię stracił.\n"
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy.\n"
LITHUANIAN = "Lietuvos miškuose gyvena daug žvėrių ir paukščių. Šįkart jie rado pilną krepšį baravykų.\n"
TURKISH = "Pijamalı hasta yağız şoföre çabucak güvendi.\n"
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n"
UKRAINIAN = "Садок вишневий коло хати, хрущі над вишнями гудуть, плугатарі з плугами йдуть. Її ґанок є ще.\n"
GREEK = "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.\n"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\r\nニャーニャー泣いていた。\r\n"
CHINESE = "我们在这里学习写字，一个一个地写。白日依山尽，黄河入海流。\n"
TRADITIONAL = "床前明月光，疑是地上霜。\n舉頭望明月，低頭思故鄉。\n國破山河在，城春草木深。\n"
KOREAN = "나는 학교에 갑니다. 오늘은 날씨가 좋습니다.\n동해 물과 백두산이 마르고 닳도록\n"
C_SOURCE = '#include <stdio.h>\nint main(void) {\n\tprintf("hello\\n"); /* Größe */\n}\n'
NAMES = "José\nZoë\nAnna\nJürgen\nFrançois\n"


def detect(data: bytes) -> Detection:
    return detect_encoding(io.BytesIO(data))


@pytest.mark.parametrize("text", ["", "plain\n", ENGLISH, CHINESE, "👩‍👩‍👧 🇱🇹 ❤️", "a" * 20])
def test_utf_8_is_detected_with_certainty(text: str) -> None:
    detection = detect(text.encode())
    assert (detection.encoding, detection.certain) == ("utf-8", True)


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_byte_order_mark_determines_the_encoding(mark: bytes, encoding: str) -> None:
    assert detect(mark + ENGLISH.encode(encoding)) == Detection(encoding, True, "it starts with a byte order mark")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [ENGLISH, RUSSIAN, JAPANESE, CHINESE])
def test_utf_16_and_utf_32_are_guessed_without_a_mark(text: str, encoding: str) -> None:
    detection = detect(text.encode(encoding))
    assert (detection.encoding, detection.certain) == (encoding, False)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (ENGLISH, "cp1252"),
        (ENGLISH, "mac_roman"),
        (FRENCH, "cp1252"),
        (FRENCH, "cp850"),
        (GERMAN, "cp1252"),
        (GERMAN, "cp437"),
        (C_SOURCE, "cp1252"),
        (NAMES, "cp1252"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (CZECH, "cp1250"),
        (LITHUANIAN, "cp1257"),
        (TURKISH, "cp1254"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "cp866"),
        (UKRAINIAN, "cp1251"),
        (GREEK, "cp1253"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (CHINESE, "gb18030"),
        (CHINESE, "gb2312"),
        (TRADITIONAL, "big5"),
        (KOREAN, "euc_kr"),
    ],
)
def test_legacy_encodings_are_guessed_so_that_the_text_decodes_correctly(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    detection = detect(data)
    assert data.decode(detection.encoding) == text
    assert not detection.certain


def test_guess_lists_alternatives() -> None:
    assert "koi8-u" in detect(RUSSIAN.encode("koi8-r")).alternatives


def test_non_ascii_letter_late_in_a_large_text_is_considered() -> None:
    plain = b"nothing but plain letters here\n" * (3 * SAMPLE // 31)
    data = plain + GERMAN.encode("cp1252") + plain
    assert data.decode(detect(data).encoding) == data.decode("cp1252")


def test_damaged_utf_8_is_not_detected_as_a_legacy_encoding() -> None:
    text = LITHUANIAN.encode()
    assert detect(text + b"\xff" + text).encoding == "utf-8"
    assert detect("už žydinčių ąžuolų".encode()[:-1]).encoding == "utf-8"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG image"),
        (b"PK\x03\x04\x14\0\0\0", "a ZIP archive, or a Word, LibreOffice"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
        (gzip.compress(b"hello", mtime=0), "a gzip archive"),
        (b"\x7fELF\2\1\1\0", "a Linux program"),
        (b"MZ\x90\0\3\0\0\0 and more", "a Windows program"),
        (zlib.compress(random.Random(3).randbytes(5000)), "a binary file"),
        (b"hello\0world and more\n" * 50, r"a binary file \(there is a NUL byte at offset 5\)"),
    ],
)
def test_binary_files_are_rejected_by_name(data: bytes, name: str) -> None:
    with pytest.raises(TextError, match=f"This is not plain text: it seems to be {name}"):
        detect(data)


def test_nul_byte_far_into_the_file_is_found() -> None:
    with pytest.raises(TextError, match="a NUL byte at offset 600,001"):
        detect(b"a" * 600_001 + b"\0" + b"b" * 600_000)


def test_trailing_nul_bytes_count_as_padding() -> None:
    assert detect(b"hello world\n" + bytes(600_000)).encoding == "utf-8"


def test_random_bytes_are_rejected() -> None:
    noise = random.Random(4).randbytes(5000).replace(b"\0", b"\1")
    with pytest.raises(TextError, match="Could not detect the encoding.*Choose its encoding"):
        detect(noise)


@given(st.binary(max_size=300))
def test_any_bytes_are_either_detected_or_rejected(data: bytes) -> None:
    try:
        assert normalize_encoding(detect(data).encoding)
    except TextError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("name", "normalized"),
    [("UTF8", "utf-8"), ("latin1", "iso8859-1"), ("Windows-1252", "cp1252"), ("SJIS", "shift_jis")],
)
def test_encoding_names_are_normalized(name: str, normalized: str) -> None:
    assert normalize_encoding(name) == normalized


@pytest.mark.parametrize("name", ["base64", "rot13", "utf-7", "unicode_escape", "charmap", "", "a\0b", "wibble"])
def test_codecs_that_are_not_text_encodings_are_rejected(name: str) -> None:
    with pytest.raises(TextError, match="Unknown text encoding .* Common encodings are utf-8"):
        normalize_encoding(name)


def test_misspelled_encoding_gets_a_suggestion() -> None:
    with pytest.raises(TextError, match="Did you mean .*cp1252"):
        normalize_encoding("cp12522")


def test_codecs_of_other_packages_are_rejected() -> None:
    latin = codecs.lookup("latin1")
    foreign = codecs.CodecInfo(latin.encode, latin.decode, name="foreign")

    def search(name: str) -> codecs.CodecInfo | None:
        return foreign if name == "foreign" else None

    codecs.register(search)
    try:
        with pytest.raises(TextError, match="Unknown text encoding 'foreign'"):
            normalize_encoding("foreign")
    finally:
        codecs.unregister(search)
