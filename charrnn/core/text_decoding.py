"""From a file's bytes to characters, piece by piece: strict, however large the file. Stores nothing."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Literal

from charrnn.core.encoding_detection import CHUNK, Detection, detect, known_encoding
from charrnn.core.errors import TextError
from charrnn.core.file_signatures import refuse_known_format
from charrnn.core.text_report import TextReport
from charrnn.core.text_statistics import Census

Newlines = Literal["lf", "keep"]


def decode(file: BinaryIO, *, encoding: str, newlines: Newlines = "lf", census: Census | None = None) -> Iterator[str]:
    """Read a text from the beginning, in pieces of about a quarter of a million characters.

    Args:
        file: Seekable.
        encoding: Name of a text encoding. Byte order marks at the beginning are left out.
        newlines: `lf` turns CRLF and CR into LF, `keep` leaves them as they are. No piece ends inside a CRLF.
        census: Counts what passes, if given.

    Yields:
        The text's pieces, none of them empty.

    Raises:
        TextError: A byte is wrong in this encoding, or there is no such encoding.
        ValueError: `newlines` is neither of the two.
    """
    if newlines not in ("lf", "keep"):
        raise ValueError(f"newlines is 'lf' or 'keep', not {newlines!r}.")
    for chunk in _whole_line_ends(_without_mark(_decoded(file, known_encoding(encoding)))):
        chunk, crlf, cr = _line_ends(chunk, newlines)
        if census:
            census.add(chunk)
            lf = chunk.count("\n") - crlf - (cr if newlines == "lf" else 0)
            census.add_line_ends(lf=lf, crlf=crlf, cr=cr)
        yield chunk


def examine(file: BinaryIO, *, encoding: str | None = None, newlines: Newlines = "lf", name: str = "") -> TextReport:
    """Look a text over without storing it.

    Args:
        file: Seekable.
        encoding: What it is in; found out when `None`.
        newlines: As in `decode`.
        name: What to call it.

    Raises:
        TextError: It is a binary file, or cannot be decoded. A text that can be read but not be trained on raises
            nothing here: see `TextReport.problems`.
    """
    detection = detection_of(file, encoding)
    census = Census()
    for _ in decode(file, encoding=detection.encoding, newlines=newlines, census=census):
        pass
    return TextReport.of(census, detection, name=name, num_bytes=file.seek(0, 2), newlines=newlines)


def detection_of(file: BinaryIO, encoding: str | None) -> Detection:
    """Take the user's word for the encoding, or find it out.

    Raises:
        TextError: It is a binary file, or in no known encoding, or there is no encoding of that name.
    """
    if encoding is None:
        return detect(file)
    file.seek(0)
    refuse_known_format(file.read(512))
    return Detection(known_encoding(encoding), True, "it was chosen")


def _decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    _refuse_missing_mark(file, encoding)
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    file.seek(0)
    while True:
        chunk = file.read(CHUNK)
        offset += len(chunk)
        try:
            yield decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _wrong_byte(error, offset - len(error.object) + error.start, encoding, at_end=not chunk) from error
        except UnicodeError as error:  # of which no byte is known to be wrong: stateful encodings
            raise TextError(f"This text is not in {encoding}. {_CHOOSE}") from error
        if not chunk:
            return


_CHOOSE = "Choose another encoding (--encoding), or save the text as UTF-8 in the program that made it."


def _refuse_missing_mark(file: BinaryIO, encoding: str) -> None:
    """Refuse UTF-16 and UTF-32 without a byte order mark; Python's versions differ in how they do."""
    marks = _MARKS.get(encoding.replace("_", "-"))
    file.seek(0)
    if marks and not file.read(4).startswith(marks):
        raise TextError(
            f"This text is not in {encoding}: it has no byte order mark (BOM). If you know the byte order, choose "
            f"{encoding}-le or {encoding}-be. {_CHOOSE}"
        )


_MARKS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


def _wrong_byte(error: UnicodeDecodeError, offset: int, encoding: str, *, at_end: bool) -> TextError:
    byte = error.object[error.start]
    if at_end:  # the bytes are the beginning of a character
        return TextError(
            f"This text is cut off in the middle of its last character, at offset {offset:,}, if it is in {encoding}. "
            f"Take a whole copy of it, or remove the last {len(error.object) - error.start} byte(s)."
        )
    return TextError(
        f"This text is not, or not all, in {encoding}: the byte 0x{byte:02x} at offset {offset:,} makes no sense "
        f"there. {_CHOOSE}"
    )


def _without_mark(chunks: Iterator[str]) -> Iterator[str]:
    at_start = True
    for chunk in chunks:
        if at_start:
            chunk = chunk.lstrip("\ufeff")  # twice where a program added one to a text that had one
            at_start = not chunk
        yield chunk


def _line_ends(chunk: str, newlines: Newlines) -> tuple[str, int, int]:
    """Return the piece with the line ends asked for, and how many CRLF and CR it had."""
    if "\r" not in chunk:
        return chunk, 0, 0
    joined = chunk.replace("\r\n", "\n")
    crlf = len(chunk) - len(joined)  # faster than counting them
    cr = joined.count("\r")
    return (joined.replace("\r", "\n") if newlines == "lf" else chunk), crlf, cr


def _whole_line_ends(chunks: Iterator[str]) -> Iterator[str]:
    held = ""
    for chunk in chunks:
        chunk = held + chunk
        held = "\r" if chunk.endswith("\r") else ""
        if chunk := chunk.removesuffix("\r"):
            yield chunk
    if held:
        yield held


def in_utf8(text: str) -> bytes:
    """Return a text's bytes.

    Raises:
        TextError: It holds half a character, as a program that cut it in the middle leaves one.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TextError(
            f"The text has U+{ord(text[error.start]):04X} as character {error.start + 1:,}, which is half of a "
            f"character and no text. Leave it out, or copy the text again."
        ) from error
