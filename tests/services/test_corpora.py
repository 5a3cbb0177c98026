"""Texts: a path, an open file, or the text itself."""

import io
from pathlib import Path

import pytest

from charrnn.core.errors import NotFound, StateError, TextError
from charrnn.services import Services


def test_a_path_an_open_file_and_a_text_are_the_same_corpus(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "Ąžuolas.txt"
    path.write_bytes("žalias ąžuolas\r\n".encode("utf-16"))
    from_path, report = services.corpora.add(path)
    from_file, _ = services.corpora.add(io.BytesIO("žalias ąžuolas\n".encode("cp1257")), encoding="cp1257")
    from_text, _ = services.corpora.add("žalias ąžuolas\n")
    assert from_path.id == from_file.id == from_text.id
    assert (from_path.name, from_text.name, report.newlines) == ("Ąžuolas", "text", "crlf")
    assert len(services.corpora.all()) == 1


def test_progress_is_told(services: Services) -> None:
    told: list[float] = []
    services.corpora.add("over the hill\n" * 50, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_ids_and_the_vocabulary_they_are_of(services: Services) -> None:
    corpus, _ = services.corpora.add("abbccc")
    ids, vocabulary = services.corpora.ids(corpus.id, max_vocab=2)
    assert vocabulary.characters == "cb"
    assert ids.tolist() == [2, 1, 1, 0, 0, 0]


def test_examining_stores_nothing(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("naïve café")
    report = services.corpora.analyze(path)
    assert report.num_characters == 10
    assert services.corpora.all() == []
    assert list(services.settings.corpora.iterdir()) == []


def test_a_missing_file_says_where_it_was_looked_for(services: Services) -> None:
    with pytest.raises(NotFound, match="relative names start at"):
        services.corpora.add(Path("nowhere.txt"))


def test_a_file_s_name_given_as_a_text_is_noticed(services: Services, tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text("over the hill")
    with pytest.raises(TextError, match="give Path"):
        services.corpora.add(str(tmp_path / "poem.txt"))


def test_a_folder_is_no_text(services: Services, tmp_path: Path) -> None:
    with pytest.raises(TextError, match="cannot be read"):
        services.corpora.add(tmp_path)


def test_an_example_is_a_text_like_any_other(services: Services) -> None:
    corpus, _ = services.corpora.add_example("python")
    assert corpus.num_characters > 100_000
    assert "def " in services.corpora.head(corpus.id, 20_000)


def test_a_text_that_a_model_uses_stays(services: Services) -> None:
    corpus, _ = services.corpora.add("over the hill and far away")
    model = services.models.create("hills", corpus=corpus)
    with pytest.raises(StateError, match="hills"):
        services.corpora.delete(corpus.id)
    services.models.purge(model.id)
    services.corpora.delete(corpus.id)
    assert services.corpora.all() == []
    assert list(services.settings.corpora.iterdir()) == []
