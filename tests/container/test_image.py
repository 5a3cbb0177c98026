"""What is in the image, and what is not."""

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
"""What image-overrides.txt takes out."""
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
    """What a program in the image sees."""
    program = Path(__file__).with_name("inside.py").read_text("utf-8")
    return json.loads(engine.run("python", "-", user="0", stdin=program))


@pytest.fixture(scope="session")
def inspected(engine: Engine, image: str) -> dict[str, Any]:
    """What the image says of itself."""
    return json.loads(engine.podman("image", "inspect", image))[0]


def test_the_image_takes_at_most_1400_mb(inspected: dict[str, Any]) -> None:
    assert inspected["Size"] < 1.4e9


def test_nothing_runs_as_root_and_no_file_gives_its_rights(inside: dict[str, Any], inspected: dict[str, Any]) -> None:
    assert inspected["Config"]["User"] == "10001:10001"
    assert inside["special"] == []


def test_neither_history_nor_environment_nor_a_file_holds_a_secret(
    engine: Engine, inside: dict[str, Any], inspected: dict[str, Any], image: str, tmp_path: Path
) -> None:
    words = re.compile(r"password|secret(?!s?,|=true)|token|index-url|://\S+@", re.IGNORECASE)
    steps = [step.get("created_by", "") for step in inspected["History"]]
    assert not [name for name in inside["environment"] if words.search(name)]
    assert not [step for step in steps if words.search(step.replace("create-secrets", ""))]
    engine.podman("save", "--output", str(tmp_path / "image.tar"), image)
    assert not holds(tmp_path / "image.tar", CANARY.encode())
    assert holds(tmp_path / "image.tar", b"CHARRNN_HOME"), "a text that is there is found"


def holds(path: Path, text: bytes) -> bool:
    """Return whether a large file holds some bytes."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(1 << 24):
            if text in rest + block:
                return True
            rest = block[-len(text) :]
    return False


def test_no_compiler_installer_cache_or_test_is_left(engine: Engine, image: str, inside: dict[str, Any]) -> None:
    assert inside["programs"] == []
    assert inside["tests"] == []
    assert inside["leftovers"] == []
    assert not inside["headers"]
    assert not NOT_IN_THE_IMAGE & inside["packages"].keys()


def test_everything_is_compiled_to_bytecode(inside: dict[str, Any]) -> None:
    assert inside["uncompiled"] == 0


def test_requirements_of_all_packages_are_met_but_for_the_documented_overrides(inside: dict[str, Any]) -> None:
    assert set(inside["unmet"]) == OVERRIDDEN


def test_packages_have_the_versions_that_were_tested(inside: dict[str, Any]) -> None:
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
