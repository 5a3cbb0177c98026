"""Score how well decoded text fits the letters of a language, to distinguish correct decoding from mojibake."""

import re
from collections import Counter
from functools import cache

LETTERS = {
    "French": "àâæçèéêëîïôœùûüÿ",
    "German": "äöüß",
    "Spanish": "áéíñóúüªº",
    "Portuguese": "àáâãçéêíóôõúü",
    "Italian": "àèéìîòóù",
    "Catalan": "àçèéíïòóúü",
    "Nordic": "åäæéöø",
    "Icelandic": "áæðéíóöúýþ",
    "Polish": "óąćęłńśźż",
    "Czech and Slovak": "áäéíóôúýčďěĺľňŕřšťůž",
    "Hungarian": "áéíóöúüőű",
    "South Slavic": "ćčđšž",
    "Romanian": "âîăşţșț",
    "Lithuanian": "ąčėęįšūųž",
    "Latvian": "āčēģīķļņšūž",
    "Estonian": "äõöüšž",
    "Turkish": "âçîöûüğışi̇",
    "Russian": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
    "Ukrainian": "абвгдежзийклмнопрстуфхцчшщьюяєіїґ",
    "Belarusian": "абвгдежзйклмнопрстуфхцчшыьэюяёіў",
    "Serbian": "абвгдежзиклмнопрстуфхцчшђјљњћџѓќѕ",
    "Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    "Hebrew": "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "Arabic": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ",
    "Thai": "".join(map(chr, (*range(0x0E01, 0x0E3B), *range(0x0E40, 0x0E5A)))),
}
"""Lower-case non-ASCII letters of each language or group of languages."""

IDEOGRAPHS = {
    "Simplified Chinese": ("gb2312", range(0xB0, 0xD8), ""),
    "Traditional Chinese": ("big5", range(0xA4, 0xC7), ""),
    "Japanese": ("euc_jp", range(0xB0, 0xD0), "".join(map(chr, range(0x3041, 0x30FF)))),
    "Korean": ("euc_kr", range(0xB0, 0xC9), ""),
}
"""National standard of each script, its rows of common ideographs or syllables, and additional characters."""

SIGNS = frozenset("‘’‚‛“”„†‡•…–—‹›«»€£§©®°´·¿¡№\u00a0\u00ad" + "".join(map(chr, range(0x3000, 0x3020))))
FULL_WIDTH = frozenset(map(chr, range(0xFF01, 0xFF5F)))
MISPLACED = re.compile("(?<=[^\\W\\d_])[‘‚‛“”„†‡•‹›«»€£§©®°´¿¡№](?=[^\\W\\d_])")
"""Signs that occur between two letters only if letters of another encoding were decoded as Windows-125x."""
UPPER_CASE = 0.8
"""Weight of a capital, below 1 because Cyrillic decoded in a wrong encoding often becomes capitals."""


def decoding_score(text: str) -> float:
    """Return the share of non-ASCII characters that are letters of one language or common punctuation.

    Returns:
        The share for the best language, 0 … 1; 1 if all characters are ASCII.
    """
    counts = Counter(character for character in text if character > "\x7f")
    total = counts.total()
    if not total:
        return 1.0
    counts.subtract(MISPLACED.findall(text))  # they still count in the total
    signs = sum(number for character, number in counts.items() if character in SIGNS or character in FULL_WIDTH)
    return (signs + max(_num_covered(counts, letters) for letters in _alphabets())) / total


def _num_covered(counts: Counter[str], letters: frozenset[str]) -> float:
    whole = sum(number for character, number in counts.items() if character in letters)
    capitals = sum(
        number for character, number in counts.items() if character not in letters and character.lower() in letters
    )
    return whole + UPPER_CASE * capitals


@cache
def _alphabets() -> list[frozenset[str]]:
    ideographs = [
        frozenset(bytes((row, cell)).decode(standard, "replace")[0] for row in rows for cell in range(0x40, 0xFF))
        | set(others)
        for standard, rows, others in IDEOGRAPHS.values()
    ]
    return [frozenset(letters) - {"i"} for letters in LETTERS.values()] + [
        letters - {"\ufffd"} for letters in ideographs
    ]
