"""The one door through which stored text reaches the page: names, log lines, samples, messages, file names.

Most Panel panes run HTML from plain strings, so that nothing but `escaped` may be put into markup. Components that
write with `textContent` take `visible` text.
"""

import html
import re
import unicodedata

_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: object) -> str:
    """Return a text with control characters as pictures: escape sequences are seen, not obeyed.

    Tabs and line feeds stay; U+001B becomes ␛; what could turn the direction of the text around it is named.
    """
    return _INVISIBLE.sub(_picture, str(text))


def escaped(text: object) -> str:
    """Return a text for use in HTML, as an element's content or a quoted attribute's value."""
    return html.escape(visible(text), quote=True)


def _picture(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "␡"
    return f"[{unicodedata.name(match.group(), f'U+{number:04X}').title()}]"
