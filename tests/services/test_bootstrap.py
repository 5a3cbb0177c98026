"""Test opening and closing a data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.core.errors import StoreError
from charrnn.services import open_services, upgrade_database
from charrnn.services.cost_estimate import measure_speed


def test_data_is_kept_between_sessions(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        services.models.create("plays")
    with open_services(tmp_path, environ={}) as services:
        assert [model.name for model in services.models.all()] == ["plays"]


def test_the_database_can_be_on_a_server(tmp_path: Path, empty_server_url: str) -> None:
    with open_services(tmp_path, environ={"CHARRNN_DATABASE_URL": empty_server_url}) as services:
        services.models.create("Stücke 🎭")
    with open_services(tmp_path, database_url=empty_server_url) as services:
        assert services.models.resolve("Stücke 🎭")
    assert list(tmp_path.glob("*.sqlite3*")) == []


def test_upgrade_creates_a_database_and_can_be_repeated(tmp_path: Path) -> None:
    upgrade_database(tmp_path, environ={})
    upgrade_database(tmp_path, environ={})
    with open_services(tmp_path, environ={}) as services:
        assert services.models.all() == []


def test_connection_errors_name_the_server_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_services(tmp_path, database_url="mysql://me:hush@127.0.0.1:9/charrnn")
    assert "127.0.0.1" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_opening_and_listing_does_not_import_tensorflow(tmp_path: Path) -> None:
    script = f"""
import sys
from charrnn.services import open_services
with open_services({str(tmp_path)!r}, environ={{}}) as services:
    services.models.all()
sys.exit("tensorflow" in sys.modules or "keras" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_prepare_imports_tensorflow_and_measures_this_machine(tmp_path: Path) -> None:
    measure_speed.cache_clear()
    with open_services(tmp_path, environ={}) as services:
        services.prepare()
    assert {"tensorflow", "charrnn.model.training.training_loop", "charrnn.model.generation.generator"} <= set(
        sys.modules
    )
    assert measure_speed.cache_info().currsize == 1


def test_temporary_files_of_a_crash_are_removed_after_a_day(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        old, new = services.settings.corpora / ".tmp-1-a", services.settings.checkpoints / "m" / ".tmp-2-b"
        for folder in (old, new):
            folder.mkdir(parents=True)
        os.utime(old, (1, 1))
    with open_services(tmp_path, environ={}):
        assert (old.exists(), new.exists()) == (False, True)
