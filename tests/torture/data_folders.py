"""Create data folders with a database of each kind."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import database_servers
from tests.support.database_servers import TITLES, Server


@dataclass(frozen=True)
class Home:
    """An empty data folder, and the URL of an empty database."""

    folder: Path
    url: str
    server: Server | None
    """The database server; `None` for SQLite."""

    @property
    def database(self) -> str:
        """The name of the database in the table."""
        return TITLES[self.server.kind if self.server else "sqlite"]


class Homes:
    """Create homes on the selected kinds of database.

    Args:
        root: Parent of the folders.
        servers: The server of each selected kind; `None` for SQLite.
    """

    def __init__(self, root: Path, servers: dict[str, Server | None]):
        self._root, self._servers = root, servers

    def each(self, part: str) -> Iterator[Home]:
        """Create a home for a part on each kind of database."""
        for kind, server in self._servers.items():
            folder = self._root / part / kind
            folder.mkdir(parents=True)
            url = server.make_database(part) if server else f"sqlite:///{folder}/charrnn.sqlite3"
            yield Home(folder, url, server)


@contextmanager
def homes(kinds: Sequence[str], root: Path) -> Iterator[Homes]:
    """Start a server of each kind that needs one; stop them at the end."""
    with ExitStack() as running:
        servers: dict[str, Server | None] = dict.fromkeys(kinds)
        for kind in kinds:
            if kind in database_servers.KINDS:
                folder = root / f"server-{kind}"
                folder.mkdir()
                servers[kind] = running.enter_context(database_servers.running(kind, folder))
        yield Homes(root, servers)
