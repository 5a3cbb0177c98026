"""Recognize binary files by their first bytes."""

from typing import NoReturn

from charrnn.core.errors import TextError

FORMATS = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"PK\x03\x04", "a ZIP archive, or a Word, LibreOffice or EPUB document, which are ZIP archives"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Word, Excel or PowerPoint document"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a Rich Text Format document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a Linux program (ELF)"),
    (b"\xcf\xfa\xed\xfe", "a macOS program (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a compiled Java class or a macOS program"),
    (b"\0asm", "a WebAssembly program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
)
"""Signatures that no text file begins with."""
SIGNATURES_WITH_NUL = (
    (b"MZ", "a Windows program"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a bitmap image"),
    (b"RIFF", "an audio, video or WebP file"),
    (b"OggS", "an Ogg audio or video file"),
    (b"ID3", "an MP3 audio file"),
    (b"fLaC", "a FLAC audio file"),
    (b"BZh", "a bzip2 archive"),
    (b"PAR1", "a Parquet file"),
    (b"\0\0\0", "a video file, or padding"),
)
"""Signatures that text files may begin with as well, used only to name a file that contains NUL bytes."""

ADVICE = "Open it in the program that created it and save it as plain text (.txt, UTF-8)."


def reject_known_format(head: bytes) -> None:
    """Reject a file that begins with the signature of a binary format.

    Args:
        head: The first bytes of the file.

    Raises:
        TextError: Names the format.
    """
    for beginning, name in FORMATS:
        if head.startswith(beginning):
            raise TextError(f"This is not plain text: it seems to be {name}. {ADVICE}")


def reject_binary(first_nul: int, head: bytes) -> NoReturn:
    """Reject a file that contains a NUL byte inside the text.

    Args:
        first_nul: Offset of the first NUL byte.
        head: The first bytes of the file.

    Raises:
        TextError: Always; names the likely format.
    """
    name = next((name for beginning, name in SIGNATURES_WITH_NUL if head.startswith(beginning)), "a binary file")
    raise TextError(
        f"This is not plain text: it seems to be {name} (there is a NUL byte at offset {first_nul:,}). {ADVICE}"
    )
