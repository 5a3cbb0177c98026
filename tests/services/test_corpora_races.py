"""Test that a text that is added and deleted concurrently is stored completely or not at all."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from charrnn.core.errors import LimitExceeded, StoreUnavailable
from charrnn.core.limits import Limits
from charrnn.services import Services, open_services
from charrnn.store.corpora import CorpusStore
from charrnn.store.corpus_files import CorpusFiles
from tests.support.small_training import TEXT


@pytest.fixture
def other(services: Services) -> Iterator[Services]:
    """Services of the same data folder, as in another process."""
    with open_services(services.settings.home, environ={}) as other:
        yield other


def before(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, action: Callable[[], Any]) -> None:
    """Call a function once, immediately before a method."""
    method = getattr(kind, name)

    def act_first(self: Any, *args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(kind, name, method)
        action()
        return method(self, *args, **kwargs)

    monkeypatch.setattr(kind, name, act_first)


def assert_complete(services: Services) -> None:
    (corpus,) = services.corpora.all()
    assert services.corpora.head(corpus.id, 10_000) == TEXT
    assert [path.name for path in services.settings.corpora.iterdir()] == [corpus.id]


def test_a_text_deleted_between_finding_its_files_and_writing_its_row_is_stored_again(
    services: Services, other: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row used to stay without files."""
    corpus, _ = services.corpora.add(TEXT)
    before(monkeypatch, CorpusStore, "add", lambda: other.corpora.delete(corpus.id))
    again, _ = services.corpora.add(TEXT)
    assert again.id == corpus.id
    assert_complete(services)


def test_a_text_added_between_deleting_its_row_and_its_files_is_kept(
    services: Services, other: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, _ = services.corpora.add(TEXT)
    before(monkeypatch, CorpusFiles, "delete", lambda: other.corpora.add(TEXT))
    services.corpora.delete(corpus.id)
    assert_complete(services)


def test_a_text_added_while_its_files_are_hidden_is_kept(
    services: Services, other: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, _ = services.corpora.add(TEXT)
    before(monkeypatch, CorpusStore, "find", lambda: other.corpora.add(TEXT))
    services.corpora.delete(corpus.id)
    assert_complete(services)


def test_a_text_over_one_users_quota_is_kept_for_another_user(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_services(services.settings.home, environ={}, limits=Limits(max_disk_mb=0.0001)) as small:
        before(monkeypatch, CorpusFiles, "delete", lambda: services.corpora.add(TEXT))
        with pytest.raises(LimitExceeded):
            small.corpora.add(TEXT)
    assert_complete(services)


def test_files_are_restored_when_the_database_fails_during_deletion(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, _ = services.corpora.add(TEXT)

    def fail() -> None:
        raise StoreUnavailable("The server is gone.")

    before(monkeypatch, CorpusStore, "find", fail)
    with pytest.raises(StoreUnavailable):
        services.corpora.delete(corpus.id)
    assert [path.name for path in services.settings.corpora.iterdir()] == [corpus.id]


def test_a_deleted_text_is_removed(services: Services) -> None:
    corpus, _ = services.corpora.add(TEXT)
    services.corpora.delete(corpus.id)
    assert services.corpora.all() == [] and not list(services.settings.corpora.iterdir())
