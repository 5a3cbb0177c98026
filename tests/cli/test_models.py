"""Test listing, renaming, annotating, deleting, restoring and exporting models."""

import json
import zipfile

from charrnn.services import open_services


def test_models_prints_how_to_train_when_there_are_no_models(charrnn):
    result = charrnn("models")
    assert (result.code, result.out) == (0, "")
    assert "charrnn train" in result.err
    assert json.loads(charrnn("models", "--json").out) == []


def test_a_model_is_listed_with_state_step_and_best_loss(charrnn_with_fox):
    header, row = charrnn_with_fox("models").out.splitlines()
    assert header.split()[:4] == ["name", "state", "step", "of"]
    assert row.split()[:4] == ["fox", "completed", "6", "6"]
    [model] = json.loads(charrnn_with_fox("models", "--json").out)
    assert (model["name"], model["state"], model["step"]) == ("fox", "completed", 6)
    assert f"{model['best_loss']:.4f}" in row


def test_a_misspelled_model_name_gets_a_suggestion(charrnn_with_fox):
    for argv in (["show", "fux"], ["sample", "fux"], ["resume", "fux"], ["log", "fux"], ["delete", "fux"]):
        result = charrnn_with_fox(*argv)
        assert result.code == 1
        assert "There is no model 'fux'. Did you mean 'fox'?" in result.err


def test_a_model_is_renamed(charrnn_with_fox):
    assert charrnn_with_fox("rename", "fox", "vixen").code == 0
    assert charrnn_with_fox("show", "vixen").code == 0


def test_a_name_with_a_newline_is_a_usage_error(charrnn_with_fox):
    result = charrnn_with_fox("rename", "fox", "two\nlines")
    assert result.code == 2
    assert "U+000A" in result.err


def test_notes_are_set_and_printed(charrnn_with_fox):
    assert charrnn_with_fox("note", "fox").out == ""
    assert charrnn_with_fox("note", "fox", "quick & brown").code == 0
    assert charrnn_with_fox("note", "fox").out == "quick & brown\n"


def test_an_older_model_is_transferred_to_a_user(charrnn_with_fox):
    assert "owner" not in charrnn_with_fox("models").out
    result = charrnn_with_fox("give", "fox", "ada")
    assert (result.code, result.err) == (0, "'fox' and its text now belong to 'ada'.\n")
    header, row = charrnn_with_fox("models").out.splitlines()
    assert (header.split()[-1], row.split()[-1]) == ("owner", "ada")
    assert "no user" in charrnn_with_fox("give", "fox", "").err


def test_a_deleted_model_is_restored(charrnn_with_fox):
    assert "restore fox" in charrnn_with_fox("delete", "fox").err
    assert charrnn_with_fox("show", "fox").code == 1
    assert "fox" in charrnn_with_fox("models", "--deleted").out
    assert charrnn_with_fox("restore", "fox").code == 0
    assert charrnn_with_fox("sample", "fox", "--max_length", "3").out
    assert charrnn_with_fox("models", "--deleted").out == ""


def test_only_a_deleted_model_can_be_restored(charrnn_with_fox):
    result = charrnn_with_fox("restore", "fox")
    assert result.code == 1
    assert "models --deleted" in result.err


def test_delete_forever_removes_the_checkpoints(charrnn_with_fox, home):
    assert list((home / "checkpoints").iterdir())
    assert charrnn_with_fox("delete", "fox", "--forever").code == 0
    assert not list((home / "checkpoints").iterdir())
    assert charrnn_with_fox("restore", "fox").code == 1


def test_delete_forever_removes_deleted_models(charrnn_with_fox):
    charrnn_with_fox("delete", "fox")
    assert charrnn_with_fox("delete", "fox", "--forever").code == 0
    assert json.loads(charrnn_with_fox("models", "--deleted", "--json").out) == []
    assert charrnn_with_fox("delete", "fox", "--forever").code == 1


def test_a_model_is_exported_to_a_safe_file_name(charrnn_with_fox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    charrnn_with_fox("rename", "fox", "../the fox")
    assert charrnn_with_fox("export", "../the fox").code == 0
    with zipfile.ZipFile(tmp_path / "_the_fox.zip") as bundle:
        assert {"model.json", "log.txt", "metrics.csv", "samples.json"} < set(bundle.namelist())


def test_export_does_not_overwrite_a_file(charrnn_with_fox, tmp_path):
    target = tmp_path / "there.zip"
    target.write_text("mine")
    result = charrnn_with_fox("export", "fox", "--output", str(target))
    assert result.code == 1
    assert target.read_text() == "mine"


def test_a_model_is_exported_as_a_web_page(charrnn_with_fox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small, exact = charrnn_with_fox("export", "fox", "--html"), tmp_path / "exact.html"
    assert (small.code, "fox.html" in small.err) == (0, True)
    assert charrnn_with_fox("export", "fox", "--html", "--weights", "float16", "--output", str(exact)).code == 0
    pages = [(tmp_path / "fox.html").read_text("utf-8"), exact.read_text("utf-8")]
    assert all(page.startswith("<!DOCTYPE html>") and "<title>fox</title>" in page for page in pages)
    assert len(pages[0]) < len(pages[1])
    assert charrnn_with_fox("export", "fox", "--html").code == 1
    wrong = charrnn_with_fox("export", "fox", "--weights", "int8")
    assert (wrong.code, "add --html" in wrong.err) == (2, True)


def test_text_from_the_database_cannot_break_the_table(charrnn_with_fox, home):
    with open_services(home) as services:
        services.models.note(services.models.resolve("fox").id, "a\x1b[2Jb")
    assert "\x1b" in json.loads(charrnn_with_fox("show", "fox", "--json").out)["model"]["notes"]
    assert "\x1b" not in charrnn_with_fox("show", "fox").out
