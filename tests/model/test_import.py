"""Tests of importing TensorFlow: on a thread, as in the dashboard, and without output on the terminal."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.tiny_networks import tiny

OPTIONS = "num_seqs", "num_steps", "lstm_size", "max_steps", "precision", "optimizer"
LESSER_CPU = {"ONEDNN_MAX_CPU_ISA": "AVX2", "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}

WRITES_WHILE_IMPORTING = """
import faulthandler, os, sys, threading

def load():
    from charrnn.model import training

before, seen = os.fstat(2), set()
importing = threading.Thread(target=load)
importing.start()
number = 0
while importing.is_alive() or number < 100:
    number += 1
    print(f"line {number}", file=sys.stderr, flush=True)
    seen.add((os.fstat(2).st_dev, os.fstat(2).st_ino))
    importing.join(0.001)
assert seen == {(before.st_dev, before.st_ino)}, "file descriptor 2 was redirected meanwhile"
assert "tensorflow" in sys.modules
print(number)
"""

IMPORTED_BY_THREADS = """
import sys, threading, time

def import_first():
    from charrnn.model import generation

def import_second():
    from charrnn.model import training
    assert training.training_loop.train and training.checkpoint.load

errors = []
threading.excepthook = lambda args: errors.append(args.exc_value)
first = threading.Thread(target=import_first)
first.start()
while "tensorflow" not in sys.modules:
    time.sleep(0.001)
others = [threading.Thread(target=import_second) for _ in range(2)]
for thread in others:
    thread.start()
for thread in [first, *others]:
    thread.join()
assert not errors, errors
"""


def run(*command, **environ):
    """Run Python with stdout and stderr in pipes and TensorFlow's log level unset."""
    environ = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"} | environ
    return subprocess.run([sys.executable, *command], env=environ, capture_output=True, text=True)


def test_threads_can_import_at_the_same_time():
    done = run("-c", IMPORTED_BY_THREADS)
    assert done.returncode == 0, done.stderr


def test_lines_printed_by_other_threads_during_the_import_are_kept():
    done = run("-c", WRITES_WHILE_IMPORTING)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [f"line {number + 1}" for number in range(int(done.stdout))]


@pytest.mark.parametrize("cpu", [{}, LESSER_CPU], ids=["this CPU", "AVX2 only"])
def test_training_prints_no_library_messages(cpu, tmp_path):
    (tmp_path / "ducks.txt").write_text("Nine little ducks went out to play, over the hill and far away.\n" * 9)
    options = tiny(precision="mixed_bfloat16", optimizer="muon", num_steps=7, max_steps=3)
    train = ["train", "--input_file", str(tmp_path / "ducks.txt"), *(f"--{name}={options[name]}" for name in OPTIONS)]
    done = run("-m", "charrnn", *train, CHARRNN_HOME=str(tmp_path / "home"), **cpu)
    assert done.returncode == 0, done.stderr
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["text:", "Completed"]
    assert "step: 3/3" in done.stdout


PRINTS_IN_C = """
import ctypes, os
from charrnn.model.compute.native_log_filter import NAMES, suppress_startup_logs
library = ctypes.CDLL(None)
variable = next(name for name in NAMES if hasattr(library, name))

def fputs(line):
    library.fputs(line, ctypes.c_void_p.in_dll(library, variable))

with suppress_startup_logs():
    fputs(b"I0000 00:00:1 port.cc:153] good to know\\n")
    fputs(b"E0000 00:00:1 port.cc:154] a real error\\n")
    os.write(2, b"from Python\\n")
fputs(b"I0000 00:00:1 port.cc:155] later\\n")
"""


def test_library_errors_are_printed_after_loading():
    code = "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n" + PRINTS_IN_C
    printed = run("-c", code).stderr.splitlines()
    assert [line.rpartition(" ")[2] for line in printed[-3:]] == ["Python", "error", "later"]


def test_log_level_of_the_user_is_respected():
    code = "import charrnn.model, os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    everything, default = run("-c", code, TF_CPP_MIN_LOG_LEVEL="0"), run("-c", code)
    assert (everything.stdout, default.stdout, default.stderr) == ("0\n", "3\n", "")
    # Which informational lines TensorFlow prints depends on the CPU and on drivers.
    assert re.search(r"^I0000 .*\.cc:\d+\]", everything.stderr, re.MULTILINE)
