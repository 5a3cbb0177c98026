"""Test adding, analyzing and deleting texts."""

import io
from pathlib import Path

import pytest

from charrnn.core.errors import NotFound, StateError, TextError
from charrnn.services import Services


def test_a_path_a_file_and_a_str_of_the_same_text_give_the_same_corpus(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "Ąžuolas.txt"
    path.write_bytes("žalias ąžuolas\r\n".encode("utf-16"))
    from_path, report = services.corpora.add(path)
    from_file, _ = services.corpora.add(io.BytesIO("žalias ąžuolas\n".encode("cp1257")), encoding="cp1257")
    from_text, _ = services.corpora.add("žalias ąžuolas\n")
    assert from_path.id == from_file.id == from_text.id
    assert (from_path.name, from_text.name, report.newlines) == ("Ąžuolas", "text", "crlf")
    assert len(services.corpora.all()) == 1


def test_add_reports_its_progress(services: Services) -> None:
    reported: list[float] = []
    services.corpora.add("over the hill\n" * 50, progress=reported.append)
    assert reported == sorted(reported)
    assert reported[-1] == 1


def test_ids_are_returned_with_their_vocabulary(services: Services) -> None:
    corpus, _ = services.corpora.add("abbccc")
    ids, vocabulary = services.corpora.ids(corpus.id, max_vocab=2)
    assert vocabulary.characters == "cb"
    assert ids.tolist() == [2, 1, 1, 0, 0, 0]


def test_analyze_stores_nothing(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("naïve café")
    report = services.corpora.analyze(path)
    assert report.num_characters == 10
    assert services.corpora.all() == []
    assert list(services.settings.corpora.iterdir()) == []


def test_the_error_for_a_missing_file_names_the_current_folder(services: Services) -> None:
    with pytest.raises(NotFound, match="relative paths start at"):
        services.corpora.add(Path("nowhere.txt"))


def test_a_file_name_passed_as_str_is_rejected(services: Services, tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text("over the hill")
    with pytest.raises(TextError, match="pass Path"):
        services.corpora.add(str(tmp_path / "poem.txt"))


def test_a_folder_is_rejected(services: Services, tmp_path: Path) -> None:
    with pytest.raises(TextError, match="cannot be read"):
        services.corpora.add(tmp_path)


def test_an_example_text_can_be_added(services: Services) -> None:
    corpus, _ = services.corpora.add_example("python")
    assert corpus.num_characters > 100_000
    assert "def " in services.corpora.head(corpus.id, 20_000)


def test_a_text_used_by_a_model_cannot_be_deleted(services: Services) -> None:
    corpus, _ = services.corpora.add("over the hill and far away")
    model = services.models.create("hills", corpus=corpus)
    with pytest.raises(StateError, match="hills"):
        services.corpora.delete(corpus.id)
    services.models.purge(model.id)
    services.corpora.delete(corpus.id)
    assert services.corpora.all() == []
    assert list(services.settings.corpora.iterdir()) == []
