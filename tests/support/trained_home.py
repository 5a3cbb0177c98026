"""Describe a data folder that contains a trained model."""

from dataclasses import dataclass
from pathlib import Path

from charrnn.core.records import Model


@dataclass(frozen=True)
class TrainedHome:
    """A data folder with a trained model; copy it before changing it."""

    home: Path
    model: Model
