"""Render HTML that several views show: figures, progress bars and error messages."""

from collections.abc import Mapping

from dashboard.escape import escaped


def facts(values: Mapping[str, str]) -> str:
    """Return labeled figures; stored text in them must have passed through `escaped`."""
    items = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in values.items())
    return f'<dl class="facts">{items}</dl>'


def progress_bar(label: str, percent: str) -> str:
    """Return a progress bar.

    Args:
        label: Its name for screen readers.
        percent: Progress in percent, such as `12.5`.
    """
    return (
        f'<div class="bar" role="progressbar" aria-label="{label}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><span style="width:{percent}%"></span></div>'
    )


def error_message(message: str) -> str:
    """Return an error message, which screen readers announce."""
    return f'<div class="notice error" role="alert"><span dir="auto">{escaped(message)}</span></div>'
