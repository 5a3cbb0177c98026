"""Test trainings during errors of a real database server."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue

import pytest
from sqlalchemy import make_url, text

from charrnn.core.errors import StoreUnavailable
from charrnn.core.records import Model, ModelState
from charrnn.core.training_events import Event, MetricsMeasured
from charrnn.services import Services, open_services
from tests.support.database_servers import ask
from tests.support.small_training import OPTIONS, TEXT
from tests.torture.training_history import gaps

ENDLESS = OPTIONS | {"max_steps": 1_000_000, "save_every_n": 1_000_000, "eval_every_n": 1_000_000, "log_every_n": 10}
CODES = {
    3: "Error writing file", 1026: "Error writing file", 1030: "Got error 168 from storage engine",
    1047: "WSREP has not yet prepared node", 1158: "Got an error reading", 1159: "Got timeout reading",
    1836: "Running in read-only mode", 1969: "max_statement_time exceeded", 3024: "maximum time exceeded",
    3101: "Plugin instructed the server to rollback",
}  # fmt: skip
TIMEOUT_SECONDS = 120


@pytest.fixture
def services(tmp_path: Path, empty_server_url: str) -> Iterator[Services]:
    """Services with a database on each kind of server."""
    with open_services(tmp_path, database_url=empty_server_url, environ={}) as services:
        yield services


@pytest.fixture
def log() -> Iterator[SimpleQueue]:
    """The log records of the program."""
    records = SimpleQueue()
    handler = QueueHandler(records)
    logging.getLogger("charrnn").addHandler(handler)
    yield records
    logging.getLogger("charrnn").removeHandler(handler)


@contextmanager
def rejecting_log_lines(url: str, code: int) -> Iterator[None]:
    """Make the server reject new log lines with an error."""
    server = make_url(url)
    trigger = f"`{server.database}`.reject_line"
    ask(
        server,
        f"CREATE TRIGGER {trigger} BEFORE INSERT ON `{server.database}`.model_log FOR EACH ROW "
        f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = '{CODES[code]}'",
    )
    yield
    ask(server, f"DROP TRIGGER {trigger}")


def start_training(services: Services, options: dict[str, object]) -> Model:
    """Start a training and wait for its first step."""
    started = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, MetricsMeasured):
            started.set()

    model = services.training.start(TEXT, options=options, listeners=[listen])
    assert started.wait(TIMEOUT_SECONDS)
    return model


def test_a_training_survives_temporary_database_errors(
    services: Services, empty_server_url: str, log: SimpleQueue
) -> None:
    model = start_training(services, ENDLESS)
    for code in CODES:
        with rejecting_log_lines(empty_server_url, code):
            message = log.get(timeout=TIMEOUT_SECONDS).getMessage()
            assert "will be stored later" in message
            assert CODES[code] in message or "is read-only now" in message
        before = services.models.get(model.id).log_position
        while services.models.get(model.id).log_position == before:
            assert model.id in services.training.launcher.running()
    services.training.stop(model.id)
    ended = services.training.wait(model.id, timeout=TIMEOUT_SECONDS)
    assert (ended.state, ended.error) == (ModelState.STOPPED, None)
    assert gaps(services, model.id) == []
    assert [metric.step for metric in services.models.metrics(model.id, names=["loss"])] == list(
        range(1, ended.step + 1)
    )


def test_a_training_fails_with_the_servers_message_when_the_database_does_not_recover(
    services: Services, empty_server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charrnn.services.training_thread.RETRY_SECONDS", 0.1)
    with rejecting_log_lines(empty_server_url, 1047):
        model = services.training.start(TEXT, options=OPTIONS)
        ended = services.training.wait(model.id, timeout=TIMEOUT_SECONDS)
    assert ended.state == ModelState.FAILED
    assert "reported error 1047: WSREP has not yet prepared node." in (ended.error or "")


def test_an_unexpected_error_of_the_recorder_fails_the_training(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = services.training.launcher.history.append
    calls = iter([ZeroDivisionError("a defect in the store")])

    def fail_once(*args: object, **options: object) -> bool:
        for error in calls:
            raise error
        return append(*args, **options)

    monkeypatch.setattr(services.training.launcher.history, "append", fail_once)
    model = services.training.start(TEXT, options=ENDLESS)
    ended = services.training.wait(model.id, timeout=TIMEOUT_SECONDS)
    assert ended.state == ModelState.FAILED
    assert "ZeroDivisionError: a defect in the store" in (ended.error or "")


def test_a_training_waits_for_a_free_connection_while_other_requests_fail(
    tmp_path: Path, empty_server_url: str, log: SimpleQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charrnn.store.database_engine.POOL", {"pool_size": 1, "max_overflow": 0})
    monkeypatch.setattr("charrnn.store.database_engine.BUSY_SECONDS", 3)
    with open_services(tmp_path, database_url=empty_server_url, environ={}) as services:
        model = start_training(services, ENDLESS)
        with services._database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            assert "all connections of this program are in use" in log.get(timeout=TIMEOUT_SECONDS).getMessage()
            with pytest.raises(StoreUnavailable, match="Try again in a moment"):
                services.models.all()
        services.training.stop(model.id)
        assert services.training.wait(model.id, timeout=TIMEOUT_SECONDS).state == ModelState.STOPPED
        assert gaps(services, model.id) == []
