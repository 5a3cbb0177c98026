"""Commands that are shown can be typed."""

from argparse import Namespace

from charrnn.cli.command import format_command


def test_a_command_is_spelled_for_the_shell():
    assert format_command(Namespace(home=None), "resume", "my fox; rm") == "charrnn resume 'my fox; rm'"


def test_the_data_folder_is_part_of_it():
    assert format_command(Namespace(home="/my data"), "models") == "charrnn --home '/my data' models"
