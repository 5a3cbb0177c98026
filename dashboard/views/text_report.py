"""Render the report of a text as HTML, with all stored text escaped."""

from charrnn.core import formatting
from charrnn.core.records import Corpus
from charrnn.core.text_report import TextReport
from dashboard.escape import escaped
from dashboard.views import html_snippets

CHARACTER_NAMES = {" ": "space", "\n": "newline", "\t": "tab", "\r": "CR", "\u3000": "ideographic space"}
LINE_ENDINGS = {"lf": "LF", "crlf": "CRLF (Windows)", "cr": "CR", "mixed": "mixed", "none": "none"}
MAX_CHARACTERS = 40


def upload_progress(num_bytes: int, fraction: float) -> str:
    """Return the progress of an upload, as text and a progress bar."""
    percent = f"{100 * fraction:.0f}"
    text = f'<p class="soft small" role="status">{percent}% uploaded, {formatting.size(num_bytes)}</p>'
    return text + html_snippets.progress_bar("Upload progress", percent)


def facts(corpus: Corpus) -> str:
    """Return the statistics of a stored text."""
    return html_snippets.facts(
        {
            "Characters": f"{corpus.num_characters:,}",
            "Distinct characters": f"{corpus.num_distinct:,}",
            "Lines": f"{corpus.num_lines:,}",
            "Size": formatting.size(corpus.size_bytes),
            "Encoding": escaped(corpus.encoding),
            "Line endings": LINE_ENDINGS.get(corpus.newlines, escaped(corpus.newlines)),
        }
    )


def remarks(report: TextReport) -> str:
    """Return a list of problems and remarks; empty if there are none."""
    texts = [*report.problems, *report.remarks]
    if not texts:
        return ""
    return '<ul class="remarks">' + "".join(f"<li>{escaped(text)}</li>" for text in texts) + "</ul>"


def characters(report: TextReport) -> str:
    """Return the most frequent and the rarest characters."""
    parts = []
    for title, counts in (
        ("Most frequent characters", report.frequent),
        ("Rare characters (1–2 times)", report.rare),
    ):
        if counts:
            chips = "".join(_chip(character, number) for character, number in counts[:MAX_CHARACTERS])
            parts.append(f'<h3>{title}</h3><p class="chips">{chips}</p>')
    return "".join(parts)


def preview(text: str) -> str:
    """Return the start of a text."""
    return f'<h3>Preview</h3><div class="text preview" dir="auto" tabindex="0">{escaped(text)}</div>'


def _chip(character: str, number: int) -> str:
    name = CHARACTER_NAMES.get(character) or escaped(character)
    return f'<span class="chip" title="U+{ord(character):04X}, {number:,} times"><bdi>{name}</bdi></span>'
