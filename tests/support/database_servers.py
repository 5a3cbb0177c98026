"""Database servers of the tests: MariaDB and MySQL on free ports of 127.0.0.1, with their data in temporary folders."""

import getpass
import os
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
"""Environment variables that name a running server of each kind, in which the tests may create databases and users."""

SUPERVISOR = Path(__file__).with_name("supervisor.py")
_START_SECONDS = 60
_SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"])


class MissingServer(Exception):
    """No server of this kind is installed."""

    def __init__(self, kind: str):
        super().__init__(
            f"The tests need a {TITLES[kind]} server: run scripts/packages, install one, or set "
            f"{VARIABLES[kind]}=mysql://user:password@host:3306/ to one in which tests may create databases and users."
        )


class Server:
    """A server of one kind with its data in `folder`; it can be started again and keeps its port.

    Args:
        kind: One of `KINDS`.
        folder: An existing, empty folder.

    Raises:
        MissingServer: None is installed.
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
        """Start to serve.

        Raises:
            RuntimeError: The server ended at once, or does not answer.
        """
        supervised = [sys.executable, "-I", str(SUPERVISOR), *self._command]
        self._supervisor = subprocess.Popen(
            supervised, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        with self._supervisor.stdout as said:
            self._pid = int(said.readline())
        _wait(self._supervisor, self._port, self._log)

    def stop(self) -> None:
        """Shut it down, as an administrator would."""
        self._signal(signal.SIGTERM)
        self._supervisor.wait(timeout=_START_SECONDS)
        self._supervisor.stdin.close()

    def freeze(self) -> None:
        """Make it silent without ending it: connections stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._supervisor.poll() is None:
            os.kill(self._pid, number)

    def make_database(self, name: str) -> str:
        """Create an empty database; return its URL."""
        return create_database(self.url, name)


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Server]:
    """Run a server, which may be stopped and started again."""
    server = Server(kind, folder)
    try:
        server.start()
        yield server
    finally:
        server.thaw()
        server.stop()


@contextmanager
def available(kind: str, folder: Path, environ: Mapping[str, str] = os.environ) -> Iterator[URL]:
    """Yield the URL of the server that the environment names, or of a new one.

    Raises:
        MissingServer: None is named or installed.
        ValueError: The environment names a server of the other kind.
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
    """Read the URL of a server; a database and settings in it are optional.

    Raises:
        StoreError: It is not a URL of MySQL or MariaDB.
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
    # As servers are often set up: nothing of ours may rely on the database's own character set.
    url = create_database(server, name, "latin1")
    try:
        yield url
    finally:
        ask(server, f"DROP DATABASE `{name}`")


def unique(word: str) -> str:
    """Make a name that no other run uses; at most 32 characters, as users of MySQL may have."""
    return f"{word}_{uuid.uuid4().hex}"[:32]


def ask(url: URL, *statements: str) -> object:
    """Run statements as the user of the URL, outside any database; return the first value of the last one's result."""
    engine = make_engine(url.set(database=""))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            results = [connection.execute(text(statement)) for statement in statements]
            return results[-1].scalar() if results[-1].returns_rows else None
    finally:
        engine.dispose()


def _find(*names: str) -> str | None:
    return next((found for name in names if (found := shutil.which(name, path=_SEARCH))), None)


def _programs(kind: str) -> Sequence[str]:
    """Return the command of a server and what it always needs."""
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
    """Return the command of the server that scripts/packages unpacked, with the libraries that came with it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = cache / "charrnn-tests/mysql/usr"
    loaders = sorted(root.glob("lib/*/ld-linux-*.so.*"))
    if not (root / "sbin/mysqld").exists() or not loaders:
        return None
    loader = loaders[0]
    return (
        *(str(loader), "--library-path", str(loader.parent), str(root / "sbin/mysqld"), "--no-defaults"),
        *(
            f"--basedir={root}",
            f"--lc-messages-dir={root / 'share/mysql'}",
            f"--plugin-dir={root / 'lib/mysql/plugin'}",
        ),
    )


def _initialize(kind: str, program: Sequence[str], data: Path, user: str) -> None:
    if kind == "mysql":
        command = [*program, "--initialize-insecure", f"--datadir={data}", user]
    else:
        installer = _find("mariadb-install-db")
        if installer is None:
            raise MissingServer(kind)
        # The login that it makes for root asks for no password, and is good for loopback only.
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
