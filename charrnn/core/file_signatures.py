"""Tells binary files from texts by their first bytes and says what they seem to be. Decodes nothing."""

from typing import NoReturn

from charrnn.core.errors import TextError

FORMATS = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"PK\x03\x04", "a ZIP archive, or a document of Word, LibreOffice or an EPUB, which are such archives"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old Word, Excel or PowerPoint"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a document in Rich Text Format"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program for Linux (ELF)"),
    (b"\xcf\xfa\xed\xfe", "a program for macOS (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a compiled Java class or a program for macOS"),
    (b"\0asm", "a WebAssembly program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
)
"""Beginnings that no text has."""
NAMES_WITH_NUL = (
    (b"MZ", "a program for Windows"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a bitmap picture"),
    (b"RIFF", "a sound, video or WebP file"),
    (b"OggS", "an Ogg sound or video"),
    (b"ID3", "an MP3 sound"),
    (b"fLaC", "a FLAC sound"),
    (b"BZh", "a bzip2 archive"),
    (b"PAR1", "a Parquet file"),
    (b"\0\0\0", "a video, or padding"),
)
"""Beginnings that a text may have as well: they only name a file that holds NUL bytes."""

ADVICE = "Open it in the program that made it and save it as plain text (.txt, UTF-8)."


def refuse_known_format(head: bytes) -> None:
    """Refuse a file whose beginning is that of a binary format.

    Args:
        head: The first bytes of the file.

    Raises:
        TextError: Says what the file seems to be.
    """
    for beginning, name in FORMATS:
        if head.startswith(beginning):
            raise TextError(f"This is not a plain text: it seems to be {name}. {ADVICE}")


def refuse_binary(first_nul: int, head: bytes) -> NoReturn:
    """Refuse a file that holds NUL bytes where a text has none.

    Args:
        first_nul: Offset of the first one.
        head: The first bytes of the file.

    Raises:
        TextError: Always; says what the file seems to be.
    """
    name = next((name for beginning, name in NAMES_WITH_NUL if head.startswith(beginning)), "a binary file")
    raise TextError(
        f"This is not a plain text: it seems to be {name} (there is a NUL byte at offset {first_nul:,}). {ADVICE}"
    )
