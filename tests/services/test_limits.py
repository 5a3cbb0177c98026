"""Test the limits of a server."""

from dataclasses import replace
from pathlib import Path

import pytest

from charrnn.core.errors import LimitExceeded, StudioError
from charrnn.core.limits import Limits, descriptions, flag, variable
from charrnn.core.network_cost import num_parameters
from charrnn.core.options import checked, presets
from charrnn.core.system_resources import memory_bytes, num_processors
from charrnn.services import Services, open_services
from charrnn.services.limit_check import estimate_log_lines
from charrnn.services.training_options import training_options
from charrnn.store.run_history import ROW_BYTES
from tests.support.small_training import OPTIONS, TEXT, Trained


def open_limited(home: Path, **limits: int) -> Services:
    """Open a data folder with limits."""
    return open_services(home, environ={variable(name): str(value) for name, value in limits.items()})


def test_flags_override_the_environment_and_the_environment_overrides_the_defaults() -> None:
    environ = {"CHARRNN_MAX_DISK_MB": "7", "CHARRNN_MAX_TRAININGS": "2"}
    limits = Limits.read(environ, {"max_disk_mb": 9, "max_trainings": None})
    assert (limits.max_disk_mb, limits.max_trainings, limits.max_upload_mb) == (9, 2, 50)


def test_servers_have_limits_by_default_and_notebooks_and_commands_limit_only_trainings() -> None:
    default, server = Limits.read({}), Limits.read({}, server=True)
    assert default == Limits(max_upload_mb=50, max_trainings=max(2, num_processors()))
    unlimited = {"max_disk_mb", "max_trainings_per_user"}
    assert {name for name in descriptions() if not getattr(server, name)} == unlimited
    assert server.max_memory_mb < memory_bytes() / 1e6
    assert server.max_trainings == default.max_trainings
    nothing = Limits(max_upload_mb=0, max_trainings=0)
    assert Limits.read({variable(name): "0" for name in descriptions()}, server=True) == nothing


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_within_the_default_limits_of_a_server(name: str) -> None:
    options = training_options({}, num_characters=1_115_394, num_distinct=65, preset_name=name)
    limits = Limits.read({}, server=True)
    limits.check("max_log_lines", estimate_log_lines(options, 1_115_394), "Shakespeare")
    limits.check("max_parameters", num_parameters(options, 66), "Shakespeare")
    assert (
        estimate_log_lines(
            options | {"max_steps": 10**9, "max_epochs": 0, "max_minutes": 0, "log_every_n": 1}, 1_115_394
        )
        > 10**9
    )


def test_log_lines_of_a_time_budget_are_estimated() -> None:
    options = checked("training", {"max_steps": 1, "max_minutes": 60, "log_every_n": 1})
    assert estimate_log_lines(options | {"fit_steps": True}, 1_115_394) > 10**6 > estimate_log_lines(options, 1_115_394)


@pytest.mark.parametrize("value", ["-1", "many", "1.5", "nan"])
@pytest.mark.parametrize("name", descriptions())
def test_an_invalid_limit_is_rejected_by_name(name: str, value: str) -> None:
    with pytest.raises(StudioError, match=f"{variable(name)} is '{value}'"):
        Limits.read({variable(name): value})


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_parameters": 300}, r"This network has [\d,]+ weights, but this server allows at most 300"),
        ({"max_memory_mb": 1}, r"This training needs about \d+ MB of memory, but this server allows at most 1"),
        (
            {"max_log_lines": 3},
            r"This training would log about \d+ lines \(see log_every_n\), but this server allows at most 3",
        ),
        ({"max_disk_mb": 1}, r"With this training, your texts and models take \d+.\d MB .* allows at most 1"),
    ],
)
def test_a_training_that_exceeds_a_limit_is_rejected_before_anything_is_created(
    tmp_path: Path, limits: dict[str, int], message: str
) -> None:
    [name] = limits
    with open_limited(tmp_path, **limits) as services, pytest.raises(LimitExceeded, match=message) as error:
        services.training.start(TEXT, options={**OPTIONS, "lstm_size": 200, "num_seqs": 8, "num_steps": 20})
    assert flag(name) in str(error.value) and variable(name) in str(error.value)
    with open_services(tmp_path, environ={}) as services:
        assert services.models.all() == []


def test_a_text_over_the_disk_quota_is_not_stored(tmp_path: Path) -> None:
    with open_limited(tmp_path, max_disk_mb=1) as services:
        services.corpora.add("over the hill\n" * 50_000)
        with pytest.raises(LimitExceeded, match="With this text, your texts and models take 1.5 MB"):
            services.corpora.add("far away\n" * 90_000)
        assert len(services.corpora.all()) == len(list(services.settings.corpora.iterdir())) == 1
        services.corpora.add("over the hill\n" * 50_000)  # the same text needs no more space


def test_each_user_has_a_separate_disk_quota(tmp_path: Path) -> None:
    with open_limited(tmp_path, max_disk_mb=1) as services:
        for user in ("ada", "bob"):
            services.seen_by(user).corpora.add(f"{user} went out to play\n" * 40_000)
        with pytest.raises(LimitExceeded):
            services.seen_by("bob").corpora.add("over the hill\n" * 30_000)


def test_texts_checkpoints_and_samples_count_towards_the_disk_quota_of_their_owner(trained: Trained) -> None:
    services, limit_check = trained.services, trained.services._limit_check
    folders = (services.settings.corpora, services.settings.checkpoints)
    files = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
    lines, metrics = services.models.lines(trained.model.id), services.models.metrics(trained.model.id)
    samples = services.models.samples(trained.model.id)
    texts = sum(len(line.text) for line in lines) + sum(len(sample.text) for sample in samples)
    rows = len(lines) + len(metrics) + len(samples)
    assert samples and limit_check.used_bytes() == files + texts + rows * ROW_BYTES
    assert replace(limit_check, owner="ada").used_bytes() == 0


def test_a_generated_text_over_the_disk_quota_is_shown_but_not_stored(tmp_path: Path) -> None:
    with open_limited(tmp_path, max_disk_mb=1) as services:
        model = services.training.start("over the hill\n" * 50_000, options={**OPTIONS, "max_steps": 1})
        services.training.wait(model.id)
        before = services.models.samples(model.id)
        [written] = services.writing.write(model.id, {"max_length": 9}, keep=False)
        with pytest.raises(LimitExceeded, match="With this sample, your texts and models take 1.4 MB"):
            services.writing.write(model.id, {"max_length": 9})
        assert len(written.text) == 9
        assert services.models.samples(model.id) == before


def test_generating_a_text_above_the_length_limit_is_rejected(trained: Trained) -> None:
    services = trained.services
    limited = services.writing.seen_by(
        services.models, replace(services._limit_check, limits=Limits(max_sample_length=100))
    )
    assert limited.write(trained.model.id, {"max_length": 50, "num_samples": 2}, keep=False)
    with pytest.raises(LimitExceeded, match="102 characters, but this server allows at most 100.*--max-sample-length"):
        limited.stream(trained.model.id, {"max_length": 51, "num_samples": 2})
