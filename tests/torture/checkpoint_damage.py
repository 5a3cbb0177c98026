"""Damage a checkpoint folder."""

import random
import shutil
from pathlib import Path

FILES = ("checkpoint.json", "training.safetensors", "weights.safetensors")


def truncate(folder: Path, chance: random.Random) -> None:
    """Truncate a file at a random position."""
    path = folder / chance.choice(FILES)
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def flip(folder: Path, chance: random.Random) -> None:
    """Flip a random bit."""
    path = folder / chance.choice(FILES)
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def lose_a_file(folder: Path, chance: random.Random) -> None:
    """Delete a file."""
    (folder / chance.choice(FILES)).unlink()


def half_write(folder: Path, chance: random.Random) -> None:
    """Leave a folder with its temporary name and some of its files, as after a power cut."""
    (folder / FILES[0]).unlink()
    folder.rename(folder.with_name(f".tmp-{chance.randrange(10**6)}"))


def lose_it(folder: Path, chance: random.Random) -> None:
    """Delete the folder."""
    shutil.rmtree(folder)


DAMAGES = (truncate, flip, lose_a_file, half_write, lose_it)
