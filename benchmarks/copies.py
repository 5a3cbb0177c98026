"""Measure the search for copies: seconds of one query by the size of the training text.

The text is made of words with the frequencies of English prose (Zipf), so that short stretches repeat as in real texts.

    .venv/bin/python benchmarks/copies.py
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from charrnn.core.copies import find_copies

SIZES = 5_000_000, 50_000_000
QUERIES = 2_000, 20_000
REPEATS = 3
NUM_WORDS, NUM_LETTERS = 30_000, 27


def prose(num_characters: int, seed: int) -> npt.NDArray[np.uint8]:
    """Return ids of random words, separated by spaces (id 0)."""
    random = np.random.default_rng(1)
    lengths = random.integers(1, 12, NUM_WORDS)
    words = [np.append(random.integers(1, NUM_LETTERS, length), 0).astype(np.uint8) for length in lengths]
    ranks = np.arange(1, NUM_WORDS + 1)
    random = np.random.default_rng(seed)
    chosen = random.choice(NUM_WORDS, num_characters // 4, p=1 / ranks / np.sum(1 / ranks))
    return np.concatenate([words[each] for each in chosen])[:num_characters]


def main() -> None:
    """Print one line per size of the text and of the query."""
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = Path(folder) / f"{size}.npy"
            np.save(path, prose(size, seed=2))
            text = np.load(path, mmap_mode="r")
            for length in QUERIES:
                query = prose(length, seed=3)
                query[length // 2 : length // 2 + 100] = text[size // 2 : size // 2 + 100]
                seconds = []
                for _ in range(REPEATS):
                    start = time.perf_counter()
                    found = find_copies(text, query, unknown_id=NUM_LETTERS)
                    seconds.append(time.perf_counter() - start)
                print(
                    f"{len(text):>11,} characters, query of {length:>6,}: {min(seconds):.3f} s (best of {REPEATS}), "
                    f"{found.share(32):.1%} in copies of 32"
                )


if __name__ == "__main__":
    main()
