"""Measure the speed and memory of adding a text: `python benchmarks/text_import.py [megabytes]`.

Adding detects the encoding, decodes, normalizes line endings, counts, hashes and stores; encoding creates token IDs.
`overall` is the speed of both together in elapsed time, and has a target. `cpu MB/s` is the speed in processor time,
including the start of Python; it shows whether a low speed is due to other load. Memory is the peak resident set of a
separate process, minus that after loading NumPy.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
MIN_RATE = 60
MAX_MEMORY = 300
MEGABYTE = 1_000_000

SENTENCES = {
    "ascii": [
        "The quick brown fox jumps over the lazy dog, again and again. ",
        "Call me whatever you like, she said; nobody is listening anyway.\n",
        "for (int i = 0; i < size; ++i) total += values[i] * 2;\n",
    ],
    "accents": [
        "Les élèves français étaient déjà là, à côté du château.\n",
        "Zażółć gęślą jaźń; pchnąć w tę łódź jeża. ",
        "Lietuvos miškuose gyvena daug žvėrių ir paukščių.\n",
    ],
    "cjk": [
        "吾輩は猫である。名前はまだ無い。\n",
        "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。\n",
        "我们在这里学习写字，一个一个地写。",
        "".join(chr(0x4E00 + number * 7 % 5381) for number in range(5381)) + "\n",
    ],
    "emoji": ["😀 👍🏽 🇱🇹\n"],
}
WESTERN = [*SENTENCES["ascii"], SENTENCES["accents"][0], "“It’s a café,” she said – naïve, perhaps…\n"]

CHILD = """
import json, resource, sys, time
from pathlib import Path
import numpy

def peak():
    try:  # on Linux, the value from `resource` includes the peak of the parent process
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

bare = peak()
from charrnn.core.vocabulary import Vocabulary
from charrnn.store.corpus_files import CorpusFiles
files = CorpusFiles(Path(sys.argv[2]))
begun = time.perf_counter()
with open(sys.argv[1], "rb") as source:
    corpus, report = files.add(source, name="large")
added = time.perf_counter()
ids = files.ids(corpus.id, Vocabulary.from_counts(files.counts(corpus.id), 3500))
done = time.perf_counter()
print(json.dumps({"add": added - begun, "encode": done - added, "busy": time.process_time(), "memory": peak() - bare,
                  "encoding": corpus.encoding, "characters": len(ids), "distinct": corpus.num_distinct}))
"""
"""Program that adds and encodes the text in the first argument, and stores it in the folder in the second argument."""


def add_and_encode(source: Path, root: Path) -> dict[str, Any]:
    """Run `CHILD`; return seconds, megabytes of memory in addition to NumPy, and properties of the text."""
    process = subprocess.run([sys.executable, "-c", CHILD, source, root], check=True, capture_output=True, cwd=PROJECT)
    return json.loads(process.stdout)


def write_text(path: Path, *, size: int, sentences: list[str], encoding: str, newline: str) -> None:
    """Write at least `size` bytes of sentences in random order, separated by random words."""
    rng = random.Random(7)
    words = ("".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) + " " for _ in range(6000))
    block = [part for word in words for part in (word, rng.choice(sentences))]
    chunks = []
    for _ in range(16):
        rng.shuffle(block)
        chunks.append("".join(block).replace("\n", newline).encode(encoding))
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(rng.choice(chunks))


def measure(name: str, *, size: int, sentences: list[str], encoding: str = "utf-8", newline: str = "\n") -> bool:
    """Print a row of the table; return whether speed and memory reach their targets."""
    with tempfile.TemporaryDirectory() as folder:
        source, root = Path(folder, "text.txt"), Path(folder, "corpora")
        root.mkdir()
        write_text(source, size=size, sentences=sentences, encoding=encoding, newline=newline)
        megabytes = source.stat().st_size / MEGABYTE
        result = add_and_encode(source, root)
    overall = megabytes / (result["add"] + result["encode"])
    reached = overall >= MIN_RATE and result["memory"] <= MAX_MEMORY
    print(
        f"{name:20} {result['encoding']:8} {megabytes:6,.0f} {result['distinct']:9,} {megabytes / result['add']:9,.0f} "
        f"{megabytes / result['encode']:9,.0f} {overall:9,.0f} {megabytes / result['busy']:9,.0f} "
        f"{result['memory']:10,.0f}   {'reached' if reached else 'MISSED'}",
        flush=True,
    )
    return reached


def main() -> int:
    """Measure a large text of all kinds of characters, and smaller ones of one kind."""
    size = int(sys.argv[1] if len(sys.argv) > 1 else 1000) * MEGABYTE
    mixed = [sentence for kind in SENTENCES.values() for sentence in kind]
    print("                     encoding     MB  distinct  add MB/s   encode   overall  cpu MB/s  memory MB   target:")
    print(f"{'':93}{MIN_RATE} MB/s overall, {MAX_MEMORY} MB")
    results = [
        measure("mixed", size=size, sentences=mixed),
        measure("ASCII", size=size // 4, sentences=SENTENCES["ascii"]),
        measure("ASCII, CRLF", size=size // 4, sentences=SENTENCES["ascii"], newline="\r\n"),
        measure("mixed, CRLF", size=size // 4, sentences=mixed, newline="\r\n"),
        measure("Western, cp1252", size=size // 4, sentences=WESTERN, encoding="cp1252"),
        measure("Chinese, Japanese", size=size // 4, sentences=SENTENCES["cjk"]),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
