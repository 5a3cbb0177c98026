"""Test measuring how much of a text is copied from a model's training text."""

import io

import numpy as np
import pytest

from charrnn.core.errors import LimitExceeded, NotFound, StateError, TextError
from charrnn.core.limits import Limits
from charrnn.services import Services, open_services
from tests.support.small_training import OPTIONS, TEXT, Trained


def written_by_nobody(length: int) -> str:
    """Return a text without copies."""
    return "".join(np.random.default_rng(7).choice(list("qzxkvw"), length))


@pytest.fixture(scope="module")
def ducks(tmp_path_factory: pytest.TempPathFactory):
    """A model whose validation split begins at character 558."""
    with open_services(tmp_path_factory.mktemp("copies"), environ={}) as services:
        model = services.training.start(TEXT, name="ducks", options=OPTIONS | {"val_fraction": 0.1, "max_steps": 2})
        yield Trained(services, services.training.wait(model.id))


def test_copied_stretches_are_reported_with_their_source(ducks: Trained) -> None:
    copied = TEXT[70:115]
    text = written_by_nobody(20) + copied + written_by_nobody(15)
    report = ducks.services.copies.find(ducks.model.id, text, min_length=20)
    [stretch] = report.stretches
    assert (stretch.start, stretch.length, stretch.text) == (20, 45, copied)
    assert TEXT[stretch.source : stretch.source + 45] == copied
    assert stretch.line == TEXT[: stretch.source].count("\n") + 1
    assert TEXT.startswith(stretch.before + stretch.text + stretch.after)
    assert report.share == 45 / 80
    assert report.longest == (0,) * 20 + (45,) * 45 + (0,) * 15


def test_the_shares_fall_with_the_length_and_reach_zero_beyond_the_longest_copy(ducks: Trained) -> None:
    report = ducks.services.copies.find(ducks.model.id, TEXT[5:45] + written_by_nobody(40))
    shares = list(report.curve.values())
    assert shares == sorted(shares, reverse=True)
    assert (report.curve[16], report.curve[40], report.curve[48]) == (0.5, 0.5, 0)


def test_the_validation_split_is_the_yardstick_and_never_a_source(ducks: Trained) -> None:
    report = ducks.services.copies.find(ducks.model.id, TEXT)
    num_unseen = int(len(TEXT) * 0.1)
    assert report.num_unseen == num_unseen
    assert report.unseen_share == report.unseen_curve[report.min_length]
    assert report.stretches
    assert all(each.source + each.length <= len(TEXT) - num_unseen for each in report.stretches)


def test_the_unseen_text_determines_the_length_that_counts(services: Services) -> None:
    """Here it repeats the training text for up to 44 characters, so that shorter copies say little."""
    random = np.random.default_rng(4)
    training = "".join(random.choice(list("abcdefgh \n"), 4000))
    unseen = training[100:144] + "".join(random.choice(list("abcdefgh "), 156))
    options = OPTIONS | {"val_fraction": 200 / 4200, "max_steps": 1}
    model = services.training.wait(services.training.start(training + unseen, options=options).id)
    report = services.copies.find(model.id, training[300:400])
    assert report.min_length == 48
    assert report.unseen_curve[40] == pytest.approx(44 / 200)
    assert services.copies.find(model.id, training[300:400], min_length=20).min_length == 20


def test_unknown_characters_are_counted_and_never_copied(ducks: Trained) -> None:
    report = ducks.services.copies.find(ducks.model.id, TEXT[:30] + "Ж" + TEXT[31:70])
    assert report.num_unknown == 1
    assert report.longest[30] == 0


def test_a_file_is_decoded(ducks: Trained) -> None:
    report = ducks.services.copies.find(ducks.model.id, io.BytesIO(TEXT[:60].encode("utf-16")), min_length=20)
    assert (report.num_characters, report.share) == (60, 1)


def test_scripts_without_ascii_are_found_and_located(services: Services) -> None:
    text = "".join(
        f"第{number}章、春の海ひねもすのたりのたりかな、菜の花や月は東に日は西に。👩‍👩‍👧\n" for number in range(40)
    )
    model = services.training.wait(services.training.start(text, options=OPTIONS | {"max_steps": 1}).id)
    report = services.copies.find(model.id, "「" + text[:39] + "」", min_length=20)
    [stretch] = report.stretches
    assert (stretch.start, stretch.length, stretch.line, stretch.text) == (1, 39, 1, text[:39])


def test_the_extraction_test_compares_seen_and_unseen_prompts(services: Services) -> None:
    """The text never varies, so that even a small network continues it exactly, seen or not."""
    model = services.training.start(
        100 * "abcd",
        options=OPTIONS | {"lstm_size": 17, "max_steps": 120, "learning_rate": 0.03, "val_fraction": 0.3},
    )
    services.training.wait(model.id)
    checkpoint, result = services.copies.extract(model.id, num_prompts=3)
    assert checkpoint.model_id == model.id
    assert (result.num_prompts, result.num_unseen_prompts) == (2, 1)
    assert (result.exact, result.unseen_exact) == (2, 1)


def test_an_untrained_network_continues_nothing_exactly(ducks: Trained) -> None:
    _, result = ducks.services.copies.extract(ducks.model.id, num_prompts=4)
    assert (result.num_prompts, result.exact) == (4, 0)


def test_texts_without_a_meaningful_answer_are_rejected(ducks: Trained) -> None:
    for text in ("", "d" * 1_000_001):
        with pytest.raises(TextError, match="choose one with 1 to 1,000,000"):
            ducks.services.copies.find(ducks.model.id, text)
    with pytest.raises(ValueError, match="at least 16"):
        ducks.services.copies.find(ducks.model.id, TEXT, min_length=15)
    with pytest.raises(NotFound):
        ducks.services.copies.find("0" * 32, TEXT)


def test_an_imported_model_has_no_training_text(ducks: Trained, services: Services, tmp_path) -> None:
    imported = services.models.import_bundle(ducks.services.models.export(ducks.model.id, tmp_path / "ducks.zip"))
    with pytest.raises(StateError, match="imported model"):
        services.copies.find(imported.id, TEXT)


def test_the_length_of_a_text_is_limited(tmp_path) -> None:
    with open_services(tmp_path, environ={}, limits=Limits(max_sample_length=50)) as services:
        model = services.models.create("ducks", corpus=services.corpora.add(TEXT)[0], options=OPTIONS)
        with pytest.raises(LimitExceeded, match="51 characters"):
            services.copies.find(model.id, TEXT[:51])
        assert services.copies.find(model.id, TEXT[:50], min_length=20).share == 1


def test_the_text_of_another_user_is_not_searched(tmp_path) -> None:
    with open_services(tmp_path, environ={}) as services:
        ann, bob = services.seen_by("ann"), services.seen_by("bob")
        corpus, _ = ann.corpora.add(TEXT)
        model = ann.models.create("ducks", corpus=corpus, options=OPTIONS)
        assert ann.copies.find(model.id, TEXT[:50], min_length=20).share == 1
        with pytest.raises(NotFound):
            bob.copies.find(model.id, TEXT[:50])
