"""Runs a command that ends with whoever started it, however that ends: `python supervisor.py COMMAND ARGUMENT…`.

Who started it holds the other end of its standard input. When that closes, as by a killed pytest, the command is ended.
The first line of its output is the command's process id, for signals.
"""

import signal
import subprocess
import sys
import threading

PATIENCE_SECONDS = 20


def end_with_parent(process: subprocess.Popen[bytes]) -> None:
    """Wait until standard input closes, then end the command, also one that was stopped."""
    sys.stdin.buffer.read()
    process.terminate()
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def main() -> int:
    """Run the command; return its status."""
    # Ctrl-C reaches all processes of a terminal; who started this decides when it ends
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    print(process.pid, flush=True)
    threading.Thread(target=end_with_parent, args=(process,), daemon=True).start()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
