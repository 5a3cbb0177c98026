"""Test the lines that training processes write for `make torture`."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITE = """
import os, sys, threading
from tests.torture.child_process import write_line
sys.setswitchinterval(1e-6)
started = threading.Event()
def write():
    started.set()
    while True:
        write_line("ended", os.getpid(), "completed")
threading.Thread(target=write, daemon=True).start()
started.wait()
write_line("exited", os.getpid())
os._exit(0)
"""


def test_lines_of_concurrent_threads_are_complete_when_the_process_exits() -> None:
    for _ in range(5):
        result = subprocess.run([sys.executable, "-c", WRITE], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        lines = result.stdout.splitlines()
        assert [line for line in lines if not re.fullmatch(r"exited \d+|ended \d+ completed", line)] == []
        assert sum(line.startswith("exited") for line in lines) == 1
