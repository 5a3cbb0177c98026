"""What deploy/backup saves is restored elsewhere without a loss, and an upgrade can be undone by it."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
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
from tests.support.database_servers import new_database

OLDEST = ROOT / "tests/data/home-0001.zip"
Backup = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mariadb(server_urls: Callable[[str], URL]) -> Iterator[str]:
    """URL of an empty database on MariaDB, whose client Debian has."""
    with new_database(server_urls("mariadb")) as url:
        yield url


@pytest.fixture
def elsewhere(server_urls: Callable[[str], URL]) -> Iterator[str]:
    """URL of a second one."""
    with new_database(server_urls("mariadb")) as url:
        yield url


@pytest.fixture
def backup(tmp_path: Path) -> Backup:
    """Run deploy/backup for a data folder, and for a database on a server if there is a URL."""

    def run(action: str, home: Path, url: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "CHARRNN_HOME": str(home)}
        if url:
            found = parse_url(url)
            environment |= {"MYSQL_HOST": str(found.host), "MYSQL_PORT": str(found.port or 3306)}
            environment |= {"MYSQL_USER": str(found.username), "MYSQL_DATABASE": str(found.database)}
            (tmp_path / "password").write_text(found.password or "")
            environment |= {"MYSQL_PASSWORD_FILE": str(tmp_path / "password")}
        command = [ROOT / "deploy/backup", action, tmp_path / "saved"]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


def train(services: Services) -> None:
    """Fill a data folder with a trained model, one that was deleted, and texts that were written."""
    model = services.training.wait(services.training.start(TEXT, name="ducks 🦆", options=OPTIONS).id)
    services.models.note(model.id, "Quack “quoted” \\ and\nnew lines")
    services.models.delete(services.models.create("drakes").id)
    services.writing.write(model.id, {"start_string": "duck", "max_length": 9, "seed": 5})


def everything(services: Services) -> dict[str, Any]:
    """Return all that a user can see."""
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


def test_a_server_and_its_files_are_restored_elsewhere_and_nothing_is_missing(
    mariadb: str, elsewhere: str, backup: Backup, tmp_path: Path
) -> None:
    with open_services(tmp_path / "home", database_url=mariadb, environ={}) as services:
        train(services)
        saved = backup("save", tmp_path / "home", mariadb)
        assert saved.returncode == 0, saved.stderr
        before = everything(services)
    restored = backup("restore", tmp_path / "other", elsewhere)
    assert restored.returncode == 0, restored.stderr
    with open_services(tmp_path / "other", database_url=elsewhere, environ={}) as services:
        assert everything(services) == before
        [ducks] = services.models.all()
        services.training.resume(ducks.id, options={"max_steps": ducks.step + 3})
        assert services.training.wait(ducks.id).state == ModelState.COMPLETED


def test_a_dump_that_mysql_would_not_restore_is_not_made(
    server_urls: Callable[[str], URL], backup: Backup, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    with new_database(server_urls("mysql")) as url:
        result = backup("save", tmp_path / "home", url)
    assert result.returncode == 1
    assert "install MySQL's own client" in result.stderr
    assert not (tmp_path / "saved/backup").exists()


def test_an_sqlite_file_is_saved_while_it_is_used(backup: Backup, tmp_path: Path) -> None:
    with zipfile.ZipFile(sorted(OLDEST.parent.glob("home-*.zip"))[-1]) as pack:
        pack.extractall(tmp_path / "home")
    with open_services(tmp_path / "home", environ={}) as services:
        services.models.note(services.models.resolve("ducks").id, "in the journal, not yet in the file")
        assert backup("save", tmp_path / "home").returncode == 0
        before = everything(services)
    assert backup("restore", tmp_path / "other").returncode == 0
    with open_services(tmp_path / "other", environ={}) as services:
        assert everything(services) == before


def test_an_upgrade_of_the_oldest_data_is_undone_by_the_backup_before_it(backup: Backup, tmp_path: Path) -> None:
    with zipfile.ZipFile(OLDEST) as pack:
        pack.extractall(tmp_path / "home")
    assert backup("save", tmp_path / "home").returncode == 0
    with open_services(tmp_path / "home", environ={}) as services:
        upgraded = everything(services)
    assert version(tmp_path / "home") == NEWEST
    assert backup("restore", tmp_path / "other").returncode == 0
    assert version(tmp_path / "other") == "0001", "the program before can open it"
    with open_services(tmp_path / "other", environ={}) as services:
        assert everything(services) == upgraded


def version(home: Path) -> str | None:
    engine = make_engine(parse_url(f"sqlite:///{home}/charrnn.sqlite3"))
    with engine.connect() as connection:
        found = version_of(connection)
    engine.dispose()
    return found


def test_a_backup_never_overwrites(backup: Backup, mariadb: str, elsewhere: str, tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    for folder, url in ((home, mariadb), (other, elsewhere)):
        folder.mkdir()
        with closing(Database.open(url)):
            pass
    assert backup("save", home, mariadb).returncode == 0
    assert "exists already" in backup("save", home, mariadb).stderr
    assert "is not empty; name a new one in MYSQL_DATABASE" in backup("restore", other, elsewhere).stderr
    (other / "mine").touch()
    assert "is not empty; name a new one in CHARRNN_HOME" in backup("restore", other, elsewhere).stderr


def test_a_backup_that_was_cut_off_is_not_restored(backup: Backup, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    result = backup("save", tmp_path / "home")
    assert (result.returncode, "nothing was saved" in result.stderr) == (1, True)
    result = backup("restore", tmp_path / "other")
    assert (result.returncode, "no complete backup" in result.stderr) == (1, True)


def test_a_server_with_the_oldest_tables_is_upgraded_by_the_command_and_until_then_refused(
    mariadb: str, tmp_path: Path
) -> None:
    config = _config()
    engine = make_engine(parse_url(mariadb))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()
    engine.dispose()
    with pytest.raises(StoreError, match="run `charrnn db upgrade`"):
        open_services(tmp_path, database_url=mariadb, environ={})
    program = Path(sys.executable).with_name("charrnn")
    environment = {"PATH": os.environ["PATH"], "CHARRNN_DATABASE_URL": mariadb, "CHARRNN_HOME": str(tmp_path)}
    subprocess.run([program, "db", "upgrade"], env=environment, check=True)
    with open_services(tmp_path, database_url=mariadb, environ={}) as services:
        assert services.models.all() == []
