"""Exporting a trained model as a web page with the services."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from charrnn.core.errors import BundleError, NameTaken, NotFound
from charrnn.services import Services, open_services
from charrnn.services.web_page import page as page_module
from tests.support.small_training import OPTIONS, TEXT, Trained
from tests.support.web_page_reference import ReferencePage


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """A model whose network is mixed with n-grams."""
    with open_services(tmp_path_factory.mktemp("trained"), environ={}) as services:
        model = services.training.start(TEXT, name="ducks <b>", options=OPTIONS | {"ngram_order": 3})
        services.models.note(services.training.wait(model.id).id, "a secret note")
        yield Trained(services, services.models.get(model.id))


def test_a_page_contains_the_network_but_neither_text_nor_notes(trained: Trained, tmp_path: Path) -> None:
    html = trained.services.models.export_web_page(trained.model.id, tmp_path / "ducks.html").read_text("utf-8")
    page = ReferencePage(html)
    assert "<title>ducks &lt;b&gt;</title>" in html
    [best] = [each for each in trained.services.models.checkpoints(trained.model.id) if each.kind == "best"]
    assert page.description["facts"]["Training"] == f"{best.step} steps"
    assert page.description["ngrams"] == 3
    assert "".join(sorted(page.characters)) == "".join(sorted(set(TEXT)))
    assert "secret" not in html and "little ducks" not in html
    loss = page.description["facts"]["Validation loss, with n-grams"]
    assert loss == f"{trained.model.best_loss:.4f} nats per character"


def test_float16_pages_have_the_weights_of_the_checkpoint(trained: Trained, tmp_path: Path) -> None:
    exact, small = (
        ReferencePage(
            trained.services.models.export_web_page(
                trained.model.id, tmp_path / f"{weights}.html", weights=weights
            ).read_text("utf-8")
        ).weights
        for weights in ("float16", "int8")
    )
    assert set(exact) == set(small) > {"layer_1/kernel", "layer_1/recurrent_bias", "charrnn/output_kernel"}
    for name, array in exact.items():
        np.testing.assert_allclose(small[name], array, atol=abs(array).max() / 120)


def test_a_page_never_replaces_a_file(trained: Trained, tmp_path: Path) -> None:
    taken = tmp_path / "taken.html"
    taken.write_text("mine")
    with pytest.raises(NameTaken, match="exists already"):
        trained.services.models.export_web_page(trained.model.id, taken)
    assert taken.read_text() == "mine"


def test_a_model_without_a_checkpoint_has_no_page(services: Services, tmp_path: Path) -> None:
    model = services.models.create("empty")
    with pytest.raises(NotFound, match="no checkpoint yet"):
        services.models.export_web_page(model.id, tmp_path / "empty.html")


def test_a_network_that_is_too_large_for_browsers_is_refused(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "MAX_WEIGHTS", 9)
    with pytest.raises(BundleError, match="the maximum for a web page is 9"):
        trained.services.models.export_web_page(trained.model.id, tmp_path / "large.html")
    assert not list(tmp_path.iterdir())
