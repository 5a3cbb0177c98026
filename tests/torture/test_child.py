"""What `make torture` hears from its trainings."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TALK = """
import os, sys, threading
from tests.torture.child_process import say
sys.setswitchinterval(1e-6)
go = threading.Event()
def talk():
    go.set()
    while True:
        say("ended", os.getpid(), "completed")
threading.Thread(target=talk, daemon=True).start()
go.wait()
say("over", os.getpid())
os._exit(0)
"""


def test_a_line_is_whole_and_not_lost_though_threads_talk_at_once_and_the_process_ends() -> None:
    for _ in range(5):
        talked = subprocess.run([sys.executable, "-c", TALK], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        lines = talked.stdout.splitlines()
        assert [line for line in lines if not re.fullmatch(r"over \d+|ended \d+ completed", line)] == []
        assert sum(line.startswith("over") for line in lines) == 1
