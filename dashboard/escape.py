"""Escape stored text for pages: names, log lines, samples, messages, file names.

Most panes of Panel render strings as HTML, so stored text in them must be `escaped`. Components that insert text with
`textContent` take `printable` text.
"""

import html
import re
import unicodedata

_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: object) -> str:
    """Return a text with control characters replaced by visible symbols, so that escape sequences have no effect.

    Tabs and line feeds are kept; U+001B becomes ␛; characters that change the text direction become their names.
    """
    return _INVISIBLE.sub(_symbol, str(text))


def escaped(text: object) -> str:
    """Return a text for use in HTML, as the content of an element or the quoted value of an attribute."""
    return html.escape(printable(text), quote=True)


def _symbol(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "␡"
    return f"[{unicodedata.name(match.group(), f'U+{number:04X}').title()}]"
