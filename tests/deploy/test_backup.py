"""Test deploy/backup: restoring elsewhere loses nothing, and reverts an upgrade."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import URL

from charrnn.core.errors import StoreError
from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from charrnn.store.database import Database
from charrnn.store.database_engine import make_engine
from charrnn.store.database_url import parse_url
from charrnn.store.migrate import _config
from charrnn.store.schema_version import NEWEST, version_of
from tests.data.make_home import OPTIONS, TEXT
from tests.deploy.conftest import ROOT
from tests.support.database_servers import ask, new_database, put_mysql_client, unique

OLDEST = ROOT / "tests/data/home-0001.zip"
Backup = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server(server_urls: Callable[[str], URL], server_kind: str) -> Iterator[str]:
    """URL of an empty database on MariaDB or MySQL, with a user who can access nothing else."""
    with new_database(server_urls(server_kind)) as url, only_user(url) as user_url:
        yield user_url


@pytest.fixture
def second_server(server_urls: Callable[[str], URL], server_kind: str) -> Iterator[str]:
    """URL of a second database like that of `server`."""
    with new_database(server_urls(server_kind)) as url, only_user(url) as user_url:
        yield user_url


@contextmanager
def only_user(database: str) -> Iterator[str]:
    """Create a user who owns one database, with a password that shells and option files could misread."""
    url = parse_url(database)
    user, password = unique("studio"), """p"a\\ss'#w$HOME`o` rd;"""
    quoted = password.replace("\\", "\\\\").replace("'", "''")
    ask(url, f"CREATE USER '{user}'@'%' IDENTIFIED BY '{quoted}'", f"GRANT ALL ON `{url.database}`.* TO '{user}'@'%'")
    try:
        yield url.set(username=user, password=password).render_as_string(hide_password=False)
    finally:
        ask(url, f"DROP USER '{user}'@'%'")


@pytest.fixture
def backup(tmp_path: Path) -> Backup:
    """Run deploy/backup on a data folder, and on a database server if a URL is given."""
    client = tmp_path / "client"
    client.mkdir()

    def run(action: str, home: Path, url: str = "", path: str = str(client)) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{path}:{os.environ['PATH']}", "CHARRNN_HOME": str(home)}
        if url:
            found = parse_url(url)
            put_mysql_client(client)
            environment |= {"MYSQL_HOST": str(found.host), "MYSQL_PORT": str(found.port or 3306)}
            environment |= {"MYSQL_USER": str(found.username), "MYSQL_DATABASE": str(found.database)}
            (tmp_path / "password").write_text(found.password or "")
            environment |= {"MYSQL_PASSWORD_FILE": str(tmp_path / "password")}
        command = [ROOT / "deploy/backup", action, tmp_path / "saved"]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


def train(services: Services) -> None:
    """Fill a data folder with a trained model, a deleted one, and samples."""
    model = services.training.wait(services.training.start(TEXT, name="ducks 🦆", options=OPTIONS).id)
    services.models.note(model.id, "Quack “quoted” \\ and\nnew lines")
    services.models.delete(services.models.create("drakes").id)
    services.writing.write(model.id, {"start_string": "duck", "max_length": 9, "seed": 5})


def everything(services: Services) -> dict[str, Any]:
    """Return everything that a user can see."""
    models = services.models.all() + services.models.deleted()
    texts = services.corpora.all()
    return {
        "models": models,
        "lines": [services.models.lines(model.id) for model in models],
        "metrics": [services.models.metrics(model.id) for model in models],
        "samples": [services.models.samples(model.id) for model in models],
        "checkpoints": [services.models.checkpoints(model.id) for model in models],
        "texts": [(text, services.corpora.head(text.id, text.num_characters)) for text in texts],
        "nats": [services.writing.score(model.id, TEXT).nats for model in models if model.best_loss is not None],
    }


def test_restore_elsewhere_loses_nothing_on_a_database_server(
    server: str, second_server: str, backup: Backup, tmp_path: Path
) -> None:
    with open_services(tmp_path / "home", database_url=server, environ={}) as services:
        train(services)
        saved = backup("save", tmp_path / "home", server)
        assert saved.returncode == 0, saved.stderr
        before = everything(services)
    restored = backup("restore", tmp_path / "other", second_server)
    assert restored.returncode == 0, restored.stderr
    with open_services(tmp_path / "other", database_url=second_server, environ={}) as services:
        assert everything(services) == before
        [ducks] = services.models.all()
        services.training.resume(ducks.id, options={"max_steps": ducks.step + 3})
        assert services.training.wait(ducks.id).state == ModelState.COMPLETED


