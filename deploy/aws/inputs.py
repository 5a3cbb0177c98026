"""Read and check the input of an operator: parameters, login file, certificate authorities of the database."""

import json
import ssl
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import boto3
from problem import Problem

AUTHORITIES = "https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"
MAX_SECRET_BYTES = 65_536


def assignments(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise Problem(f"--set is {text!r}; expected NAME=VALUE, such as Cpu=8192.")
    return dict(text.split("=", 1) for text in texts)


def read_users(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        users = json.loads(text)
    except (OSError, ValueError) as error:
        raise Problem(
            f"The login file {path} cannot be read ({error}). Create one: see charrnn user add --help"
        ) from error
    if not isinstance(users, dict) or not users or len(text.encode()) > MAX_SECRET_BYTES:
        raise Problem(f"{path} is not a login file of 1 to about 400 users. Create one: see charrnn user add --help")
    return text


def read_authorities(path: Path | None) -> str:
    """Return the certificate authorities of RDS, from a file or from AWS."""
    if path is None:
        url = AUTHORITIES.format(region=boto3.session.Session().region_name)
        print(f"Downloading {url} …", flush=True)
        try:
            text = urllib.request.urlopen(url, timeout=30).read().decode()
        except OSError as error:
            raise Problem(f"{url} cannot be downloaded ({error}). Pass a copy with --authorities FILE.") from error
    else:
        try:
            text = path.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise Problem(f"The authorities in {path} cannot be read ({error}).") from error
    try:
        ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        raise Problem(f"{path or 'The download from AWS'} contains no certificates in PEM format.") from error
    if len(text) > MAX_SECRET_BYTES:
        raise Problem(f"{path} has {len(text):,} bytes; expected those of one region, at most {MAX_SECRET_BYTES:,}.")
    return text
