"""Decode text files of any size strictly, in chunks."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from charrnn.core.encoding_detection import CHUNK, Detection, detect_encoding, normalize_encoding
from charrnn.core.errors import NotFound, TextError
from charrnn.core.file_signatures import reject_known_format
from charrnn.core.text_report import TextReport
from charrnn.core.text_statistics import TextStatistics

Newlines = Literal["lf", "keep"]


def open_file(path: Path) -> BinaryIO:
    """Open a text file for reading in binary mode.

    Raises:
        NotFound: The file does not exist.
        TextError: The file cannot be read.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}. Check the name; relative paths start at {Path.cwd()}.") from None
    except (OSError, ValueError) as error:  # ValueError: the name contains a NUL or a lone surrogate
        reason = error.strerror if isinstance(error, OSError) else error
        raise TextError(f"The file {str(path)!r} cannot be read: {reason}.") from error


def decode(
    file: BinaryIO, *, encoding: str, newlines: Newlines = "lf", statistics: TextStatistics | None = None
) -> Iterator[str]:
    """Decode a file from its beginning, in chunks of up to 256 KiB.

    Args:
        file: Seekable.
        encoding: Name of a text encoding. Byte order marks at the beginning are removed.
        newlines: `lf` converts CRLF and CR to LF; `keep` keeps them. No chunk ends inside a CRLF.
        statistics: Statistics to update with each chunk.

    Yields:
        Chunks of text, none of them empty.

    Raises:
        TextError: A byte is invalid in this encoding, or the encoding is unknown.
        ValueError: `newlines` is neither `lf` nor `keep`.
    """
    if newlines not in ("lf", "keep"):
        raise ValueError(f"newlines must be 'lf' or 'keep', not {newlines!r}.")
    for chunk in _whole_line_endings(_without_mark(_decoded(file, normalize_encoding(encoding)))):
        chunk, crlf, cr = _convert_line_endings(chunk, newlines)
        if statistics:
            statistics.add(chunk)
            lf = chunk.count("\n") - crlf - (cr if newlines == "lf" else 0)
            statistics.add_line_endings(lf=lf, crlf=crlf, cr=cr)
        yield chunk


def analyze(file: BinaryIO, *, encoding: str | None = None, newlines: Newlines = "lf", name: str = "") -> TextReport:
    """Analyze a text without storing it.

    Args:
        file: Seekable.
        encoding: The file's encoding; detected if `None`.
        newlines: As in `decode`.
        name: Name for the report.

    Raises:
        TextError: The file is binary or cannot be decoded. Problems that prevent training do not raise; they are in
            `TextReport.problems`.
    """
    detection = resolve_encoding(file, encoding)
    statistics = TextStatistics()
    for _ in decode(file, encoding=detection.encoding, newlines=newlines, statistics=statistics):
        pass
    return TextReport.from_statistics(statistics, detection, name=name, num_bytes=file.seek(0, 2), newlines=newlines)


def resolve_encoding(file: BinaryIO, encoding: str | None) -> Detection:
    """Return the encoding chosen by the user, or detect it if it is `None`.

    Raises:
        TextError: The file is binary, its encoding could not be detected, or the chosen encoding is unknown.
    """
    if encoding is None:
        return detect_encoding(file)
    file.seek(0)
    reject_known_format(file.read(512))
    return Detection(normalize_encoding(encoding), True, "chosen by the user")


def _decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    _require_mark(file, encoding)
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    file.seek(0)
    while True:
        chunk = file.read(CHUNK)
        offset += len(chunk)
        try:
            yield decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _invalid_byte(error, offset - len(error.object) + error.start, encoding, at_end=not chunk) from error
        except UnicodeError as error:  # stateful encodings do not report the invalid byte
            raise TextError(f"This text is not valid {encoding}. {_CHOOSE}") from error
        if not chunk:
            return


_CHOOSE = "Choose another encoding (--encoding), or save the text as UTF-8 in the program that created it."


def _require_mark(file: BinaryIO, encoding: str) -> None:
    """Reject UTF-16 and UTF-32 without a byte order mark, which Python versions handle differently."""
    marks = _MARKS.get(encoding.replace("_", "-"))
    file.seek(0)
    if marks and not file.read(4).startswith(marks):
        raise TextError(
            f"This text is not valid {encoding}: it has no byte order mark (BOM). If you know the byte order, choose "
            f"{encoding}-le or {encoding}-be. {_CHOOSE}"
        )


_MARKS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


def _invalid_byte(error: UnicodeDecodeError, offset: int, encoding: str, *, at_end: bool) -> TextError:
    byte = error.object[error.start]
    if at_end:  # the bytes start a character
        return TextError(
            f"This text ends in the middle of a character, at offset {offset:,}, if its encoding is {encoding}. "
            f"Use a complete copy of it, or remove the last {len(error.object) - error.start} byte(s)."
        )
    return TextError(
        f"This text is not valid {encoding}: the byte 0x{byte:02x} at offset {offset:,} is invalid. {_CHOOSE}"
    )


def _without_mark(chunks: Iterator[str]) -> Iterator[str]:
    at_start = True
    for chunk in chunks:
        if at_start:
            chunk = chunk.lstrip("\ufeff")  # several, because some programs add a mark to a text that has one
            at_start = not chunk
        yield chunk


def _convert_line_endings(chunk: str, newlines: Newlines) -> tuple[str, int, int]:
    """Return the chunk with converted line endings, and the numbers of CRLF and CR in the original."""
    if "\r" not in chunk:
        return chunk, 0, 0
    joined = chunk.replace("\r\n", "\n")
    crlf = len(chunk) - len(joined)  # faster than counting them
    cr = joined.count("\r")
    return (joined.replace("\r", "\n") if newlines == "lf" else chunk), crlf, cr


def _whole_line_endings(chunks: Iterator[str]) -> Iterator[str]:
    held = ""
    for chunk in chunks:
        chunk = held + chunk
        held = "\r" if chunk.endswith("\r") else ""
        if chunk := chunk.removesuffix("\r"):
            yield chunk
    if held:
        yield held


def encode_utf8(text: str) -> bytes:
    """Encode a text as UTF-8.

    Raises:
        TextError: The text contains a lone surrogate, for example because a program split a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TextError(
            f"Character {error.start + 1:,} of the text is U+{ord(text[error.start]):04X}, which is only half of a "
            f"character. Remove it, or copy the text again."
        ) from error
