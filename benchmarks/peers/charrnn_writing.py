"""Generate text with this project, in turns; print seconds per character, as `torch_writing.py` does."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, even if another version is installed

from turn_protocol import BLOCK_SECONDS, send, wait_for_turn  # noqa: E402

from charrnn.core.options import defaults, preset  # noqa: E402
from charrnn.core.vocabulary import Vocabulary  # noqa: E402
from charrnn.model.generation.generator import Generator  # noqa: E402
from charrnn.model.network.network import Network  # noqa: E402


def main() -> None:
    """Generate the given number of samples in parallel."""
    layers, units, classes, samples = map(int, sys.argv[1:])
    options = preset("article") | {
        "num_layers": layers, "lstm_size": units, "use_embedding": True, "embedding_size": units,
    }  # fmt: skip
    vocabulary = Vocabulary.from_counts({chr(0x4E00 + i): 1 for i in range(classes - 1)}, classes)
    generator = Generator(Network(options, classes), vocabulary)
    texts = generator.generate(defaults("sampling") | {"max_length": 10**9, "num_samples": samples, "seed": 1})
    for _ in range(3 * samples):  # the first call compiles, and the next ones generate shorter chunks
        next(texts)
    send("ready")
    while wait_for_turn():
        begun, count = time.perf_counter(), 0
        while (took := time.perf_counter() - begun) < BLOCK_SECONDS:
            count += sum(len(next(texts).text) for _ in range(samples))
        send(took / count)


if __name__ == "__main__":
    main()
