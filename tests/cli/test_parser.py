"""Test parsing commands and flags, and suggestions for misspelled ones."""

import pytest

from charrnn.cli.command_base import UsageError
from charrnn.cli.main import COMMANDS
from charrnn.cli.parser import overview, parse

MISTYPED = [
    ("tran", "There is no command 'tran'; did you mean train?"),
    ("smaple x", "There is no command 'smaple'; did you mean sample?"),
    ("frobnicate", "There is no command 'frobnicate'. See: charrnn --help"),
    ("--hme x models", "There is no flag --hme; did you mean --home?"),
    ("train --input_fil x", "There is no flag --input_fil; did you mean --input_file?"),
    ("train --input_file x --learning-rat 1", "There is no flag --learning-rat; did you mean --learning_rate?"),
    ("train --input_file x --max_step 5", "There is no flag --max_step; did you mean --max_steps?"),
    ("train -name x", "There is no flag -name; did you mean --name?"),
    ("train --optimzer adam --sed=3", "did you mean --optimizer? There is no flag --sed; did you mean --seed?"),
    ("train", "One of the arguments --input_file --corpus --example is required. See: charrnn train --help"),
    ("train --input_file x --example python", "not allowed with argument --input_file"),
    ("train shakespeare.txt --example python", "Unrecognized arguments: shakespeare.txt"),
    ("train --input_file", "Argument --input_file: expected one argument"),
    ("resume", "The following arguments are required: NAME"),
    ("db upgade", "invalid choice: 'upgade'"),
]


@pytest.mark.parametrize(("typed", "message"), MISTYPED)
def test_a_misspelled_command_or_flag_gets_a_suggestion(typed, message):
    with pytest.raises(UsageError) as caught:
        parse(typed.split(), COMMANDS)
    assert message in str(caught.value)


@pytest.mark.parametrize("typed", ["--max-steps 7", "--max_steps 7", "--max-steps=7", "--max_steps=7"])
def test_flags_accept_hyphens_and_underscores(typed):
    assert parse(["train", "--input-file", "a-b_c.txt", *typed.split()], COMMANDS).max_steps == "7"


def test_values_keep_hyphens_and_underscores():
    args = parse(["train", "--input-file=my-own-text.txt", "--name", "so-so"], COMMANDS)
    assert (args.input_file, args.name) == ("my-own-text.txt", "so-so")


@pytest.mark.parametrize("typed", ["--home there models", "models --home there", "--home=there models"])
def test_home_is_accepted_before_and_after_the_command(typed):
    args = parse(typed.split(), COMMANDS)
    assert (args.home, args.database) == ("there", None)


def test_arguments_after_a_double_dash_are_positional():
    assert parse(["note", "fox", "--", "--best-of-all"], COMMANDS).text == "--best-of-all"


def test_the_commands_of_the_article_are_accepted():
    """Defect 2 of the article's system: `--use_embedding false` meant true."""
    typed = "train --input_file shakespeare.txt --name shakespeare --num_steps 50 --num_seqs 32 --learning_rate 0.01"
    args = parse([*typed.split(), "--max_steps", "20000", "--use_embedding", "false"], COMMANDS)
    assert (args.num_steps, args.num_seqs, args.learning_rate, args.max_steps) == ("50", "32", "0.01", "20000")
    assert args.use_embedding == "false"
    assert parse("sample --name shakespeare --max_length 1000".split(), COMMANDS).max_length == "1000"


def test_the_help_lists_every_command():
    help_text = overview(COMMANDS.values())
    assert all(f"\n  {name} " in help_text for name in COMMANDS)


def test_defect_a_double_dash_is_accepted_as_a_value():
    """Older Python versions treat it as the end of all flags, even after `=`."""
    assert parse(["sample", "fox", "--stop=--", "--start_string=--"], COMMANDS).start_string == "--"
