"""Corpora as rows."""

from dataclasses import replace

import pytest

from charrnn.core.errors import NotFound, OptionError, StateError
from charrnn.store.corpora import CorpusStore


@pytest.fixture
def texts(database):
    return CorpusStore(database)


def test_a_text_is_read_back_as_it_was_added_and_kept_once(texts, corpus):
    assert texts.get(corpus.id) == corpus
    assert texts.add(replace(corpus, name="again")) == corpus
    assert texts.list() == [corpus]


def test_a_long_name_is_cut_and_a_name_that_cannot_be_encoded_is_mended(texts, corpus):
    odd = texts.add(replace(corpus, id="cd" * 32, name="\udcff" + "😀" * 300))
    assert odd.name == "\ufffd" + "😀" * 254


def test_a_text_is_found_by_the_beginning_of_its_id(texts, corpus):
    other = texts.add(replace(corpus, id="ac" * 32))
    assert texts.find(" AB") == corpus
    assert texts.find("ac") == other
    assert texts.find("%") is None
    assert texts.find("d") is None
    with pytest.raises(OptionError, match="Several texts have ids that begin with 'a'. Give more of the id"):
        texts.find("a")


def test_a_text_in_use_stays(texts, models, ready, corpus):
    models.delete(ready.id)
    with pytest.raises(StateError, match=r"The text 'hamlet.txt' is used by 1 model\(s\): 'hamlet'. Purge them first"):
        texts.delete(corpus.id)
    models.purge(ready.id)
    texts.delete(corpus.id)
    for call in (texts.get, texts.delete):
        with pytest.raises(NotFound, match="There is no text with the id 'abab"):
            call(corpus.id)
