"""Read secrets from the environment or from files that `…_FILE` variables point to."""

from collections.abc import Mapping
from pathlib import Path

from charrnn.core.errors import StudioError

SECRETS = ("CHARRNN_DATABASE_URL", "MYSQL_PASSWORD")
BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def resolve_secret_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with each `…_FILE` variable, a convention of containers, replaced by the file's secret.

    Empty variables count as unset. Line breaks at the end of a file are not part of the secret.

    Raises:
        StudioError: A file cannot be read, or a variable and its `…_FILE` are both set.
    """
    found = dict(environ)
    for name in SECRETS:
        # Remove the variable, so that the result can be passed to this function again.
        if path := found.pop(f"{name}_FILE", ""):
            if environ.get(name):
                raise StudioError(f"Both {name} and {name}_FILE are set. Unset one of them.")
            found[name] = read_secret(Path(path), f"{name}_FILE")
    return found


def read_secret(path: Path, source: str) -> str:
    """Read a secret from a file.

    Args:
        path: The file.
        source: The variable or flag that points to the file, for error messages.

    Raises:
        StudioError: The file cannot be read or is empty.
    """
    try:
        secret = path.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StudioError(f"Cannot read {path}, the file that {source} points to: {reason}.") from None
    if not secret:
        raise StudioError(f"{path}, the file that {source} points to, is empty. Write the secret into it.")
    return secret


def parse_boolean(value: str, source: str) -> bool:
    """Parse the value of a boolean environment variable or flag.

    Raises:
        StudioError: The value is neither true nor false.
    """
    found = BOOLEANS.get(value.strip().lower())
    if found is None:
        raise StudioError(f"{source} is {value!r}; expected true or false.")
    return found
