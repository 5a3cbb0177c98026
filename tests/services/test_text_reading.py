"""Test reading texts with models."""

import io
import math
import shutil

import numpy as np
import pytest

from charrnn.core.errors import LimitExceeded, NotFound, OptionError, TextError
from charrnn.core.limits import Limits
from charrnn.services import Services, open_services
from tests.support.small_training import OPTIONS, TEXT, Trained


def test_the_surprise_adds_up_to_the_score(trained: Trained) -> None:
    reading = trained.services.reading.read(trained.model.id, TEXT)
    score = trained.services.writing.score(trained.model.id, TEXT)
    assert len(reading.surprise) == score.num_characters == len(TEXT) - 1
    assert reading.nats == pytest.approx(score.nats, abs=1e-5)
    assert np.mean(reading.surprise) == pytest.approx(score.nats, abs=1e-4)


def test_copies_are_checked_first(trained: Trained) -> None:
    reading = trained.services.reading.read(trained.model.id, TEXT[:200])
    assert reading.copies is not None
    assert reading.copies.curve[16] == 1


def test_unknown_characters_are_counted_and_left_out_of_the_fit(trained: Trained) -> None:
    strange = TEXT[:60] + "ЖЖ" + TEXT[60:250]
    reading = trained.services.reading.read(trained.model.id, strange)
    assert reading.num_unknown == 2
    assert [at for at, known in enumerate(reading.is_known) if not known] == [59, 60]
    short = trained.services.reading.read(trained.model.id, "Ж" * 50 + TEXT[:99])
    assert short.fit is None


def test_a_text_of_the_model_fits_better_than_noise(trained: Trained) -> None:
    [own] = trained.services.writing.write(
        trained.model.id, {"max_length": 600, "temperature": 1.0, "seed": 4}, keep=False
    )
    fit = trained.services.reading.read(trained.model.id, own.prompt + own.text).fit
    noise = trained.services.reading.read(trained.model.id, TEXT[0] * 600).fit
    assert fit is not None
    assert noise is not None
    assert abs(fit.z) < 4
    assert abs(noise.z) > abs(fit.z)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory):
    """Two models: of all ducks, and of another text with other characters."""
    with open_services(tmp_path_factory.mktemp("pair"), environ={}) as services:
        texts = TEXT, 9 * "The ducks, far away, went over hills: 12 ducks and 34 swans in all.\n"
        yield (
            services,
            [
                services.training.wait(services.training.start(text, options=OPTIONS | {"max_steps": 40}).id).id
                for text in texts
            ],
        )


def test_two_models_are_compared_on_the_characters_that_both_know(pair) -> None:
    services, (first, second) = pair
    text = TEXT + "Жq"
    result = services.reading.compare(first, second, text)
    swapped = services.reading.compare(second, first, text)
    known = [one and other for one, other in zip(result.first.is_known, result.second.is_known, strict=True)]
    assert result.num_compared == sum(known) < len(text) - 1
    assert result.comparison.difference == pytest.approx(-swapped.comparison.difference)
    assert (result.comparison.low, result.comparison.high) == pytest.approx(
        (-swapped.comparison.high, -swapped.comparison.low)
    )


def test_a_short_text_is_not_compared(pair) -> None:
    services, (first, second) = pair
    assert services.reading.compare(first, second, TEXT[:500]).comparison is None


def test_contributions_add_up_to_the_difference_between_the_longest_and_the_shortest_context(trained: Trained) -> None:
    why = trained.services.reading.why(trained.model.id, TEXT, 90)
    assert (why.character, why.context) == (TEXT[90], TEXT[:90])
    assert len(why.nats) == 89
    assert sum(why.nats) == pytest.approx(why.logprob - why.shortest_logprob, abs=1e-6)
    surprise = trained.services.reading.read(trained.model.id, TEXT[:91]).surprise[-1]
    assert why.logprob == pytest.approx(-surprise, abs=1e-4)
    assert math.exp(why.logprob) < 1


@pytest.mark.parametrize("offset", [0, -1, len(TEXT)])
def test_an_offset_without_context_or_character_is_rejected(trained: Trained, offset: int) -> None:
    with pytest.raises(OptionError, match=f"expected 1 to {len(TEXT) - 1}"):
        trained.services.reading.why(trained.model.id, TEXT, offset)


def test_texts_that_cannot_be_read_are_rejected(trained: Trained) -> None:
    with pytest.raises(TextError, match="at least 2"):
        trained.services.reading.read(trained.model.id, "d")
    with pytest.raises(TextError, match="at most 1,000,000"):
        trained.services.reading.read(trained.model.id, "d" * 1_000_001)
    with pytest.raises(TextError, match="not in the model's vocabulary"):
        trained.services.reading.why(trained.model.id, "duckЖ", 4)
    with pytest.raises(NotFound):
        trained.services.reading.read("0" * 32, TEXT)


def test_a_file_is_decoded_and_an_imported_model_has_no_copies(trained: Trained, services: Services, tmp_path) -> None:
    bundle = trained.services.models.export(trained.model.id, tmp_path / "ducks.zip")
    imported = services.models.import_bundle(bundle)
    reading = services.reading.read(imported.id, io.BytesIO(TEXT.encode("utf-16")))
    assert reading.copies is None
    assert reading.nats == pytest.approx(trained.services.writing.score(trained.model.id, TEXT).nats, abs=1e-5)


def test_the_length_of_a_text_is_limited(trained: Trained, tmp_path) -> None:
    home = shutil.copytree(trained.services.settings.home, tmp_path / "home")
    with open_services(home, environ={}, limits=Limits(max_sample_length=70)) as services:
        with pytest.raises(LimitExceeded, match="71 characters"):
            services.reading.read(trained.model.id, TEXT[:71])
