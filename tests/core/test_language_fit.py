"""Tests of the score that distinguishes correct decoding from mojibake."""

import pytest

from charrnn.core.language_fit import IDEOGRAPHS, LETTERS, language_fit


@pytest.mark.parametrize("letters", LETTERS.values(), ids=LETTERS)
def test_letters_of_a_language_fit(letters: str) -> None:
    assert language_fit(f"plain {letters} text") == 1


@pytest.mark.parametrize("text", ["吾輩は猫である。", "我们在这里学习写字，", "舉頭望明月", "나는 학교에 갑니다."])
def test_ideographs_and_syllables_fit(text: str) -> None:
    assert language_fit(text) == 1
    assert len(IDEOGRAPHS) == 4


def test_ascii_fits() -> None:
    assert language_fit("") == language_fit("abc") == 1


def test_letters_of_two_languages_fit_less() -> None:
    assert language_fit("éжé") == pytest.approx(2 / 3)


def test_capitals_count_less() -> None:
    assert language_fit("Все") > language_fit("вСЕ")


def test_typographic_signs_fit_every_language() -> None:
    assert language_fit("“Don’t,” she said – naïve…") == 1


def test_signs_between_letters_do_not_fit() -> None:
    danish = "Når æblerne er røde"
    assert language_fit(danish) == 1
    assert language_fit(danish.encode("cp850").decode("cp1251")) < 0.7


@pytest.mark.parametrize(("encoding", "wrong"), [("koi8_r", "cp1251"), ("cp1251", "cp1252"), ("cp866", "cp1251")])
def test_wrongly_decoded_cyrillic_fits_less(encoding: str, wrong: str) -> None:
    text = "Все счастливые семьи похожи друг на друга"
    assert language_fit(text.encode(encoding).decode(wrong, "replace")) < language_fit(text)
