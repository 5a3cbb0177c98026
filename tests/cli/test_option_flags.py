"""Test the flags created from the options schema."""

from argparse import ArgumentParser

import pytest

from charrnn.cli import option_flags
from charrnn.cli.option_flags import add_options, add_preset, check_training_options, typed_options
from charrnn.core.errors import OptionError
from charrnn.core.options import defaults, options, preset


def parsed(*argv, kind="training"):
    parser = ArgumentParser(allow_abbrev=False)
    add_preset(parser)
    add_options(parser, kind)
    return parser.parse_args(argv)


def training_options(args):
    """Return the options for a text of 20,000 characters."""
    return option_flags.training_options(args, num_characters=20_000, num_distinct=60)


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_every_option_is_a_flag(kind):
    for name in options(kind):
        assert typed_options(parsed(f"--{name}", "abc", kind=kind), kind) == {name: "abc"}


def test_only_options_on_the_command_line_are_returned():
    assert typed_options(parsed(), "training") == {}


def test_options_have_their_defaults_without_a_preset():
    assert training_options(parsed()) == defaults("training")


def test_flags_override_the_preset():
    values = training_options(parsed("--preset", "karpathy", "--lstm_size", "96", "--use_embedding", "true"))
    assert values == preset("karpathy") | {"lstm_size": 96, "use_embedding": True}


def test_flags_override_the_choices_of_auto():
    values = training_options(parsed("--minutes", "5", "--lstm_size", "96", "--val_fraction", "0.25"))
    assert (values["max_minutes"], values["lstm_size"], values["val_fraction"]) == (5, 96, 0.25)


def test_all_invalid_values_are_reported_at_once():
    with pytest.raises(OptionError) as caught:
        check_training_options(parsed("--num_seqs", "none", "--cell", "lstn", "--val_fraction", "nan"))
    assert set(caught.value.problems) == {"num_seqs", "cell", "val_fraction"}


def test_an_unknown_preset_is_rejected():
    with pytest.raises(OptionError, match="did you mean 'quick'"):
        check_training_options(parsed("--preset", "quik"))


def test_the_help_contains_bounds_and_defaults():
    parser = ArgumentParser()
    add_options(parser, "training")
    help_text = " ".join(parser.format_help().split())
    assert "Number of stacked recurrent layers. A whole number between 1 and 8. Default: 2." in help_text
    assert "decreases it smoothly to 2 % at the end" in help_text
    assert "option_strings" not in help_text  # what argparse prints for an unescaped %
