"""Start `python -m dashboard` as a process."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import TIMEOUT, listens, wait_until


class Server:
    """A process of `python -m dashboard` on a free port of this machine."""

    def __init__(self, home: Path, *flags: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "dashboard", "--home", str(home), "--port", str(self.port), *flags]
        self.start()

    def start(self) -> None:
        """Start serving and wait for the port."""
        self.process = subprocess.Popen(
            self._command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        wait_until(self._is_listening)

    def _is_listening(self) -> bool:
        assert self.process.poll() is None, self.process.stdout and self.process.stdout.read()
        return listens(self.port)

    def stop(self) -> str:
        """Stop the server with SIGTERM; return its output."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == 0, output
        # Messages of a real browser must never be rejected.
        assert "Closed the" not in output, output
        return output
