"""Every option of the schema is a flag; values are read and checked by the schema."""

from argparse import ArgumentParser

import pytest

from charrnn.cli.option_flags import add_options, add_preset, given, training_options
from charrnn.core.errors import OptionError
from charrnn.core.options import defaults, options, preset


def parsed(*words, kind="training"):
    parser = ArgumentParser(allow_abbrev=False)
    add_preset(parser)
    add_options(parser, kind)
    return parser.parse_args(words)


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_every_option_is_a_flag(kind):
    for name in options(kind):
        assert given(parsed(f"--{name}", "abc", kind=kind), kind) == {name: "abc"}


def test_only_what_was_typed_is_given():
    assert given(parsed(), "training") == {}


def test_without_a_preset_options_have_the_schema_s_defaults():
    assert training_options(parsed()) == defaults("training")


def test_flags_go_over_the_preset():
    values = training_options(parsed("--preset", "quick", "--lstm_size", "96", "--use_embedding", "false"))
    assert values == preset("quick") | {"lstm_size": 96, "use_embedding": False}


def test_all_wrong_values_are_reported_at_once():
    with pytest.raises(OptionError) as caught:
        training_options(parsed("--num_seqs", "none", "--cell", "lstn", "--val_fraction", "nan"))
    assert set(caught.value.problems) == {"num_seqs", "cell", "val_fraction"}


def test_an_unknown_preset_is_refused():
    with pytest.raises(OptionError, match="did you mean 'quick'"):
        training_options(parsed("--preset", "quik"))


def test_the_help_tells_bounds_and_default():
    parser = ArgumentParser()
    add_options(parser, "training")
    words = " ".join(parser.format_help().split())
    assert "Number of stacked recurrent layers. A whole number between 1 and 8. Default: 2." in words
    assert "decreases smoothly to 2 % at the end" in words
    assert "option_strings" not in words  # what argparse makes of a % that is not doubled
