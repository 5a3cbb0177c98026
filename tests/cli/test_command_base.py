"""Test formatting the commands that messages suggest."""

from argparse import Namespace

from charrnn.cli.command_base import format_command


def test_a_command_is_quoted_for_the_shell():
    assert format_command(Namespace(home=None), "resume", "my fox; rm") == "charrnn resume 'my fox; rm'"


def test_a_command_includes_the_data_folder():
    assert format_command(Namespace(home="/my data"), "models") == "charrnn --home '/my data' models"
