"""Test looking inside networks through the services: a planted unit is found, followed and held."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.core.errors import LimitExceeded, NotFound, OptionError, TextError
from charrnn.core.insight.stopped import InsightStopped
from charrnn.core.insight.unit import Unit
from charrnn.core.insight.unit_search import Verdict
from charrnn.core.limits import Limits, variable
from charrnn.core.records import Model
from charrnn.services import Services, open_services
from charrnn.services.insight_cache import InsightCache
from tests.support.small_training import Trained

WORDS = ["duck", "went", "over", "the", "hill", "far", "away", "play"]
OPTIONS = {
    "cell": "rnn",
    "num_seqs": 3,
    "num_steps": 7,
    "lstm_size": 9,
    "num_layers": 2,
    "max_steps": 2,
    "log_every_n": 2,
    "sample_every_n": 0,
}
PLANTED = Unit(1, 4)


def text_with_brackets() -> str:
    """Return 9,000 characters, in which some words are between brackets."""
    random = np.random.default_rng(4)
    words = [
        f"({' '.join(random.choice(WORDS, 3))})" if random.random() < 0.2 else str(random.choice(WORDS))
        for _ in range(1_200)
    ]
    lines = [" ".join(words[start : start + 7]) for start in range(0, len(words), 7)]
    return "\n".join(lines)


def plant(services: Services, model: Model) -> None:
    """Make a unit of the loaded network remember whether a bracket is open, without telling other units."""
    _, loaded, _ = services.writing.load(model, "best")
    layer, above = loaded.network.recurrent
    kernel, recurrent, bias = (weight.numpy() for weight in (layer.kernel, layer.recurrent_kernel, layer.bias))
    unit = PLANTED.number - 1
    kernel[:, unit] = recurrent[:, unit] = recurrent[unit] = bias[unit] = 0
    recurrent[unit, unit] = 2  # two stable states, near -1 and 1
    opening, closing = loaded.vocabulary.encode("()")
    kernel[opening, unit], kernel[closing, unit] = 9, -9
    for weight, values in ((layer.kernel, kernel), (layer.recurrent_kernel, recurrent), (layer.bias, bias)):
        weight.assign(values)
    rows = above.kernel.numpy()
    rows[unit] = 0
    above.kernel.assign(rows)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """A model with a planted unit; tests only read it."""
    with open_services(tmp_path_factory.mktemp("planted"), environ={}) as services:
        model = services.training.start(text_with_brackets(), name="brackets", options=OPTIONS)
        trained = Trained(services, services.training.wait(model.id))
        plant(services, trained.model)
        yield trained


def test_a_planted_unit_is_found_and_holding_a_unit_that_nothing_reads_has_no_effect(planted: Trained) -> None:
    (found,) = planted.services.inside.feature(planted.model.id, "brackets").findings
    assert (found.unit, found.verdict, found.num_units) == (PLANTED, Verdict.TRACKS, 18)
    assert found.sentence().startswith("Layer 1, unit 4 tracks inside brackets: AUC ")
    # Not 1, because the unit is already on at the opening bracket itself, which counts as outside.
    assert found.tested > 0.9 > found.largest_chance
    assert found.effect is not None
    assert found.effect.value == pytest.approx(-0.96, abs=0.1)
    assert found.effect.num_cases == found.num_episodes[1]
    assert not found.effect.is_measurable


def test_a_regular_expression_finds_the_same_unit(planted: Trained) -> None:
    (found,) = planted.services.inside.feature(planted.model.id, regex=r"\(([^)]*)\)").findings
    assert (found.unit, found.verdict) == (PLANTED, Verdict.TRACKS)


def test_the_activation_follows_the_brackets_of_a_given_text(planted: Trained) -> None:
    text = "away (duck) far (the hill)"
    activations = planted.services.inside.activations(planted.model.id, "1:4", text=text)
    assert activations.text == text
    assert activations.values[text.index("(d") : text.index(")")].min() > 0.5
    assert activations.values[text.index(")") : text.index("(the")].max() < -0.5
    assert activations.values[text.index("(the") : -1].min() > 0.5
    assert np.median(activations.scaled()) == pytest.approx(0, abs=1e-6)


def test_the_next_unit_is_not_read_again(planted: Trained) -> None:
    fractions: list[float] = []
    text = "over (the hill) far away"
    planted.services.inside.activations(planted.model.id, "1:4", text=text)
    planted.services.inside.activations(planted.model.id, "2:9", text=text, progress=fractions.append)
    assert fractions == [1.0]


def test_without_a_text_the_end_of_the_models_own_text_is_shown(planted: Trained) -> None:
    activations = planted.services.inside.activations(planted.model.id, PLANTED)
    assert activations.text == text_with_brackets()[-2000:]
    assert len(activations.values) == 2000


def test_all_features_are_searched_and_features_without_episodes_are_too_few(planted: Trained) -> None:
    fractions: list[float] = []
    result = planted.services.inside.neurons(planted.model.id, progress=fractions.append)
    found = {finding.feature: finding for finding in result.findings}
    assert found["brackets"].unit == PLANTED
    assert found["emoji"].verdict is Verdict.TOO_FEW
    assert found["quotes"].sentence() == (
        "Too few quotes to tell: 0 and 0 in the halves of the text; 20 in each are needed."
    )
    assert fractions[-1] == 1
    assert result.source.startswith("end of the text")


def test_the_result_is_stored_with_the_checkpoint_and_counts_towards_the_disk_space(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        model = services.training.start(text_with_brackets(), options=OPTIONS)
        services.training.wait(model.id)
        before = services._limit_check.used_bytes()
        first = services.inside.neurons(model.id)
        files = list((tmp_path / "checkpoints" / model.id).glob("insight-*.json"))
        assert [path.stem for path in files] == [f"insight-{first.checkpoint.folder}"]
        assert services._limit_check.used_bytes() - before == files[0].stat().st_size
        with open_services(tmp_path, environ={}) as others:
            fractions: list[float] = []
            assert others.inside.neurons(model.id, progress=fractions.append) == first
            assert fractions == [1.0]
        files[0].write_bytes(files[0].read_bytes()[:99])
        assert services.inside.neurons(model.id) == first
        files[0].write_text(files[0].read_text().replace('"probe"', '"prob"'))
        assert services.inside.neurons(model.id) == first
        shutil.rmtree(tmp_path / "checkpoints" / model.id / first.checkpoint.folder)
        kept = services.training.launcher.checkpoints.of(model.id)
        other = next(each for each in kept if each.folder != first.checkpoint.folder)
        InsightCache(tmp_path / "checkpoints").save(other, "text", {}, lambda needed: None)
        assert not files[0].exists(), "results of checkpoints that no longer exist are removed"


def test_a_result_that_exceeds_the_disk_quota_is_returned_but_not_stored(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        model = services.training.start(text_with_brackets(), options=OPTIONS)
        services.training.wait(model.id)
        services.corpora.add("x y\n" * 300_000, name="fills the quota")
    with open_services(tmp_path, limits=Limits(max_disk_mb=1)) as limited:
        assert limited.inside.neurons(model.id).findings
        assert not list((tmp_path / "checkpoints" / model.id).glob("insight-*.json"))


def test_another_user_cannot_look_inside(planted: Trained) -> None:
    stranger = planted.services.seen_by("stranger").inside
    calls: list[Any] = [
        lambda: stranger.neurons(planted.model.id),
        lambda: stranger.feature(planted.model.id, "quotes"),
        lambda: stranger.activations(planted.model.id, "1:4"),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()


def test_a_text_that_is_longer_than_the_limit_is_rejected(planted: Trained) -> None:
    with open_services(planted.services.settings.home, environ={variable("max_sample_length"): "30"}) as limited:
        with pytest.raises(LimitExceeded, match="31 characters"):
            limited.inside.activations(planted.model.id, "1:4", text="a" * 31)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": "qoutes"}, "did you mean quotes"),
        ({"regex": "("}, "not valid"),
        ({"key": ""}, "expected 1 to 200"),
    ],
)
def test_an_unknown_feature_or_an_invalid_expression_is_rejected(
    planted: Trained, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        planted.services.inside.feature(planted.model.id, **arguments)  # type: ignore[arg-type]


def test_a_unit_that_does_not_exist_is_rejected_with_those_that_do(planted: Trained) -> None:
    with pytest.raises(OptionError, match="1:1 to 2:9"):
        planted.services.inside.activations(planted.model.id, "3:1")


@pytest.mark.parametrize(("text", "message"), [("", "empty"), ("a" * 511, "511 characters; at least 512")])
def test_a_text_that_is_too_short_is_rejected(planted: Trained, text: str, message: str) -> None:
    with pytest.raises(TextError, match=message):
        if text:
            planted.services.inside.neurons(planted.model.id, text=text)
        else:
            planted.services.inside.activations(planted.model.id, "1:4", text=text)


def test_an_imported_model_needs_a_text(planted: Trained, tmp_path: Path) -> None:
    planted.services.models.export(planted.model.id, tmp_path / "model.zip")
    with open_services(tmp_path / "elsewhere", environ={}) as services:
        model = services.models.import_bundle(tmp_path / "model.zip")
        with pytest.raises(TextError, match="has no text here"):
            services.inside.neurons(model.id)
        result = services.inside.feature(model.id, "brackets", text=text_with_brackets())
        assert (result.source, len(result.findings)) == ("given text", 1)


def test_an_analysis_can_be_stopped_while_it_waits_for_another(planted: Trained) -> None:
    reached, release = threading.Event(), threading.Event()

    def hold(done: float) -> None:
        reached.set()
        assert release.wait(60)

    find, text = planted.services.inside.feature, "a (b) c " * 99
    running = threading.Thread(target=lambda: find(planted.model.id, "brackets", text=text, progress=hold))
    running.start()
    assert reached.wait(60)
    with pytest.raises(InsightStopped):
        planted.services.inside.feature(planted.model.id, "brackets", should_stop=lambda: True)
    release.set()
    running.join()


@pytest.mark.parametrize(("cell", "embedding"), [("mingru", True), ("lstm", False), ("gru", True)])
def test_networks_of_all_cells_are_searched(tmp_path: Path, cell: str, embedding: bool) -> None:
    with open_services(tmp_path, environ={}) as services:
        options = OPTIONS | {"cell": cell, "use_embedding": embedding, "embedding_size": 5}
        model = services.training.start(text_with_brackets(), options=options)
        services.training.wait(model.id)
        result = services.inside.feature(model.id, "brackets")
        assert result.findings[0].num_units == len(result.layout) == (36 if cell == "lstm" else 18)
        unit = Unit(2, 9, is_cell_state=cell == "lstm")
        assert np.ptp(services.inside.activations(model.id, unit).values) > 0
