"""Test `charrnn options` and `charrnn presets`."""

import json

import pytest

from charrnn.core.options import options, presets, table


def test_all_options_are_listed(charrnn):
    out = charrnn("options").out
    for kind in ("training", "sampling"):
        assert all(f"\n{name} " in out for name in options(kind))


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_one_kind_can_be_listed(charrnn, kind):
    assert list(json.loads(charrnn("options", kind, "--json").out)) == [kind]


def test_options_as_json_contain_the_whole_schema(charrnn):
    listed = json.loads(charrnn("options", "--json").out)
    layers = next(option for option in listed["training"] if option["name"] == "num_layers")
    assert (layers["default"], layers["minimum"], layers["maximum"]) == (2, 1, 8)


def test_the_table_of_the_documentation_is_printed(charrnn):
    assert charrnn("options", "sampling", "--markdown").out == table("sampling") + "\n\n"


def test_presets_are_listed_with_their_flags(charrnn):
    out = charrnn("presets").out
    assert all(f"{name}\n" in out for name in presets())
    assert "--val_fraction 0 --eval_every_n 1000 --sample_every_n 0" in out
    assert "auto\n  Options chosen for the best model within the time limit" in out
    assert [preset["name"] for preset in json.loads(charrnn("presets", "--json").out)] == list(presets())
