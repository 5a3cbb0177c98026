"""Tests of the metadata of corpora."""

from dataclasses import replace

import pytest

from charrnn.core.errors import NotFound, OptionError, StateError
from charrnn.store.corpora import CorpusStore


@pytest.fixture
def texts(database):
    return CorpusStore(database)


def test_added_corpus_is_stored_once(texts, corpus):
    assert texts.get(corpus.id) == corpus
    assert texts.add(replace(corpus, name="again")) == corpus
    assert texts.list() == [corpus]


def test_corpus_name_is_truncated_and_sanitized(texts, corpus):
    added = texts.add(replace(corpus, id="cd" * 32, name="\udcff" + "😀" * 300))
    assert added.name == "\ufffd" + "😀" * 254


def test_corpus_is_found_by_a_prefix_of_its_id(texts, corpus):
    other = texts.add(replace(corpus, id="ac" * 32))
    assert texts.find(" AB") == corpus
    assert texts.find("ac") == other
    assert texts.find("%") is None
    assert texts.find("d") is None
    with pytest.raises(OptionError, match="Several texts have ids that start with 'a'. Give more of the id"):
        texts.find("a")


def test_corpus_in_use_cannot_be_deleted(texts, models, ready, corpus):
    models.delete(ready.id)
    with pytest.raises(
        StateError, match=r"The text 'hamlet.txt' is used by 1 model\(s\): 'hamlet'. Purge these models first"
    ):
        texts.delete(corpus.id)
    models.purge(ready.id)
    texts.delete(corpus.id)
    for call in (texts.get, texts.delete):
        with pytest.raises(NotFound, match="There is no text with the id 'abab"):
            call(corpus.id)
