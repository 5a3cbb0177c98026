"""Read the CloudFormation templates; `!Ref X` becomes {"Ref": "X"}, `!GetAtt A.B` {"Fn::GetAtt": ["A", "B"]}."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "aws"
DATA, SERVICE = FOLDER / "data.yaml", FOLDER / "service.yaml"


class _Loader(yaml.SafeLoader):
    """A YAML loader that expands the short forms of CloudFormation functions."""


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".")
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _function)


def read(path: Path) -> dict[str, Any]:
    """Return a template as a new object, which callers may change."""
    return deepcopy(_parsed(path))


@cache
def _parsed(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  a safe loader


def resources() -> dict[str, dict[str, Any]]:
    """Return the resources of both templates by name."""
    data, service = read(DATA)["Resources"], read(SERVICE)["Resources"]
    assert not data.keys() & service.keys()
    return data | service
