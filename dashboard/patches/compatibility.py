"""Check at startup that the installed libraries are those that the patches were written for."""

from importlib.metadata import version


class IncompatibleLibrary(RuntimeError):
    """A patch does not fit the installed version of a library."""


def require(holds: object, library: str, expected: str) -> None:
    """Check an assumption of a patch.

    Args:
        holds: Whether the assumption is true.
        library: Name of the distribution that the assumption is about.
        expected: The assumption, as a clause.

    Raises:
        IncompatibleLibrary: The assumption is false.
    """
    if not holds:
        raise IncompatibleLibrary(
            f"{library} {version(library)} is installed. The dashboard patches this library and expects that "
            f"{expected}. Install the version in requirements.lock, or adapt dashboard/patches."
        )
