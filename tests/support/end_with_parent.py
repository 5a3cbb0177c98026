"""Run a command that ends with its parent, even if it is killed: `python end_with_parent.py COMMAND ARGUMENT…`.

The parent holds the other end of the standard input. When it closes, for example because pytest was killed, the command
is terminated. The first line of the output is the process ID of the command, for signals.
"""

import signal
import subprocess
import sys
import threading

TERMINATION_SECONDS = 20


def end_with_parent(process: subprocess.Popen[bytes]) -> None:
    """Wait until standard input closes, then terminate the command, even if it is suspended."""
    sys.stdin.buffer.read()
    process.terminate()
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(TERMINATION_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def main() -> int:
    """Run the command and return its exit status."""
    # Ctrl-C reaches all processes of a terminal, but the parent decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    print(process.pid, flush=True)
    threading.Thread(target=end_with_parent, args=(process,), daemon=True).start()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
