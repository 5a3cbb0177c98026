"""A MariaDB or MySQL server of one's own: free port, loopback only, data in a temporary folder, ended by its id."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

_START_SECONDS = 60
_SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"])

MISSING = (
    "The database tests need a MariaDB or MySQL server. Install one (Debian, Ubuntu: apt install mariadb-server; "
    "macOS: brew install mariadb), or set CHARRNN_TEST_MYSQL_URL=mysql://user:password@host:3306/ to one that may be "
    "filled with test databases."
)


def find(*names: str) -> str | None:
    """Find the first of these programs on the PATH or where servers usually lie."""
    return next((found for name in names if (found := shutil.which(name, path=_SEARCH))), None)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run a server with its data in `folder`; tell its URL, which ends with a slash for the database's name.

    Raises:
        FileNotFoundError: No server is installed.
        RuntimeError: The server ended at once, or does not answer.
    """
    server = find("mariadbd", "mysqld")
    if server is None:
        raise FileNotFoundError(MISSING)
    data, log = folder / "data", folder / "server.log"
    user = [f"--user={getpass.getuser()}"]
    _install(server, data, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [f"--datadir={data}", f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", f"--port={port}"]
    quiet = ["--bind-address=127.0.0.1", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1", f"--log-error={log}"]
    process = subprocess.Popen([server, "--no-defaults", *user, *arguments, *quiet], stderr=subprocess.DEVNULL)
    try:
        _wait(process, port, log)
        yield f"mysql://root@127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=_START_SECONDS)


def _install(server: str, data: Path, user: list[str]) -> None:
    installer = find("mariadb-install-db", "mysql_install_db")
    if installer is None:  # MySQL's server fills its data folder itself
        command = [server, "--no-defaults", "--initialize-insecure", f"--datadir={data}", *user]
    else:
        # The login that it makes for root asks for no password, and is good for loopback only.
        method = "--auth-root-authentication-method=normal"
        command = [installer, "--no-defaults", f"--datadir={data}", "--skip-test-db", method, *user]
    subprocess.run(command, check=True, capture_output=True)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="root").close()
            return
        except pymysql.OperationalError:
            time.sleep(0.05)
    raise RuntimeError(f"The database server did not start:\n{log.read_text()[-2000:] if log.exists() else ''}")
