"""What whoever runs a server allows."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from charrnn.core.errors import LimitExceeded, StudioError
from charrnn.core.network_cost import num_parameters
from charrnn.core.options import checked, preset, presets
from charrnn.core.quotas import Limits, descriptions, flag, variable
from charrnn.core.records import ModelState
from charrnn.core.system_resources import memory_bytes
from charrnn.services import Services, open_services
from charrnn.services.quota_check import log_lines
from charrnn.store.run_history import ROW_BYTES
from tests.support.small_training import OPTIONS, TEXT, Trained


def allowed(home: Path, **limits: int) -> Services:
    """Open a data folder under limits."""
    return open_services(home, environ={variable(name): str(value) for name, value in limits.items()})


def test_flags_come_before_the_environment_and_it_before_the_default() -> None:
    environ = {"CHARRNN_MAX_DISK_MB": "7", "CHARRNN_MAX_TRAININGS": "2"}
    limits = Limits.read(environ, {"max_disk_mb": 9, "max_trainings": None})
    assert (limits.max_disk_mb, limits.max_trainings, limits.max_upload_mb) == (9, 2, 50)


def test_a_server_has_limits_where_a_notebook_or_a_command_has_none() -> None:
    everywhere, server = Limits.read({}), Limits.read({}, server=True)
    assert everywhere == Limits(max_upload_mb=50)
    assert all(getattr(server, name) for name in descriptions() if name != "max_disk_mb")
    assert server.max_memory_mb < memory_bytes() / 1e6
    assert server.max_trainings >= 2
    assert Limits.read({variable(name): "0" for name in descriptions()}, server=True) == Limits(max_upload_mb=0)


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_within_the_limits_of_a_server(name: str) -> None:
    options = checked("training", {}, base=preset(name))
    limits = Limits.read({}, server=True)
    limits.check("max_log_lines", log_lines(options, 1_115_394), "Shakespeare")
    limits.check("max_parameters", num_parameters(options, 66), "Shakespeare")
    assert (
        log_lines(options | {"max_steps": 10**9, "max_epochs": 0, "max_minutes": 0, "log_every_n": 1}, 1_115_394)
        > 10**9
    )


@pytest.mark.parametrize("value", ["-1", "many", "1.5", "nan"])
@pytest.mark.parametrize("name", descriptions())
def test_a_limit_that_is_no_number_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(StudioError, match=f"{variable(name)} is '{value}'"):
        Limits.read({variable(name): value})


@pytest.mark.parametrize(
    ("limits", "says"),
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
def test_a_training_that_is_too_large_is_refused_before_anything_is_made(
    tmp_path: Path, limits: dict[str, int], says: str
) -> None:
    [name] = limits
    with allowed(tmp_path, **limits) as services, pytest.raises(LimitExceeded, match=says) as error:
        services.training.start(TEXT, options={**OPTIONS, "lstm_size": 200, "num_seqs": 8, "num_steps": 20})
    assert flag(name) in str(error.value) and variable(name) in str(error.value)
    with open_services(tmp_path, environ={}) as services:
        assert services.models.all() == []


def test_a_text_for_which_there_is_no_room_is_not_kept(tmp_path: Path) -> None:
    with allowed(tmp_path, max_disk_mb=1) as services:
        services.corpora.add("over the hill\n" * 50_000)
        with pytest.raises(LimitExceeded, match="With this text, your texts and models take 1.5 MB"):
            services.corpora.add("far away\n" * 90_000)
        assert len(services.corpora.all()) == len(list(services.settings.corpora.iterdir())) == 1
        services.corpora.add("over the hill\n" * 50_000)  # what is there already takes no more room


def test_each_user_has_room_of_their_own(tmp_path: Path) -> None:
    with allowed(tmp_path, max_disk_mb=1) as services:
        for user in ("ada", "bob"):
            services.seen_by(user).corpora.add(f"{user} went out to play\n" * 40_000)
        with pytest.raises(LimitExceeded):
            services.seen_by("bob").corpora.add("over the hill\n" * 30_000)


def test_all_that_is_kept_counts_for_the_room_of_its_owner(trained: Trained) -> None:
    services, allowance = trained.services, trained.services._allowance
    folders = (services.settings.corpora, services.settings.checkpoints)
    files = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
    lines, metrics = services.models.lines(trained.model.id), services.models.metrics(trained.model.id)
    samples = services.models.samples(trained.model.id)
    texts = sum(len(line.text) for line in lines) + sum(len(sample.text) for sample in samples)
    rows = len(lines) + len(metrics) + len(samples)
    assert samples and allowance.used_bytes() == files + texts + rows * ROW_BYTES
    assert replace(allowance, owner="ada").used_bytes() == 0


def test_a_written_text_for_which_there_is_no_room_is_shown_and_not_kept(tmp_path: Path) -> None:
    with allowed(tmp_path, max_disk_mb=1) as services:
        model = services.training.start("over the hill\n" * 50_000, options={**OPTIONS, "max_steps": 1})
        services.training.wait(model.id)
        before = services.models.samples(model.id)
        [written] = services.writing.write(model.id, {"max_length": 9}, keep=False)
        with pytest.raises(LimitExceeded, match="With this sample, your texts and models take 1.4 MB"):
            services.writing.write(model.id, {"max_length": 9})
        assert len(written.text) == 9
        assert services.models.samples(model.id) == before


def test_more_trainings_than_allowed_wait_for_nobody(tmp_path: Path) -> None:
    with allowed(tmp_path, max_trainings=1) as services:
        going = threading.Event()
        first = services.training.start(
            TEXT, options={**OPTIONS, "max_steps": 10**6}, listeners=[lambda e: going.set()]
        )
        with pytest.raises(
            LimitExceeded, match="With this one, 2 trainings would run at the same time, .* allows at most 1"
        ):
            services.training.start(TEXT, options=OPTIONS)
        assert going.wait(60)
        services.training.stop(first.id)
        assert services.training.wait(first.id).state == ModelState.STOPPED
        second = services.training.start(TEXT, options=OPTIONS)
        assert services.training.wait(second.id).state == ModelState.COMPLETED


def test_a_text_that_is_too_long_to_write_is_refused(trained: Trained) -> None:
    services = trained.services
    limited = services.writing.seen_by(
        services.models, replace(services._allowance, limits=Limits(max_sample_length=100))
    )
    assert limited.write(trained.model.id, {"max_length": 50, "num_samples": 2}, keep=False)
    with pytest.raises(
        LimitExceeded, match="102 characters at once, but this server allows at most 100.*--max-sample-length"
    ):
        limited.stream(trained.model.id, {"max_length": 51, "num_samples": 2})
