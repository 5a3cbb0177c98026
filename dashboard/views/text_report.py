"""What a text is like, as markup. Characters of the text are escaped here."""

from charrnn.core import formatting
from charrnn.core.records import Corpus
from charrnn.core.text_report import TextReport
from dashboard.escape import escaped

SPELLED = {" ": "space", "\n": "line end", "\t": "tab", "\r": "CR", "\u3000": "wide space"}
LINE_ENDS = {"lf": "LF", "crlf": "CRLF (Windows)", "cr": "CR", "mixed": "mixed", "none": "none"}
SHOWN = 40


def arriving(received: int, share: float) -> str:
    """Return how much of a file is here, as words and a bar."""
    percent = f"{100 * share:.0f}"
    return (
        f'<p class="soft small" role="status">{percent} % of the file have arrived, {formatting.size(received)}</p>'
        f'<div class="bar" role="progressbar" aria-label="Progress of the upload" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}"><span style="width:{percent}%"></span></div>'
    )


def facts(corpus: Corpus) -> str:
    """Return the figures of a stored text."""
    rows = {
        "Characters": f"{corpus.num_characters:,}",
        "Different ones": f"{corpus.num_distinct:,}",
        "Lines": f"{corpus.num_lines:,}",
        "Size": formatting.size(corpus.size_bytes),
        "Encoding": escaped(corpus.encoding),
        "Line ends": LINE_ENDS.get(corpus.newlines, escaped(corpus.newlines)),
    }
    return '<dl class="facts">' + "".join(f"<div><dt>{n}</dt><dd>{v}</dd></div>" for n, v in rows.items()) + "</dl>"


def remarks(report: TextReport) -> str:
    """Return what is good to know, as a list; empty when there is nothing."""
    found = [*report.problems, *report.remarks]
    if not found:
        return ""
    return '<ul class="remarks">' + "".join(f"<li>{escaped(words)}</li>" for words in found) + "</ul>"


def characters(report: TextReport) -> str:
    """Return the most frequent and the rarest characters."""
    parts = []
    for title, found in (("Most frequent", report.frequent), ("Rare (once or twice)", report.rare)):
        if found:
            chips = "".join(_chip(character, number) for character, number in found[:SHOWN])
            parts.append(f'<h3>{title}</h3><p class="chips">{chips}</p>')
    return "".join(parts)


def preview(text: str) -> str:
    """Return the beginning of a text."""
    return f'<h3>How it begins</h3><div class="text preview" dir="auto" tabindex="0">{escaped(text)}</div>'


def _chip(character: str, number: int) -> str:
    name = SPELLED.get(character) or escaped(character)
    return f'<span class="chip" title="U+{ord(character):04X}, {number:,} times"><bdi>{name}</bdi></span>'
