"""Commands that are shown can be typed."""

from argparse import Namespace

from charrnn.cli.command import typed


def test_a_command_is_spelled_for_the_shell():
    assert typed(Namespace(home=None), "resume", "my fox; rm") == "charrnn resume 'my fox; rm'"


def test_the_data_folder_is_part_of_it():
    assert typed(Namespace(home="/my data"), "models") == "charrnn --home '/my data' models"
