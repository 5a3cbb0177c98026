"""Tests of the score that distinguishes correct decoding from mojibake."""

import pytest

from charrnn.core.decoding_score import IDEOGRAPHS, LETTERS, decoding_score


@pytest.mark.parametrize("letters", LETTERS.values(), ids=LETTERS)
def test_letters_of_a_language_fit(letters: str) -> None:
    assert decoding_score(f"plain {letters} text") == 1


@pytest.mark.parametrize("text", ["吾輩は猫である。", "我们在这里学习写字，", "舉頭望明月", "나는 학교에 갑니다."])
def test_ideographs_and_syllables_fit(text: str) -> None:
    assert decoding_score(text) == 1
    assert len(IDEOGRAPHS) == 4


def test_ascii_fits() -> None:
    assert decoding_score("") == decoding_score("abc") == 1


def test_letters_of_two_languages_fit_less() -> None:
    assert decoding_score("éжé") == pytest.approx(2 / 3)


def test_capitals_count_less() -> None:
    assert decoding_score("Все") > decoding_score("вСЕ")


def test_typographic_signs_fit_every_language() -> None:
    assert decoding_score("“Don’t,” she said – naïve…") == 1


def test_signs_between_letters_do_not_fit() -> None:
    danish = "Når æblerne er røde"
    assert decoding_score(danish) == 1
    assert decoding_score(danish.encode("cp850").decode("cp1251")) < 0.7


@pytest.mark.parametrize(("encoding", "wrong"), [("koi8_r", "cp1251"), ("cp1251", "cp1252"), ("cp866", "cp1251")])
def test_wrongly_decoded_cyrillic_fits_less(encoding: str, wrong: str) -> None:
    text = "Все счастливые семьи похожи друг на друга"
    assert decoding_score(text.encode(encoding).decode(wrong, "replace")) < decoding_score(text)
