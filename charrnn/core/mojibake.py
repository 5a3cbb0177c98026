"""How well a decoded text fits one language's letters, to tell the right decoding from mojibake. Knows no bytes."""

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
"""Letters beyond ASCII, lower case."""

IDEOGRAPHS = {
    "Simplified Chinese": ("gb2312", range(0xB0, 0xD8), ""),
    "Traditional Chinese": ("big5", range(0xA4, 0xC7), ""),
    "Japanese": ("euc_jp", range(0xB0, 0xD0), "".join(map(chr, range(0x3041, 0x30FF)))),
    "Korean": ("euc_kr", range(0xB0, 0xC9), ""),
}
"""The rows of a national standard that hold the usual ideographs or syllables, and signs from elsewhere."""

SIGNS = frozenset("‘’‚‛“”„†‡•…–—‹›«»€£§©®°´·¿¡№\u00a0\u00ad" + "".join(map(chr, range(0x3000, 0x3020))))
FULL_WIDTH = frozenset(map(chr, range(0xFF01, 0xFF5F)))
MISPLACED = re.compile("(?<=[^\\W\\d_])[‘‚‛“”„†‡•‹›«»€£§©®°´¿¡№](?=[^\\W\\d_])")
"""Signs that never stand between two letters; they do where an older encoding's letters are read as Windows's."""
UPPER_CASE = 0.8
"""Weight of a capital: Cyrillic read in a wrong encoding often turns to capitals."""


def fit(text: str) -> float:
    """Return the share of the characters beyond ASCII that one language and common punctuation explain.

    Returns:
        0 … 1; 1 where all characters are ASCII.
    """
    counts = Counter(character for character in text if character > "\x7f")
    total = counts.total()
    if not total:
        return 1.0
    counts.subtract(MISPLACED.findall(text))  # still in the total
    signs = sum(number for character, number in counts.items() if character in SIGNS or character in FULL_WIDTH)
    return (signs + max(_explained(counts, letters) for letters in _alphabets())) / total


def _explained(counts: Counter[str], letters: frozenset[str]) -> float:
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
