"""Test that the wheel works without the checkout: program, tables, assets and migrations."""

import os
import re
import signal
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
from pathlib import Path

import pytest

import charrnn
from tests.support.small_training import OPTIONS, TEXT

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    result = subprocess.run(command, cwd=cwd, env=inherited | environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}:\n{result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the output of `make dist`."""
    folder = tmp_path_factory.mktemp("dist")
    build = (UV, "build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder)
    run(*build, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel and the locked packages."""
    folder = tmp_path_factory.mktemp("installed")
    run(UV, "venv", "--quiet", "--python", sys.executable, "env", cwd=folder)
    environment = {"VIRTUAL_ENV": str(folder / "env"), "UV_LINK_MODE": "hardlink"}
    sync = (UV, "pip", "sync", "--quiet", "--require-hashes", ROOT / "requirements.lock")
    run(*sync, cwd=folder, **environment)
    run(UV, "pip", "install", "--quiet", "--offline", "--no-deps", *dist.glob("*.whl"), cwd=folder, **environment)
    return folder / "env" / "bin"


def test_wheel_and_sdist_have_the_version_of_the_program(dist: Path) -> None:
    assert charrnn.__version__ == VERSION
    assert {path.name for path in dist.iterdir() if path.name != ".gitignore"} == {
        f"charrnn_studio-{VERSION}-py3-none-any.whl",
        f"charrnn_studio-{VERSION}.tar.gz",
    }


def test_the_sdist_contains_everything_the_wheel_is_built_from(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    tracked = run("git", "ls-files", "charrnn", "dashboard", cwd=ROOT).split()
    assert {*tracked, "pyproject.toml", "README.md", "LICENSE"} <= names


@pytest.mark.slow
def test_the_installed_program_trains_and_generates(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "ducks.txt").write_text(TEXT, "utf-8")
    flags = [f"--{name}={value}" for name, value in OPTIONS.items()]
    home = {"CHARRNN_HOME": str(tmp_path / "home")}
    run(installed / "charrnn", "train", "--input_file", "ducks.txt", "--name", "ducks", *flags, cwd=tmp_path, **home)
    text = run(installed / "charrnn", "sample", "--name", "ducks", "--max_length", "23", cwd=tmp_path, **home)
    assert len(text.strip("\n")) > 0


@pytest.mark.slow
def test_the_installed_dashboard_serves_and_creates_its_tables(installed: Path, tmp_path: Path) -> None:
    command = [installed / "python", "-m", "dashboard", "--port", "0", "--home", "home"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            url = next(found[0] for line in server.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
            with urllib.request.urlopen(url) as page:
                assert "Char-RNN Studio" in page.read().decode()
        finally:
            server.send_signal(signal.SIGTERM)
    assert (tmp_path / "home").is_dir()


@pytest.mark.slow
def test_notebooks_import_the_dashboard(installed: Path, tmp_path: Path) -> None:
    path = run(
        installed / "python", "-c", "import dashboard; dashboard.Dashboard; print(dashboard.__file__)", cwd=tmp_path
    )
    assert str(installed.parent) in path
