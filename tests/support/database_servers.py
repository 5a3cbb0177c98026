"""Start MariaDB and MySQL on free ports of 127.0.0.1, with their data in temporary folders."""

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymysql
from sqlalchemy import text
from sqlalchemy.engine import URL

from charrnn.store.database_engine import make_engine
from charrnn.store.database_url import parse_url

KINDS = ("mariadb", "mysql")
TITLES = {"sqlite": "SQLite", "mariadb": "MariaDB", "mysql": "MySQL"}
VARIABLES = {"mariadb": "CHARRNN_TEST_MARIADB_URL", "mysql": "CHARRNN_TEST_MYSQL_URL"}
"""Environment variables with the URLs of running servers in which tests may create databases and users."""

SUPERVISOR = Path(__file__).with_name("end_with_parent.py")
_START_SECONDS = 60
_SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"])


class MissingServer(Exception):
    """The server of this kind, or its client, is not installed."""

    def __init__(self, kind: str, part: str = "server"):
        super().__init__(
            f"The tests need a {TITLES[kind]} {part}: run scripts/install-test-packages, install one, or set "
            f"{VARIABLES[kind]}=mysql://user:password@host:3306/ to one in which tests may create databases and users."
        )


class Server:
    """A database server with its data in `folder`; it keeps its port when it is restarted.

    Args:
        kind: One of `KINDS`.
        folder: An existing, empty folder.

    Raises:
        MissingServer: No such server is installed.
    """

    def __init__(self, kind: str, folder: Path):
        program = _programs(kind)
        data, self._log = folder / "data", folder / "server.log"
        user = f"--user={getpass.getuser()}"
        _initialize(kind, program, data, user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._command = [
            *(*program, user, f"--datadir={data}", f"--socket={folder / 's'}"),
            *(f"--pid-file={folder / 'pid'}", f"--port={self._port}", f"--log-error={self._log}"),
            *("--bind-address=127.0.0.1", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1"),
        ]
        if kind == "mysql":
            self._command += ["--mysqlx=OFF", "--secure-file-priv=NULL", "--performance-schema=OFF"]
        self.kind = kind
        self.url = parse_url(f"mysql://root@127.0.0.1:{self._port}/mysql")

    def start(self) -> None:
        """Start the server.

        Raises:
            RuntimeError: The server exited or does not respond.
        """
        supervised = [sys.executable, "-I", str(SUPERVISOR), *self._command]
        self._supervisor = subprocess.Popen(
            supervised, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        with self._supervisor.stdout as output:
            self._pid = int(output.readline())
        _wait(self._supervisor, self._port, self._log)

    def stop(self) -> None:
        """Shut the server down cleanly."""
        self._signal(signal.SIGTERM)
        self._supervisor.wait(timeout=_START_SECONDS)
        self._supervisor.stdin.close()

    def suspend(self) -> None:
        """Suspend the server: connections stay open, but it does not respond."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended server continue."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._supervisor.poll() is None:
            os.kill(self._pid, number)

    def make_database(self, name: str) -> str:
        """Create an empty database; return its URL."""
        return create_database(self.url, name)


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Server]:
    """Run a server; callers may stop and restart it."""
    server = Server(kind, folder)
    try:
        server.start()
        yield server
    finally:
        server.resume()
        server.stop()


@contextmanager
def available(kind: str, folder: Path, environ: Mapping[str, str] = os.environ) -> Iterator[URL]:
    """Yield the URL of the server in the environment, or of a new one.

    Raises:
        MissingServer: No server is named or installed.
        ValueError: The server in the environment is of the other kind.
    """
    if not (named := environ.get(VARIABLES[kind])):
        with running(kind, folder) as server:
            yield server.url
        return
    url = server_url(named)
    found = "mariadb" if "MariaDB" in str(ask(url, "SELECT VERSION()")) else "mysql"
    if found != kind:
        raise ValueError(f"{VARIABLES[kind]} names a {TITLES[found]} server. Set {VARIABLES[found]} to it instead.")
    yield url


def server_url(named: str) -> URL:
    """Parse the URL of a server; database and settings are optional.

    Raises:
        StoreError: It is not a MySQL or MariaDB URL.
    """
    address, mark, settings = named.partition("?")
    has_database = address.partition("://")[2].partition("/")[2]
    return parse_url(named if has_database else f"{address.rstrip('/')}/mysql{mark}{settings}")


def create_database(server: URL, name: str, charset: str = "utf8mb4") -> str:
    """Create an empty database; return its URL with the password."""
    ask(server, f"CREATE DATABASE `{name}` CHARACTER SET {charset}")
    return server.set(database=name).render_as_string(hide_password=False)


@contextmanager
def new_database(server: URL) -> Iterator[str]:
    """Create an empty database for one test; yield its URL."""
    name = unique("charrnn_test")
    # Some servers have this default. The program must not depend on the character set of the database.
    url = create_database(server, name, "latin1")
    try:
        yield url
    finally:
        ask(server, f"DROP DATABASE `{name}`")


def unique(word: str) -> str:
    """Return a unique name of at most 32 characters, MySQL's limit for users."""
    return f"{word}_{uuid.uuid4().hex}"[:32]


def ask(url: URL, *statements: str) -> object:
    """Run statements as the user of the URL, outside any database; return the first value of the last result."""
    engine = make_engine(url.set(database=""))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            results = [connection.execute(text(statement)) for statement in statements]
            return results[-1].scalar() if results[-1].returns_rows else None
    finally:
        engine.dispose()


def put_mysql_client(folder: Path) -> None:
    """Put MySQL's own `mysql` and `mysqldump` into a folder, for a PATH that names it before MariaDB's.

    Raises:
        MissingServer: They are not installed.
    """
    for name in ("mysql", "mysqldump"):
        command = _unpacked_program(_unpacked_folder() / "bin" / name)
        if (found := _find(name)) and b"MariaDB" not in _version(found):
            command = (found,)
        if command is None:
            raise MissingServer("mysql", "client")
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        wrapper.chmod(0o755)


def _find(*names: str) -> str | None:
    return next((found for name in names if (found := shutil.which(name, path=_SEARCH))), None)


def _programs(kind: str) -> Sequence[str]:
    """Return the command of a server with its mandatory arguments."""
    if kind == "mariadb" and (found := _find("mariadbd")):
        return found, "--no-defaults"
    # MariaDB's Debian package installs its server as mysqld, too.
    if kind == "mysql" and (found := _find("mysqld")) and b"MariaDB" not in _version(found):
        return found, "--no-defaults"
    if kind == "mysql" and (unpacked := _unpacked_mysql()):
        return unpacked
    raise MissingServer(kind)


def _version(program: str) -> bytes:
    return subprocess.run([program, "--version"], capture_output=True, check=True).stdout


def _unpacked_mysql() -> Sequence[str] | None:
    """Return the command of the server that scripts/install-test-packages unpacked."""
    root = _unpacked_folder()
    command = _unpacked_program(root / "sbin/mysqld")
    options = (
        *("--no-defaults", f"--basedir={root}"),
        *(f"--lc-messages-dir={root / 'share/mysql'}", f"--plugin-dir={root / 'lib/mysql/plugin'}"),
    )
    return command and (*command, *options)


def _unpacked_folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "charrnn-tests/mysql/usr"


def _unpacked_program(program: Path) -> Sequence[str] | None:
    """Return the command of a program that scripts/install-test-packages unpacked, with its own libraries."""
    loaders = sorted(_unpacked_folder().glob("lib/*/ld-linux-*.so.*"))
    if not program.exists() or not loaders:
        return None
    return str(loaders[0]), "--library-path", str(loaders[0].parent), str(program)


def _initialize(kind: str, program: Sequence[str], data: Path, user: str) -> None:
    if kind == "mysql":
        command = [*program, "--initialize-insecure", f"--datadir={data}", user]
    else:
        installer = _find("mariadb-install-db")
        if installer is None:
            raise MissingServer(kind)
        # The root login that this creates has no password and works on loopback only.
        method = "--auth-root-authentication-method=normal"
        command = [installer, "--no-defaults", f"--datadir={data}", "--skip-test-db", method, user]
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
