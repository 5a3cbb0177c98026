"""Test Ctrl-C and SIGTERM in separate processes; Ctrl-C in a real terminal."""

import json
import os
import pty
import signal
import subprocess

import pytest

from tests.support.command_line import SMALL, command

ENDLESS = [*SMALL, "--max_steps", "1000000", "--val_fraction", "0", "--sample_every_n", "0"]
STARTED = "step: 2/1000000"


def training(home, text_file, **streams):
    """Start an endless training; streams as for `subprocess.Popen`."""
    words = ["train", "--input_file", str(text_file), "--name", "fox", *ENDLESS]
    return subprocess.Popen(command(home, *words), **streams)


def read_until(descriptor, words):
    """Read until these words appear; fail if the process ends before."""
    came = b""
    while words.encode() not in came:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # the terminal was closed because its program ended
            piece = b""
        if not piece:
            pytest.fail(f"the process ended without saying {words!r}: {came.decode()}")
        came += piece
    return came.decode(errors="replace")


def read_all(descriptor):
    came = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:
            piece = b""
        if not piece:
            return came.decode(errors="replace")
        came += piece


def only_model(charrnn):
    [model] = json.loads(charrnn("models", "--json").out)
    return model


def test_ctrl_c_in_a_terminal_saves_and_says_how_to_resume(home, text_file, charrnn):
    ours, theirs = pty.openpty()
    # A new session, whose terminal turns the typed character into a signal.
    process = training(
        home, text_file, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_take_terminal
    )
    os.close(theirs)
    shown = read_until(ours, STARTED)
    os.write(ours, b"\x03")
    shown += read_all(ours)
    os.close(ours)
    assert process.wait() == 130
    assert "starting: loading TensorFlow" in shown
    assert "/1,000,000  loss " in shown
    assert "Press Ctrl-C again to quit immediately" in shown
    assert f"charrnn --home {home} resume fox" in shown
    assert shown.rstrip().rpartition("\x1b[?25l")[2].count("\x1b[?25h") == 1  # the cursor is shown again
    model = only_model(charrnn)
    assert model["state"] == "stopped"
    more = str(model["step"] + 2)
    resumed = charrnn("resume", "fox", "--max_steps", more)
    assert f"resumed at step {model['step']}" in resumed.out
    assert f"Completed at step {int(more):,}." in resumed.err


def _take_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_sigterm_saves_and_marks_the_training_as_interrupted(home, text_file, charrnn):
    """Defect 6 of the article's system: SIGTERM lost all steps since the last checkpoint."""
    process = training(home, text_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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
    process = training(home, text_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    read_until(process.stdout.fileno(), "compiling the network")  # takes seconds, during which no step ends
    process.send_signal(signal.SIGINT)
    read_until(process.stderr.fileno(), "Press Ctrl-C again to quit immediately")
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert only_model(charrnn)["state"] == "interrupted"
    assert charrnn("resume", "fox", "--max_steps", "1").code == 0


def test_a_training_of_another_process_is_stopped_and_followed(home, text_file, charrnn):
    process = training(home, text_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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
        for left in (process, follower):
            if left is not None:
                left.kill()
                left.wait()
