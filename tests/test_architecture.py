"""Check the import contracts, that only charrnn.model imports TensorFlow, and the sizes and names of files."""

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
TENSORFLOW_FOLDER = "model"


def modules_without_tensorflow() -> list[str]:
    """Return the name of each module of the package, except those of charrnn.model."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "charrnn").rglob("*.py")]
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths if path.parts[1] != TENSORFLOW_FOLDER}
    # Only Alembic runs these scripts; they cannot be imported.
    return sorted(name for name in names if ".migrations." not in name)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "docs/security.md"])
def test_each_promise_names_tests_that_exist(name: str) -> None:
    rows = [row for row in (ROOT / name).read_text("utf-8").splitlines() if "`test_" in row or "tests/" in row]
    text = "\n".join(rows)
    named = set(re.findall(r"`(test_\w+)`", text))
    known = {name for path in FILES for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)}
    assert len(rows) > 10
    assert named <= known


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["charrnn", "charrnn.cli", "charrnn.core", "charrnn.services", "charrnn.store"])
def test_importing_a_package_does_not_import_tensorflow(name: str) -> None:
    result = run(f"import {name}, sys; print(*sys.modules)")
    assert result.returncode == 0, result.stderr
    assert not {"tensorflow", "keras"} & set(result.stdout.split())


def test_no_other_module_imports_tensorflow() -> None:
    names = modules_without_tensorflow()
    assert "charrnn.core.errors" in names
    result = run(f"import {', '.join(names)}, sys; print(*sys.modules)")
    assert result.returncode == 0, result.stderr
    assert not {"tensorflow", "keras", f"charrnn.{TENSORFLOW_FOLDER}"} & set(result.stdout.split())


@pytest.mark.parametrize("path", sorted((ROOT / "charrnn" / "services").glob("*.py")), ids=lambda path: path.stem)
def test_services_import_folders_from_the_model_package(path: Path) -> None:
    class Runtime(ast.NodeTransformer):
        """Remove imports that only type checkers see."""

        def visit_If(self, node: ast.If) -> None:
            return None if ast.unparse(node.test) == "TYPE_CHECKING" else node

    nodes = ast.walk(Runtime().visit(ast.parse(path.read_text(encoding="utf-8"))))
    imports = [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [line for line in imports if f"charrnn.{TENSORFLOW_FOLDER}." in line], (
        f"see charrnn/{TENSORFLOW_FOLDER}/__init__.py"
    )


def test_tensorflow_is_installed() -> None:
    assert importlib.util.find_spec("tensorflow"), "without it, the tests above prove nothing"


def test_a_file_has_at_most_400_lines() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    too_long = {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > 400}
    assert not too_long, "move one of the concepts to a file of its own"


def test_a_function_has_at_most_50_lines() -> None:
    too_long = {
        f"{path.relative_to(ROOT)}: {node.name}": lines
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > 50
    }
    assert not too_long, "give a part of it a name of its own"


def test_no_file_is_named_utils() -> None:
    names = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert not [path for path in FILES if path.name in names], (
        "name the file after its concept, or move the code to its caller"
    )
