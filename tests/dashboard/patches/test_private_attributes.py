"""Only `dashboard/patches` uses private attributes of Panel, Bokeh, Tornado, param and pyviz_comms."""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
LIBRARIES = ("panel", "panel_material_ui", "bokeh", "tornado", "param", "pyviz_comms")
DOCUMENTED = {"_esm", "_stylesheets", "_handle_msg", "_send_msg", "_repr_html_", "_repr_mimebundle_", "_exit"}
"""Attributes that Panel documents for custom components, IPython's display methods, and `os._exit`."""
FILES = [path for path in sorted((ROOT / "dashboard").rglob("*.py")) if path.parent.name != "patches"]


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def own_names(tree: ast.Module) -> Iterator[str]:
    """Return the private names that a file defines: functions, classes, variables, attributes of `self` and `cls`."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name


def used_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return the private names that a file takes from elsewhere, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.ImportFrom(module=str(module), names=names) if module.startswith(LIBRARIES):
                yield from ((node.lineno, part) for part in module.split("."))
                yield from ((node.lineno, alias.name) for alias in names)


OWN = {name for path in FILES for name in own_names(ast.parse(path.read_text("utf-8"))) if is_private(name)}


def test_no_file_uses_a_private_attribute_of_a_library() -> None:
    found = [
        f"{path}:{line}: {name}"
        for path in FILES
        for line, name in used_names(ast.parse(path.read_text("utf-8")))
        if is_private(name) and name not in OWN | DOCUMENTED
    ]
    assert not found


def own_classes(path: Path) -> Iterator[type]:
    """Return the classes that a file defines."""
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    for found in vars(module).values():
        if inspect.isclass(found) and found.__module__ == module.__name__:
            yield found


def test_no_class_overrides_a_private_attribute_of_a_library() -> None:
    found = []
    for path in FILES:
        if path.name == "app.py":  # `panel serve` runs it as a script
            continue
        for own in own_classes(path):
            inherited = {name for base in own.__mro__ if base.__module__.startswith(LIBRARIES) for name in vars(base)}
            written = set(own_names(ast.parse(textwrap.dedent(inspect.getsource(own)))))
            overridden = {name for name in written if is_private(name)} & inherited - DOCUMENTED
            found += [f"{path}: {own.__name__}.{name}" for name in sorted(overridden)]
    assert not found


def test_charrnn_imports_none_of_these_libraries() -> None:
    imported: set[str] = set()
    for path in (ROOT / "charrnn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import(names=names):
                    imported |= {alias.name for alias in names}
                case ast.ImportFrom(module=str(module)):
                    imported.add(module)
    assert not {name for name in imported if name.partition(".")[0] in LIBRARIES}
