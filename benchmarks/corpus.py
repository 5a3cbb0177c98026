"""How fast a text comes in and how much memory that takes: `python benchmarks/corpus.py [megabytes]`.

Adding is finding the encoding, decoding, turning line ends, counting, hashing and storing; encoding is making ids.
`overall` is both, by the clock, and what is needed; `cpu MB/s` is by the processor's time, start of Python included,
and tells a slow program from a busy machine. Memory is the largest resident set of a process of its own, above what
it had when it had only loaded NumPy.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
NEEDED_RATE = 60
ALLOWED_MEMORY = 300
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
    try:  # what `resource` tells on Linux begins with the largest set of the process that started this one
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
"""Adds and encodes the text of the first argument in the folder of the second; the suite runs it as well."""


def add_and_encode(source: Path, root: Path) -> dict[str, Any]:
    """Run `CHILD`: seconds, megabytes of memory above NumPy's, and what the text is like."""
    ran = subprocess.run([sys.executable, "-c", CHILD, source, root], check=True, capture_output=True, cwd=PROJECT)
    return json.loads(ran.stdout)


def write_text(path: Path, *, size: int, sentences: list[str], encoding: str, newline: str) -> None:
    """Write sentences in random order, with words of random letters between them, until `size` bytes are full."""
    rng = random.Random(7)
    words = ("".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) + " " for _ in range(6000))
    block = [part for word in words for part in (word, rng.choice(sentences))]
    pieces = []
    for _ in range(16):
        rng.shuffle(block)
        pieces.append("".join(block).replace("\n", newline).encode(encoding))
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(rng.choice(pieces))


def measure(name: str, *, size: int, sentences: list[str], encoding: str = "utf-8", newline: str = "\n") -> bool:
    """Print one row of the table; tell whether both figures are good enough."""
    with tempfile.TemporaryDirectory() as folder:
        source, root = Path(folder, "text.txt"), Path(folder, "corpora")
        root.mkdir()
        write_text(source, size=size, sentences=sentences, encoding=encoding, newline=newline)
        megabytes = source.stat().st_size / MEGABYTE
        took = add_and_encode(source, root)
    overall = megabytes / (took["add"] + took["encode"])
    is_fine = overall >= NEEDED_RATE and took["memory"] <= ALLOWED_MEMORY
    print(
        f"{name:20} {took['encoding']:8} {megabytes:6,.0f} {took['distinct']:9,} {megabytes / took['add']:9,.0f} "
        f"{megabytes / took['encode']:9,.0f} {overall:9,.0f} {megabytes / took['busy']:9,.0f} "
        f"{took['memory']:10,.0f}   {'reached' if is_fine else 'MISSED'}",
        flush=True,
    )
    return is_fine


def main() -> int:
    """Measure the large mixed text and smaller ones of other kinds."""
    size = int(sys.argv[1] if len(sys.argv) > 1 else 1000) * MEGABYTE
    mixed = [sentence for kind in SENTENCES.values() for sentence in kind]
    print("                     read as      MB  distinct  add MB/s   encode   overall  cpu MB/s  memory MB   needed:")
    print(f"{'':93}{NEEDED_RATE} MB/s overall, {ALLOWED_MEMORY} MB")
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
