"""Test the contents of the image."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.container.conftest import CANARY
from tests.container.engine import ROOT, Engine
from tests.test_project_files import locked

OVERRIDDEN = {"charrnn-studio: tensorflow", "tensorflow-cpu: libclang"}
"""Requirements that image-overrides.txt removes."""
NOT_IN_THE_IMAGE = {
    "pytest",
    "hypothesis",
    "jupyterlab",
    "notebook",
    "ipykernel",
    "playwright",
    "mypy",
    "ruff",
    "uv",
    "pip",
}


@pytest.fixture(scope="session")
def inside(engine: Engine, image: str) -> dict[str, Any]:
    """The contents of the image, read by a program that runs in it."""
    program = Path(__file__).with_name("inside.py").read_text("utf-8")
    return json.loads(engine.run("python", "-", user="0", stdin=program))


@pytest.fixture(scope="session")
def inspected(engine: Engine, image: str) -> dict[str, Any]:
    """The metadata of the image."""
    return json.loads(engine.podman("image", "inspect", image))[0]


def test_the_image_has_at_most_1400_mb(inspected: dict[str, Any]) -> None:
    assert inspected["Size"] < 1.4e9


def test_nothing_runs_as_root_and_no_file_is_setuid(inside: dict[str, Any], inspected: dict[str, Any]) -> None:
    assert inspected["Config"]["User"] == "10001:10001"
    assert inside["setuid_files"] == []


def test_no_secret_is_in_history_environment_or_files(
    engine: Engine, inside: dict[str, Any], inspected: dict[str, Any], image: str, tmp_path: Path
) -> None:
    words = re.compile(r"password|secret(?!s?,|=true)|token|index-url|://\S+@", re.IGNORECASE)
    steps = [step.get("created_by", "") for step in inspected["History"]]
    assert not [name for name in inside["environment"] if words.search(name)]
    assert not [step for step in steps if words.search(step.replace("create-secrets", ""))]
    saved = tmp_path / "image.tar"
    engine.podman("save", "--output", str(saved), image)
    assert contained(saved, CANARY.encode(), b"CHARRNN_HOME") == {b"CHARRNN_HOME"}, (
        "the search must find a string that the image contains"
    )
    saved.unlink()  # pytest keeps the folders of its last runs


def contained(path: Path, *texts: bytes) -> set[bytes]:
    """Return which of the byte strings a large file contains."""
    rest, found = b"", set()
    with path.open("rb") as file:
        while block := file.read(1 << 24):
            block = rest + block
            found |= {text for text in texts if text in block}
            rest = block[-max(map(len, texts)) :]
    return found


def test_the_image_contains_no_compiler_installer_cache_or_test(
    engine: Engine, image: str, inside: dict[str, Any]
) -> None:
    assert inside["programs"] == []
    assert inside["tests"] == []
    assert inside["leftovers"] == []
    assert not inside["headers"]
    assert not NOT_IN_THE_IMAGE & inside["packages"].keys()


def test_every_module_is_compiled_to_bytecode(inside: dict[str, Any]) -> None:
    assert inside["uncompiled"] == 0


def test_all_requirements_are_met_except_the_documented_overrides(inside: dict[str, Any]) -> None:
    assert set(inside["unmet"]) == OVERRIDDEN


def test_packages_have_the_tested_versions(inside: dict[str, Any]) -> None:
    tested = locked("requirements-dev.lock")
    versions = inside["packages"] | {"tensorflow": inside["packages"]["tensorflow-cpu"]}
    unlike = {name: version for name, version in versions.items() if tested.get(name) != version}
    assert unlike.keys() == {"charrnn-studio", "tensorflow-cpu"}


def test_the_shared_libraries_of_tensorflow_are_found(inside: dict[str, Any]) -> None:
    assert inside["unresolved"] == []


def test_a_bill_of_materials_lists_the_packages(engine: Engine, image: str, inside: dict[str, Any]) -> None:
    environment = engine.environment | {"IMAGE_ENGINE": "podman"}
    command = [sys.executable, ROOT / "scripts/sbom", image]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(result.stdout) is None
    listed = {component["purl"] for component in json.loads(result.stdout)["components"]}
    assert {f"pkg:pypi/{name}@{version}" for name, version in inside["packages"].items()} <= {
        re.sub(r"(?<=pypi/)[^@]+", lambda name: re.sub(r"[-_.]+", "-", name[0]), purl) for purl in listed
    }
    assert [purl for purl in listed if purl.startswith("pkg:deb/debian/python3.13@")]


def test_labels_health_check_and_signals_are_declared(inspected: dict[str, Any]) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    labels = inspected["Labels"]
    assert version and labels["org.opencontainers.image.version"] == version[1]
    assert labels["org.opencontainers.image.title"] == "Char-RNN Studio"
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert inspected["Healthcheck"]["Test"] == ["CMD", "healthcheck"]
    assert inspected["Config"]["StopSignal"] == "SIGTERM"
    assert list(inspected["Config"]["Volumes"]) == ["/data"]


def test_other_commands_run_and_a_network_is_trained(engine: Engine, image: str) -> None:
    assert engine.run("charrnn", "--version").startswith("charrnn ")
    options = ["--cell=lstm", "--num_seqs=3", "--num_steps=7", "--lstm_size=5", "--num_layers=1", "--max_steps=4"]
    assert "loss" in engine.run("charrnn", "train", "--example", "shakespeare", "--name", "plays", *options)
