"""Check that lock files, conda environment, make targets, hooks and workflows agree with each other."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-deploy.lock", "requirements-dev.lock", "requirements-uv.lock")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PYPROJECT["project"]["dependencies"]
EXAMPLES = PYPROJECT["project"]["optional-dependencies"]["examples"]
DEV = PYPROJECT["dependency-groups"]["dev"]
DEPLOY = PYPROJECT["dependency-groups"]["deploy"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def locked(name: str) -> dict[str, str]:
    """Return the pinned version of each package in a lock file; the first one if markers select between several."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", read(name), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in reversed(pins)}


def make_targets() -> dict[str, str]:
    """Return the description of each documented make target."""
    return dict(re.findall(r"^([a-z]+):.*## (.+)$", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_contains_no_url_and_no_path(name: str) -> None:
    text = read(name)
    assert not re.findall(r"https?:|file:|git\+| @ |(?<![A-Za-z0-9])/\S+|^--.*", text, re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_package_has_a_version_and_hashes(name: str) -> None:
    code = re.sub(r"^\s*#.*\n", "", read(name), flags=re.MULTILINE)
    entries = code.replace("\\\n", " ").splitlines()
    assert entries
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==\S+( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry)


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        ("requirements.lock", RUNTIME),
        ("requirements-deploy.lock", DEPLOY),
        ("requirements-dev.lock", [*RUNTIME, *EXAMPLES, *DEV]),
    ],
)
def test_a_lock_file_satisfies_pyproject(name: str, requirements: list[str]) -> None:
    versions = locked(name)
    for requirement in map(Requirement, requirements):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in {name}: run make lock"
        assert requirement.specifier.contains(version), f"{name} has {version}, not {requirement}: run make lock"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-deploy.lock"])
def test_users_get_the_tested_versions(name: str) -> None:
    assert locked(name).items() <= locked("requirements-dev.lock").items()


def test_the_repository_contains_no_links_and_no_environment() -> None:
    """A committed link to a virtual environment elsewhere kept `make setup` from creating one."""
    listed = subprocess.run(["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not [line for line in listed.splitlines() if line.startswith("120000") or line.endswith("\t.venv")]


def test_conda_installs_the_packages_of_pyproject() -> None:
    *conda, pip = yaml.safe_load(read("environment.yml"))["dependencies"]
    assert pip["pip"][-1] == "-e ."
    packages = {str(Requirement(line)) for line in conda + pip["pip"][:-1]}
    python = next(package for package in packages if package.startswith("python<") or package.startswith("python>"))
    wanted = {str(Requirement(line)) for line in RUNTIME + EXAMPLES}
    assert packages - {"pip", python} == wanted
    assert Requirement(python).specifier == SpecifierSet(PYPROJECT["project"]["requires-python"])


def test_all_files_name_the_same_python_versions() -> None:
    lowest, highest = re.findall(r"^(?:lowest|highest)=(\S+)$", read("scripts/find-python"), re.MULTILINE)
    assert PYPROJECT["project"]["requires-python"].startswith(f">={lowest}")
    assert read(".python-version").strip() == lowest
    assert PYPROJECT["tool"]["mypy"]["python_version"] == lowest
    job = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == [lowest, highest]


def test_make_alone_lists_every_target() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name, description in make_targets().items():
        assert re.search(rf"make {name} +{re.escape(description)}", shown)


def test_every_make_target_is_documented() -> None:
    phony = set(re.findall(r"^\.PHONY: ([a-z]+)$", read("Makefile"), re.MULTILINE))
    assert phony == set(make_targets())


def test_contributing_describes_every_make_target() -> None:
    rows = dict(re.findall(r"^\| `make ([a-z]+)` \| (.+?) \|$", read("CONTRIBUTING.md"), re.MULTILINE))
    assert rows == {name: text for name, text in make_targets().items() if name != "help"}


def test_pre_commit_hooks_run_the_checks_of_make_lint() -> None:
    recipe = read("Makefile").partition("\nlint:")[2].partition("\n\n")[0]
    commands = set(re.findall(r"^\t(?:\$\(BIN\)/)?(.+)", recipe, re.MULTILINE))
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    calls = {hook["entry"].removeprefix(".venv/bin/").replace(" --force-exclude", "") for hook in hooks}
    assert calls == commands


@pytest.mark.parametrize("path", [".ci/run", ".github/workflows/test.yml"])
def test_ci_runs_make_targets(path: str) -> None:
    code = re.sub(r"^\s*#.*$", "", read(path), flags=re.MULTILINE)
    called = set(re.findall(r"\bmake ([a-z]+)", code))
    assert {"lint", "test"} <= called <= set(make_targets())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_to_a_commit_and_name_their_version(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text("utf-8"))
    assert used
    for action in used:
        assert action.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_grant_permissions_per_job_only(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert "uses" in job or job["timeout-minutes"]
