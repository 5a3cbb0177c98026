"""Print the contents of the image as JSON; runs in the image as root."""

import importlib.metadata as metadata
import json
import os
import re
import subprocess
from pathlib import Path

from packaging.requirements import Requirement  # installed for TensorFlow

SITE = Path("/opt/charrnn/lib/python3.13/site-packages")
PROGRAMS = ("gcc", "cc", "clang", "ld", "make", "pip", "pip3", "uv", "jupyter", "pytest", "git", "curl", "wget")

LEFTOVERS = ("/root/.cache", "/var/lib/apt/lists", "/var/cache/apt", "/build", "/opt/uv")


def unmet() -> list[str]:
    """Return the requirements that no installed package satisfies, like `pip check`."""
    installed = {normal(each.name): each.version for each in metadata.distributions()}
    found = []
    for distribution in metadata.distributions():
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            version = installed.get(normal(requirement.name))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                found.append(f"{normal(distribution.name)}: {normal(requirement.name)}")
    return sorted(found)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def unresolved() -> list[str]:
    """Return shared libraries of TensorFlow with a missing dependency."""
    libraries = sorted(path for path in (SITE / "tensorflow").rglob("*.so*"))
    output = subprocess.run(["ldd", *libraries], capture_output=True, text=True).stdout
    return [line.strip() for line in output.splitlines() if "not found" in line]


def setuid_files() -> list[str]:
    """Return setuid and setgid files."""
    command = ["find", "/", "-xdev", "-type", "f", "-perm", "/6000"]
    return subprocess.run(command, capture_output=True, text=True).stdout.split()


def uncompiled() -> int:
    """Return the number of modules without bytecode."""
    modules = [path for name in ("charrnn", "dashboard", "keras") for path in (SITE / name).rglob("*.py")]
    return sum(not (each.parent / "__pycache__" / f"{each.stem}.cpython-313.pyc").exists() for each in modules)


found = {
    "environment": dict(os.environ),
    "packages": {normal(each.name): each.version for each in metadata.distributions()},
    "unmet": unmet(),
    "unresolved": unresolved(),
    "setuid_files": setuid_files(),
    "uncompiled": uncompiled(),
    "programs": [name for name in PROGRAMS if any(Path(at, name).exists() for at in os.get_exec_path())],
    "tests": [str(path) for path in SITE.rglob("tests") if path.is_dir()],
    "headers": (SITE / "tensorflow/include").exists(),
    "leftovers": [each for each in LEFTOVERS if Path(each).exists() and any(os.scandir(each))],
}
print(json.dumps(found))
