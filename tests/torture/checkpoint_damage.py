"""Damage a checkpoint folder."""

import random
import shutil
from pathlib import Path

FILES = ("checkpoint.json", "training.safetensors", "weights.safetensors")


def truncate(folder: Path, rng: random.Random) -> None:
    """Truncate a file at a random position."""
    path = folder / rng.choice(FILES)
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])


def flip_bit(folder: Path, rng: random.Random) -> None:
    """Flip a random bit."""
    path = folder / rng.choice(FILES)
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def delete_file(folder: Path, rng: random.Random) -> None:
    """Delete a file."""
    (folder / rng.choice(FILES)).unlink()


def leave_unfinished(folder: Path, rng: random.Random) -> None:
    """Leave a folder with its temporary name and some of its files, as after a power cut."""
    (folder / FILES[0]).unlink()
    folder.rename(folder.with_name(f".tmp-{rng.randrange(10**6)}"))


def delete_folder(folder: Path, rng: random.Random) -> None:
    """Delete the folder."""
    shutil.rmtree(folder)


DAMAGES = (truncate, flip_bit, delete_file, leave_unfinished, delete_folder)