def test_save_rejects_a_client_whose_dump_mysql_cannot_restore(
    server_urls: Callable[[str], URL], backup: Backup, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    # Simulate MariaDB's client, which also installs both programs under the names of MySQL's.
    maria = tmp_path / "maria"
    maria.mkdir()
    for name in ("mysqldump", "mysql"):
        version = 'echo "15.2 from 11.8-MariaDB"'
        (maria / name).write_text(f'#!/bin/sh\n[ "$1" = --version ] || exec mariadb "$@"\n{version}\n')
        (maria / name).chmod(0o755)
    with new_database(server_urls("mysql")) as url:
        result = backup("save", tmp_path / "home", url, path=str(maria))
    assert result.returncode == 1
    assert "install MySQL's own client" in result.stderr
    assert not (tmp_path / "saved/backup").exists()


def test_save_copies_an_sqlite_database_in_use(backup: Backup, tmp_path: Path) -> None:
    with zipfile.ZipFile(sorted(OLDEST.parent.glob("home-*.zip"))[-1]) as pack:
        pack.extractall(tmp_path / "home")
    with open_services(tmp_path / "home", environ={}) as services:
        services.models.note(services.models.resolve("ducks").id, "in the journal, not yet in the file")
        assert backup("save", tmp_path / "home").returncode == 0
        before = everything(services)
    assert backup("restore", tmp_path / "other").returncode == 0
    with open_services(tmp_path / "other", environ={}) as services:
        assert everything(services) == before


def test_restore_undoes_an_upgrade_of_the_oldest_data(backup: Backup, tmp_path: Path) -> None:
    with zipfile.ZipFile(OLDEST) as pack:
        pack.extractall(tmp_path / "home")
    assert backup("save", tmp_path / "home").returncode == 0
    with open_services(tmp_path / "home", environ={}) as services:
        upgraded = everything(services)
    assert version(tmp_path / "home") == NEWEST
    assert backup("restore", tmp_path / "other").returncode == 0
    assert version(tmp_path / "other") == "0001", "the previous version of the program can open it"
    with open_services(tmp_path / "other", environ={}) as services:
        assert everything(services) == upgraded


def version(home: Path) -> str | None:
    engine = make_engine(parse_url(f"sqlite:///{home}/charrnn.sqlite3"))
    with engine.connect() as connection:
        found = version_of(connection)
    engine.dispose()
    return found


def test_save_and_restore_never_overwrite(backup: Backup, server: str, second_server: str, tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    for folder, url in ((home, server), (other, second_server)):
        folder.mkdir()
        with closing(Database.open(url)):
            pass
    assert backup("save", home, server).returncode == 0
    assert "exists already" in backup("save", home, server).stderr
    assert "is not empty; name a new one in MYSQL_DATABASE" in backup("restore", other, second_server).stderr
    (other / "mine").touch()
    assert "is not empty; name a new one in CHARRNN_HOME" in backup("restore", other, second_server).stderr


def test_restore_rejects_an_incomplete_backup(backup: Backup, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    result = backup("save", tmp_path / "home")
    assert (result.returncode, "nothing was saved" in result.stderr) == (1, True)
    result = backup("restore", tmp_path / "other")
    assert (result.returncode, "no complete backup" in result.stderr) == (1, True)


def test_a_database_server_with_the_oldest_tables_is_rejected_until_db_upgrade(server: str, tmp_path: Path) -> None:
    config = _config()
    engine = make_engine(parse_url(server))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()
    engine.dispose()
    with pytest.raises(StoreError, match="run `charrnn db upgrade`"):
        open_services(tmp_path, database_url=server, environ={})
    program = Path(sys.executable).with_name("charrnn")
    environment = {"PATH": os.environ["PATH"], "CHARRNN_DATABASE_URL": server, "CHARRNN_HOME": str(tmp_path)}
    subprocess.run([program, "db", "upgrade"], env=environment, check=True)
    with open_services(tmp_path, database_url=server, environ={}) as services:
        assert services.models.all() == []
