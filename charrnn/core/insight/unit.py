"""Name the hidden units of a network: layer, number, and for an LSTM hidden state or cell state."""

import re
from dataclasses import dataclass

from charrnn.core.errors import OptionError

_NAME = re.compile(r"(\d{1,4}):(c?)(\d{1,6})", re.ASCII)


@dataclass(frozen=True, order=True)
class Unit:
    """A hidden unit; layers and units count from 1."""

    layer: int
    number: int
    is_cell_state: bool = False
    """Whether it belongs to the cell state of an LSTM rather than to its hidden state."""

    def __str__(self) -> str:
        """Return the name that `parse` reads: `5:28`, or `2:c31` for a cell state."""
        return f"{self.layer}:{'c' if self.is_cell_state else ''}{self.number}"

    @property
    def title(self) -> str:
        """Name in sentences."""
        return f"Layer {self.layer}, {'cell state of ' if self.is_cell_state else ''}unit {self.number}"

    @classmethod
    def parse(cls, name: str) -> "Unit":
        """Return the unit of a name.

        Raises:
            OptionError: The name is not a layer and a number.
        """
        match = _NAME.fullmatch(name.strip())
        if match is None:
            message = f"{name!r} is not a unit; expected LAYER:NUMBER such as 5:28, or 2:c31 for an LSTM's cell state."
            raise OptionError({"unit": message})
        return cls(int(match[1]), int(match[3]), bool(match[2]))


@dataclass(frozen=True)
class UnitLayout:
    """The order of all units of a network.

    Args:
        layers: Number of layers.
        hidden: Hidden units of each layer.
        has_cell_state: Whether each layer has a cell state after its hidden state, as an LSTM.
    """

    layers: int
    hidden: int
    has_cell_state: bool = False

    @property
    def per_layer(self) -> int:
        """Number of units of a layer."""
        return self.hidden * (2 if self.has_cell_state else 1)

    def __len__(self) -> int:
        """Number of units of the network."""
        return self.layers * self.per_layer

    def unit(self, index: int) -> Unit:
        """Return the unit at an index, `0 … len(self) - 1`."""
        layer, within = divmod(index, self.per_layer)
        is_cell_state, number = divmod(within, self.hidden)
        return Unit(layer + 1, number + 1, bool(is_cell_state))

    def index(self, unit: Unit) -> int:
        """Return the index of a unit.

        Raises:
            OptionError: The network has no such unit.
        """
        if not (1 <= unit.layer <= self.layers and 1 <= unit.number <= self.hidden) or (
            unit.is_cell_state and not self.has_cell_state
        ):
            cells = f", and their cell states {self.layers}:c1 …" if self.has_cell_state else ""
            message = f"The network has no unit {unit}; it has units 1:1 to {self.layers}:{self.hidden}{cells}."
            raise OptionError({"unit": message})
        within = unit.number - 1 + (self.hidden if unit.is_cell_state else 0)
        return (unit.layer - 1) * self.per_layer + within
