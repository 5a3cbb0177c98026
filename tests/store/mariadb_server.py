"""A MariaDB or MySQL server of one's own: free port, loopback only, data in a temporary folder, ended by its id."""

import getpass
import os
import shutil
import signal
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


class Server:
    """A server with its data in `folder`; `start` begins it, also again, always on the same port.

    Raises:
        FileNotFoundError: No server is installed.
    """

    def __init__(self, folder: Path):
        server = find("mariadbd", "mysqld")
        if server is None:
            raise FileNotFoundError(MISSING)
        data, self._log = folder / "data", folder / "server.log"
        user = [f"--user={getpass.getuser()}"]
        _install(server, data, user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._command = [
            *(server, "--no-defaults", *user, f"--datadir={data}", f"--socket={folder / 's'}"),
            *(f"--pid-file={folder / 'pid'}", f"--port={self._port}", f"--log-error={self._log}"),
            *("--bind-address=127.0.0.1", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1"),
        ]
        self.url = f"mysql://root@127.0.0.1:{self._port}/"
        """Ends with a slash for the database's name."""

    def start(self) -> None:
        """Begin to serve.

        Raises:
            RuntimeError: The server ended at once, or does not answer.
        """
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        _wait(self._process, self._port, self._log)

    def stop(self) -> None:
        """Shut it down, as an administrator would."""
        self._process.terminate()
        self._process.wait(timeout=_START_SECONDS)

    def freeze(self) -> None:
        """Make it silent without ending it: connections stay open, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def make_database(self, name: str) -> str:
        """Make an empty database; return its URL."""
        with pymysql.connect(host="127.0.0.1", port=self._port, user="root") as connection:
            connection.cursor().execute(f"CREATE DATABASE {name}")
        return self.url + name


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run a server of one's own, which may be stopped and begun again."""
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.thaw()
        server.stop()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run a server; tell its URL, which ends with a slash for the database's name."""
    with running(folder) as server:
        yield server.url


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
