"""The numeric tests once more in processes that use no instructions beyond AVX2, as on a CPU from 2013.

XLA and oneDNN obey the variables, and with oneDNN limited the program finds no bfloat16 unit. Other architectures have
no such limits; there the tests run a second time.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LESSER = {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
GROUPS = [
    ("engine", "optimizer", "residual", "precision"),
    ("recurrence", "layers", "network", "convolution"),
    ("writer", "evaluation", "choice", "loss", "pieces"),
]
"""Files of this folder by subject; those of a group share a process, since each has to import TensorFlow."""


def run_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on the lesser CPU, in one process and with its own options only."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", "-rfE", "--tb=short", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ | LESSER, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("subjects", GROUPS, ids=" ".join)
def test_numeric_tests_pass_on_a_lesser_cpu(subjects: tuple[str, ...]) -> None:
    done = run_pytest(*(f"tests/model/test_{subject}.py" for subject in subjects))
    failed = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
    assert done.returncode == 0, "\n".join([*failed, done.stdout, done.stderr])


def test_the_processes_really_are_restricted(tmp_path: Path) -> None:
    (tmp_path / "test_limit.py").write_text(
        "from charrnn.core.cpu_features import bfloat16_unit\n"
        "def test_unit(): assert bfloat16_unit() is None\n"
        "def test_fails_by_name(): assert not 'this'\n"
    )
    done = run_pytest(str(tmp_path))
    assert "1 failed, 1 passed" in done.stdout
    assert re.search(r"^FAILED .*::test_fails_by_name", done.stdout, re.MULTILINE)
