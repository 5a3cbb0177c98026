"""The arrows between the folders point down, TensorFlow stays behind its wall, files stay small."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = [folder for name in ("charrnn", "dashboard", "benchmarks", "tests") if (folder := ROOT / name).is_dir()]
FILES = sorted(path for folder in CODE for path in folder.rglob("*.py"))
WALLED = "model"


def modules_outside_the_wall() -> list[str]:
    """Name every module of the package except those of charrnn.model, which is TensorFlow's place."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "charrnn").rglob("*.py")]
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths if path.parts[1] != WALLED}
    # Alembic runs its scripts itself and nobody imports them.
    return sorted(name for name in names if ".migrations." not in name)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_each_promise_names_tests_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    known = {name for path in FILES for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)}
    assert named and named <= known


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["charrnn", "charrnn.cli", "charrnn.core", "charrnn.services", "charrnn.store"])
def test_importing_a_part_does_not_wait_for_tensorflow(name: str) -> None:
    result = run(f"import {name}, sys; print(*sys.modules)")
    assert result.returncode == 0, result.stderr
    assert not {"tensorflow", "keras"} & set(result.stdout.split())


def test_no_module_outside_the_wall_loads_tensorflow() -> None:
    names = modules_outside_the_wall()
    assert "charrnn.core.errors" in names
    result = run(f"import {', '.join(names)}, sys; print(*sys.modules)")
    assert result.returncode == 0, result.stderr
    assert not {"tensorflow", "keras", f"charrnn.{WALLED}"} & set(result.stdout.split())


@pytest.mark.parametrize("path", sorted((ROOT / "charrnn" / "services").glob("*.py")), ids=lambda path: path.stem)
def test_services_import_modules_of_the_model_rather_than_names(path: Path) -> None:
    class Runtime(ast.NodeTransformer):
        """Leaves out what only type checkers see."""

        def visit_If(self, node: ast.If) -> None:
            return None if ast.unparse(node.test) == "TYPE_CHECKING" else node

    for node in ast.walk(Runtime().visit(ast.parse(path.read_text(encoding="utf-8")))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"charrnn.{WALLED}"):
            folder = ROOT.joinpath(*(node.module or "").split("."))
            names = [alias.name for alias in node.names]
            assert all((folder / f"{name}.py").exists() for name in names), f"see charrnn/{WALLED}/__init__.py"


def test_tensorflow_is_there_to_be_loaded() -> None:
    assert importlib.util.find_spec("tensorflow"), "without it the two tests above prove nothing"


def test_a_file_has_at_most_400_lines() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    too_long = {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > 400}
    assert not too_long, "move one of the concepts to a file of its own"


def test_no_file_is_a_drawer_of_leftovers() -> None:
    drawers = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert not [path for path in FILES if path.name in drawers], "name the concept, or put it beside its user"
