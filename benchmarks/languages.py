"""Whether the preset Quick is good in general: `python benchmarks/languages.py TEXT …`. Some four minutes a text.

On each text the same two as in `learning.py` take turns, Quick and a small transformer; the last tenth is for
validation. What counts is the part of the transformer's time, that of its 2,000 steps, in which Quick is as good as it
is in the end. A text is a file in UTF-8, of which the first 1,115,394 characters count, as many as tinyshakespeare has,
or the name of an example text; the examples if none is named.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from learning import compete
from peers import result_page
from peers.benchmark_texts import read

sys.path.insert(0, str(Path(__file__).parents[1]))  # as it is here, installed or not

from charrnn.services.example_texts import examples  # noqa: E402

CHARACTERS = 1_115_394
EVERY = 50
"""Steps between two validations, which take longer where there are thousands of classes."""


@dataclass(frozen=True)
class Rung:
    """What came of one text."""

    name: str
    characters: int
    distinct: int
    lowest: float
    seconds: float
    """All of Quick's."""
    transformer: float | None
    share: float | None
    """Of the transformer's time, until as low as it is in the end."""

    def __str__(self) -> str:
        told = [self.name, f"{self.characters:,}", f"{self.distinct:,}", f"{self.lowest:.3f}", f"{self.seconds:.0f}"]
        beside = "not measured" if self.transformer is None else f"{self.transformer:.3f}"
        share = "not reached" if self.share is None else f"{self.share:.2f}"
        return " | ".join([*told, beside, "" if self.transformer is None else share])


def climb(name: str, preset: str, torch: str | None) -> Rung:
    """Let both train on a text."""
    text = read(name, CHARACTERS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "text.txt")
        file.write_text(text, "utf-8")
        courses = compete(file, preset, torch, every=EVERY)
    ours, peer = courses["ours"], courses.get("transformer")
    reached = ours.reached(peer.losses[-1][1]) if peer else None
    return Rung(
        name=Path(name).stem,
        characters=len(text),
        distinct=len(set(text)),
        lowest=min(loss for _, loss in ours.losses),
        seconds=ours.seconds,
        transformer=peer.losses[-1][1] if peer else None,
        share=None if reached is None or peer is None else peer.done_by(reached),
    )


def main() -> None:
    """Train on each text and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="*", default=[one.name for one in examples() if not one.missing])
    parser.add_argument("--preset", default="quick")
    result_page.add_option(parser)
    asked = parser.parse_args()
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is left out: PEER_PYTHON names no interpreter that has it")
    lines = [
        "text | characters | different ones | lowest, nats | seconds in all | the transformer's, nats | "
        "of its time until as low",
        " | ".join(["---"] * 7),
    ]
    print(*lines, sep="\n", flush=True)
    rungs = []
    for name in asked.texts:
        rungs.append(climb(name, asked.preset, torch))
        print(rungs[-1], flush=True)
    if asked.write:
        shares = {rung.name: rung.share for rung in rungs if rung.share is not None}
        plotted = {
            name: {"until as low as the transformer": result_page.exact(share)} for name, share in shares.items()
        }
        title = f"Other texts: {asked.preset}"
        result_page.write(
            "languages", title, [*lines, *map(str, rungs)], result_page.bars(plotted, "of the transformer's time")
        )


if __name__ == "__main__":
    main()
