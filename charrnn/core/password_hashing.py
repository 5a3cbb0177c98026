"""Hash passwords with scrypt and verify them in constant time."""

import base64
import hashlib
import hmac
import secrets

MAX_LENGTH = 1000
"""Maximum length of a password, in characters."""
_PREFIX = "scrypt$"
_COST, _BLOCK, _PARALLEL = 2**14, 8, 5
"""Parameters that OWASP recommends for 16 MB of memory; one hash takes about 0.2 s."""
_SALT_BYTES = 16
_KEY_BYTES = 32


def hash_password(password: str) -> str:
    """Return `scrypt$COST$BLOCK$PARALLEL$SALT$KEY`, with a new salt; takes about 0.2 s and 16 MB."""
    salt = secrets.token_bytes(_SALT_BYTES)
    key = _derive(password, salt, _COST, _BLOCK, _PARALLEL)
    return f"{_PREFIX}{_COST}${_BLOCK}${_PARALLEL}${_encode(salt)}${_encode(key)}"


def is_hashed(stored: str) -> bool:
    """Return whether a stored password is a hash; otherwise it is plain text.

    Raises:
        ValueError: The password has the prefix of a hash, but was not created by `hash_password`.
    """
    if not stored.startswith(_PREFIX):
        return False
    _parse(stored)
    return True


def verify_password(password: str, stored: str | None) -> bool:
    """Return whether a password matches the stored one.

    Every call derives exactly one key, so that response times reveal neither whether a user exists nor whether the
    stored password is hashed.

    Args:
        password: The password as entered.
        stored: A hash or, in old login files, the password itself; `None` if there is no such user.
    """
    password = password[: MAX_LENGTH + 1]
    if stored is not None and is_hashed(stored):
        cost, block, parallel, salt, key = _parse(stored)
        return hmac.compare_digest(_derive(password, salt, cost, block, parallel), key)
    _derive(password, bytes(_SALT_BYTES), _COST, _BLOCK, _PARALLEL)
    return hmac.compare_digest(password.encode(errors="surrogatepass"), (stored or "").encode()) and bool(stored)


def _derive(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    memory = 128 * block * (cost + parallel + 2)
    return hashlib.scrypt(
        password.encode(errors="surrogatepass"), salt=salt, n=cost, r=block, p=parallel, maxmem=2 * memory,
        dklen=_KEY_BYTES,
    )  # fmt: skip


def _parse(stored: str) -> tuple[int, int, int, bytes, bytes]:
    try:
        cost, block, parallel, salt, key = stored.removeprefix(_PREFIX).split("$")
        numbers = int(cost), int(block), int(parallel)
        decoded = base64.b64decode(salt, validate=True), base64.b64decode(key, validate=True)
    except ValueError:
        raise ValueError("not a scrypt hash of this program") from None  # the cause would contain the hash
    # With larger parameters, one verification would take minutes and gigabytes.
    if not (
        1 < numbers[0] <= 2**17 and 0 < numbers[1] <= 16 and 0 < numbers[2] <= 16 and len(decoded[1]) == _KEY_BYTES
    ):
        raise ValueError("not a scrypt hash of this program")
    return *numbers, *decoded


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
