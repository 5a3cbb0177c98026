"""Compare Quick with a small transformer on several texts: `python benchmarks/languages.py TEXT …`.

As in `learning.py`, the preset and the transformer train in turns on each text, with the last tenth for validation. The
result is the fraction of the transformer's training time after which Quick reaches the transformer's final loss. It
takes about four minutes per text.

TEXT is a UTF-8 file or the name of an example text; the default is all example texts. At most the first 1,115,394
characters are used, the length of tinyshakespeare. PyTorch is not a dependency of this project: set PEER_PYTHON to an
interpreter that has it.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from learning import train_in_turns
from peers import result_page
from peers.benchmark_texts import read_text

sys.path.insert(0, str(Path(__file__).parents[1]))  # the checkout, even if another version is installed

from charrnn.services.example_texts import examples  # noqa: E402

MAX_CHARACTERS = 1_115_394
EVAL_EVERY_N = 50
"""Steps between validations, which take longer with thousands of classes."""


@dataclass(frozen=True)
class Row:
    """The result for one text; losses in nats per character."""

    name: str
    characters: int
    distinct: int
    lowest: float
    seconds: float
    """Training time of the preset."""
    transformer: float | None
    """Final loss of the transformer."""
    fraction: float | None
    """Fraction of the transformer's training time after which the preset reaches that loss."""

    def __str__(self) -> str:
        cells = [self.name, f"{self.characters:,}", f"{self.distinct:,}", f"{self.lowest:.3f}", f"{self.seconds:.0f}"]
        if self.transformer is None:
            return " | ".join([*cells, "not measured", ""])
        fraction = "not reached" if self.fraction is None else f"{self.fraction:.2f}"
        return " | ".join([*cells, f"{self.transformer:.3f}", fraction])


HEADER = [
    "text", "characters", "distinct characters", "lowest loss, nats", "seconds", "transformer's loss, nats",
    "fraction of the transformer's time",
]  # fmt: skip


def compare(name: str, preset: str, torch: str | None) -> Row:
    """Train the preset and the transformer on a text."""
    text = read_text(name, MAX_CHARACTERS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "text.txt")
        file.write_text(text, "utf-8")
        courses = train_in_turns(file, preset, torch, eval_every_n=EVAL_EVERY_N)
    ours, peer = courses["ours"], courses.get("transformer")
    reached = ours.seconds_until(peer.losses[-1][1]) if peer else None
    return Row(
        name=Path(name).stem,
        characters=len(text),
        distinct=len(set(text)),
        lowest=min(loss for _, loss in ours.losses),
        seconds=ours.seconds,
        transformer=peer.losses[-1][1] if peer else None,
        fraction=None if reached is None or peer is None else peer.completed_fraction(reached),
    )


def main() -> None:
    """Compare both on each text, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="*", default=[example.name for example in examples() if not example.missing])
    parser.add_argument("--preset", default="quick")
    result_page.add_option(parser)
    args = parser.parse_args()
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is skipped: set PEER_PYTHON to an interpreter that has it")
    lines = [" | ".join(HEADER), " | ".join(["---"] * len(HEADER))]
    print(*lines, sep="\n", flush=True)
    rows = []
    for name in args.texts:
        rows.append(compare(name, args.preset, torch))
        print(rows[-1], flush=True)
    if args.write:
        plotted = {
            row.name: {"until the transformer's loss": result_page.exact(row.fraction)}
            for row in rows
            if row.fraction is not None
        }
        plot = result_page.bars(plotted, "of the transformer's time")
        result_page.write("languages", f"Other texts: {args.preset}", [*lines, *map(str, rows)], plot)


if __name__ == "__main__":
    main()
