"""Run the numeric tests again in processes limited to AVX2, as on a CPU from 2013.

XLA and oneDNN obey environment variables, and with oneDNN limited the program finds no bfloat16 support. Other
architectures have no such limits; there, the tests simply run a second time.
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
    ("training/test_train_step", "training/test_optimizer", "network/test_residual", "compute/test_precision"),
    ("network/test_recurrence", "network/test_recurrent_layers", "network/test_network", "network/test_convolution"),
    ("generation/test_generator", "generation/test_sampling", "training/test_evaluation", "network/test_loss"),
    ("compute/test_xla_kernels", "compute/test_stateless_random"),
]
"""Test files of this folder; those of a group share a process, because each process has to import TensorFlow."""


def run_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the limits, in one process and without options from the environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", "-rfE", "--tb=short", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ | LESSER, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("files", GROUPS, ids=" ".join)
def test_numeric_tests_pass_with_avx2_only(files: tuple[str, ...]) -> None:
    done = run_pytest(*(f"tests/model/{file}.py" for file in files))
    failed = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
    assert done.returncode == 0, "\n".join([*failed, done.stdout, done.stderr])


def test_restricted_processes_have_no_bfloat16(tmp_path: Path) -> None:
    (tmp_path / "test_limit.py").write_text(
        "from charrnn.core.cpu_info import bfloat16_flag\n"
        "def test_flag(): assert bfloat16_flag() is None\n"
        "def test_fails_by_name(): assert not 'this'\n"
    )
    done = run_pytest(str(tmp_path))
    assert "1 failed, 1 passed" in done.stdout
    assert re.search(r"^FAILED .*::test_fails_by_name", done.stdout, re.MULTILINE)
