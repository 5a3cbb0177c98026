"""Test Ctrl-C and SIGTERM in separate processes, and Ctrl-C in a real terminal."""

import json
import os
import pty
import signal
import subprocess

import pytest

from tests.support.command_line import SMALL, command

ENDLESS = [*SMALL, "--max_steps", "1000000", "--val_fraction", "0", "--sample_every_n", "0"]
STARTED = "step: 2/1000000"


def start_training(home, text_file, **streams):
    """Start an endless training; streams as for `subprocess.Popen`."""
    argv = ["train", "--input_file", str(text_file), "--name", "fox", *ENDLESS]
    return subprocess.Popen(command(home, *argv), **streams)


def read_until(descriptor, expected):
    """Read until the expected text appears; fail if the process ends before."""
    output = b""
    while expected.encode() not in output:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # the terminal was closed because its program ended
            data = b""
        if not data:
            pytest.fail(f"the process ended without printing {expected!r}: {output.decode()}")
        output += data
    return output.decode(errors="replace")


def read_all(descriptor):
    output = b""
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            data = b""
        if not data:
            return output.decode(errors="replace")
        output += data


def only_model(charrnn):
    [model] = json.loads(charrnn("models", "--json").out)
    return model


def test_ctrl_c_in_a_terminal_saves_a_checkpoint_and_prints_how_to_resume(home, text_file, charrnn):
    controller, terminal = pty.openpty()
    # In a new session, the terminal converts the typed character to a signal.
    process = start_training(
        home,
        text_file,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=_control_terminal,
    )
    os.close(terminal)
    output = read_until(controller, STARTED)
    os.write(controller, b"\x03")
    output += read_all(controller)
    os.close(controller)
    assert process.wait() == 130
    assert "starting: loading TensorFlow" in output
    assert "/1,000,000  loss " in output
    assert "Press Ctrl-C again to quit immediately" in output
    assert f"charrnn --home {home} resume fox" in output
    assert output.rstrip().rpartition("\x1b[?25l")[2].count("\x1b[?25h") == 1  # the cursor is shown again
    model = only_model(charrnn)
    assert model["state"] == "stopped"
    more = str(model["step"] + 2)
    resumed = charrnn("resume", "fox", "--max_steps", more)
    assert f"resumed at step {model['step']}" in resumed.out
    assert f"Completed at step {int(more):,}." in resumed.err


def _control_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_sigterm_saves_and_marks_the_training_as_interrupted(home, text_file, charrnn):
    """Defect 6 of the article's system: SIGTERM lost all steps since the last checkpoint."""
    process = start_training(home, text_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    read_until(process.stdout.fileno(), STARTED)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 143
    assert "resume fox" in err.decode()
    model = only_model(charrnn)
    assert (model["state"], model["error"]) == ("interrupted", None)
    checkpoints = json.loads(charrnn("show", "fox", "--json").out)["checkpoints"]
    assert checkpoints[0]["step"] == model["step"] >= 2
    assert f"stopped at step {model['step']}" in out.decode()


def test_a_second_ctrl_c_exits_at_once_and_the_training_can_be_resumed(home, text_file, charrnn):
    process = start_training(home, text_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    read_until(process.stdout.fileno(), "compiling the network")  # takes seconds, during which no step ends
    process.send_signal(signal.SIGINT)
    read_until(process.stderr.fileno(), "Press Ctrl-C again to quit immediately")
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert only_model(charrnn)["state"] == "interrupted"
    assert charrnn("resume", "fox", "--max_steps", "1").code == 0


def test_a_training_of_another_process_is_stopped_and_followed(home, text_file, charrnn):
    process = start_training(home, text_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    follower = None
    try:
        read_until(process.stdout.fileno(), STARTED)
        follower = subprocess.Popen(command(home, "log", "fox", "--follow"), stdout=subprocess.PIPE)
        read_until(follower.stdout.fileno(), "step: ")
        result = charrnn("stop", "fox")
        assert result.code == 0, result.err
        assert "Stopped at step" in result.err
        out, err = process.communicate()
        assert process.returncode == 0
        assert "Stopped at step" in err.decode()
        assert follower.communicate()[0].decode().splitlines()[-1] == out.decode().splitlines()[-1]
        assert follower.returncode == 0
    finally:
        for started in (process, follower):
            if started is not None:
                started.kill()
                started.wait()
