"""A text that is deleted while it is added is there with its files, or not at all."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from charrnn.core.errors import LimitExceeded, StoreUnavailable
from charrnn.core.quotas import Limits
from charrnn.services import Services, open_services
from charrnn.store.corpora import CorpusStore
from charrnn.store.corpus_files import CorpusFiles
from tests.support.small_training import TEXT


@pytest.fixture
def other(services: Services) -> Iterator[Services]:
    """Another process with the same data folder."""
    with open_services(services.settings.home, environ={}) as other:
        yield other


def before(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, act: Callable[[], Any]) -> None:
    """Do something once, right before a method is called."""
    method = getattr(kind, name)

    def act_first(self: Any, *words: Any, **options: Any) -> Any:
        monkeypatch.setattr(kind, name, method)
        act()
        return method(self, *words, **options)

    monkeypatch.setattr(kind, name, act_first)


def assert_whole(services: Services) -> None:
    (corpus,) = services.corpora.all()
    assert services.corpora.head(corpus.id, 10_000) == TEXT
    assert [path.name for path in services.settings.corpora.iterdir()] == [corpus.id]


def test_deleted_after_the_files_were_found_and_before_the_row_is_written(
    services: Services, other: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect: the row stayed without files."""
    corpus, _ = services.corpora.add(TEXT)
    before(monkeypatch, CorpusStore, "add", lambda: other.corpora.delete(corpus.id))
    again, _ = services.corpora.add(TEXT)
    assert again.id == corpus.id
    assert_whole(services)


def test_added_after_the_row_was_deleted_and_before_the_files_are(
    services: Services, other: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, _ = services.corpora.add(TEXT)
    before(monkeypatch, CorpusFiles, "delete", lambda: other.corpora.add(TEXT))
    services.corpora.delete(corpus.id)
    assert_whole(services)


def test_added_while_the_files_are_hidden(services: Services, other: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, _ = services.corpora.add(TEXT)
    before(monkeypatch, CorpusStore, "find", lambda: other.corpora.add(TEXT))
    services.corpora.delete(corpus.id)
    assert_whole(services)


def test_a_text_for_which_one_user_has_no_room_stays_another_s(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_services(services.settings.home, environ={}, limits=Limits(max_disk_mb=0.0001)) as small:
        before(monkeypatch, CorpusFiles, "delete", lambda: services.corpora.add(TEXT))
        with pytest.raises(LimitExceeded):
            small.corpora.add(TEXT)
    assert_whole(services)


def test_files_come_back_when_the_database_cannot_say_whether_they_are_needed(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, _ = services.corpora.add(TEXT)

    def fail() -> None:
        raise StoreUnavailable("The server is gone.")

    before(monkeypatch, CorpusStore, "find", fail)
    with pytest.raises(StoreUnavailable):
        services.corpora.delete(corpus.id)
    assert [path.name for path in services.settings.corpora.iterdir()] == [corpus.id]


def test_a_text_that_nobody_else_adds_is_gone(services: Services) -> None:
    corpus, _ = services.corpora.add(TEXT)
    services.corpora.delete(corpus.id)
    assert services.corpora.all() == [] and not list(services.settings.corpora.iterdir())
