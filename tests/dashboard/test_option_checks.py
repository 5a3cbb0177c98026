"""Form, command line and services accept and reject the same values of every option."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import charrnn.cli.main as cli
from charrnn.cli.option_flags import typed_options
from charrnn.cli.parser import parse
from charrnn.core.errors import OptionError
from charrnn.core.options import Kind, Option, checked, defaults, options
from dashboard.components.option_form import OptionForm

LINES = {"training": ["train", "--input_file", "x"], "sampling": ["sample", "x"]}
REFUSED = object()
Result = Any


def edges(option: Option) -> list[str]:
    """Return values at the bounds of an option."""
    ends = [end for end in (option.minimum, option.maximum) if end is not None]
    return [f"{end + step!r}" for end in ends for step in (-1, 0, 1, 1e-9, -1e-9)] + list(option.choices)


STRANGE = ["", " ", "nan", "-nan", "inf", "-Infinity", "1e400", "0x10", "1_000", "١٢", "１", "1,000", "1.0", "+3",
           " 7 ", "1e3", "true", "False", "None", "[]", "9" * 5000, "-0",
           "0.0", "--", "=", "\0", "\ud800", "\n"]  # fmt: skip


@st.composite
def typing(draw: st.DrawFn) -> tuple[Kind, str, str]:
    """A kind of options, an option, and an input."""
    kind: Kind = draw(st.sampled_from(("training", "sampling")))
    option = draw(st.sampled_from(list(options(kind).values())))
    numbers = st.one_of(st.integers().map(str), st.floats().map(repr), st.decimals(allow_nan=True).map(str))
    text = draw(st.one_of(st.sampled_from([*edges(option), *STRANGE]), numbers, st.text(st.characters(), max_size=12)))
    return kind, option.name, text


def check_with_services(kind: Kind, name: str, text: str) -> Result:
    """Check a value with the services."""
    try:
        return checked(kind, {name: text})[name]
    except OptionError as error:
        assert set(error.problems) == {name}
        return REFUSED


def check_with_command_line(kind: Kind, name: str, text: str) -> Result:
    """Check a value with the command line."""
    args = parse([*LINES[kind], f"--{name}={text}"], cli.COMMANDS)
    try:
        return checked(kind, typed_options(args, kind))[name]
    except OptionError as error:
        assert set(error.problems) == {name}
        return REFUSED


@cache
def form_of(kind: Kind) -> OptionForm:
    """Share one form among all examples, since creating its fields is slow."""
    return OptionForm(kind)


def check_with_form(kind: Kind, name: str, text: str) -> Result:
    """Check a value with the form, as input from a browser."""
    form = form_of(kind)
    form.fill({})
    widget = form.fields[name]
    try:
        if "value_input" in widget.param:
            widget.value_input = text
        else:
            widget.value = text
    except ValueError:  # the field rejects the input
        assert form.values == defaults(kind)
        return REFUSED
    return REFUSED if form.errors else form.values[name]


@settings(max_examples=300)
@given(typing())
def test_form_command_line_and_services_agree_on_random_input(typed: tuple[Kind, str, str]) -> None:
    kind, name, text = typed
    by_services, by_command_line = check_with_services(*typed), check_with_command_line(*typed)
    assert by_services is by_command_line or (by_services, type(by_services)) == (
        by_command_line,
        type(by_command_line),
    )
    if options(kind)[name].type == "boolean":
        return  # a checkbox has no text
    by_form = check_with_form(*typed)
    assert by_form is by_services or (by_form, type(by_form)) == (by_services, type(by_services))


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_form_command_line_and_services_agree_on_every_bound(kind: Kind) -> None:
    for option in options(kind).values():
        for text in [*edges(option), *STRANGE]:
            by_services = check_with_services(kind, option.name, text)
            by_command_line = check_with_command_line(kind, option.name, text)
            assert by_services is by_command_line or by_services == by_command_line, (option.name, text)
            if option.type != "boolean":
                by_form = check_with_form(kind, option.name, text)
                assert by_form is by_services or by_form == by_services, (option.name, text)
