"""Environment variables whose values are secrets may be files: NAME_FILE names a file that holds NAME."""

from collections.abc import Mapping
from pathlib import Path

from charrnn.core.errors import StudioError

SECRETS = ("CHARRNN_DATABASE_URL", "MYSQL_PASSWORD")
YES_NO = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def with_secret_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with each secret that a `…_FILE` variable names, as containers hand them over.

    Empty variables count as missing, and line ends at the end of a file do not belong to the secret.

    Raises:
        StudioError: A file cannot be read, or a variable and its `…_FILE` are both set.
    """
    found = dict(environ)
    for name in SECRETS:
        # Without it the result can be given to this function again.
        if path := found.pop(f"{name}_FILE", ""):
            if environ.get(name):
                raise StudioError(f"Both {name} and {name}_FILE are set. Unset one of them.")
            found[name] = read_secret(Path(path), f"{name}_FILE")
    return found


def read_secret(path: Path, source: str) -> str:
    """Read a file with a secret.

    Args:
        path: The file.
        source: The variable or flag that names it, for the message.

    Raises:
        StudioError: It cannot be read, or is empty.
    """
    try:
        secret = path.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StudioError(f"Cannot read {path}, which {source} names: {reason}.") from None
    if not secret:
        raise StudioError(f"{path}, which {source} names, is empty.")
    return secret


def yes_or_no(value: str, source: str) -> bool:
    """Return whether a variable says yes.

    Raises:
        StudioError: It says neither yes nor no.
    """
    found = YES_NO.get(value.strip().lower())
    if found is None:
        raise StudioError(f"{source} is {value!r}; expected true or false.")
    return found
