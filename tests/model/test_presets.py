"""Test that each preset learns a real text: the source of Python's standard library."""

import io
import sysconfig
from collections import Counter
from itertools import accumulate, takewhile
from pathlib import Path

import pytest

from charrnn.core.baselines import baselines
from charrnn.core.options import presets
from charrnn.core.records import ModelState
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.training.checkpoint import load_network
from charrnn.model.training.evaluation import Evaluation
from charrnn.model.training.training_loop import train
from charrnn.services.training_options import training_options
from tests.support.tiny_networks import never

CHARACTERS, HELD_OUT = 400_000, 20_000

STEPS = {"auto": 60, "quick": 60, "article": 600, "karpathy": 280, "best": 60}
"""Number of steps per preset. Other options that affect learning are unchanged; a cosine schedule ends with these."""


@pytest.fixture(scope="module")
def text():
    """Return the source of the first modules by name, about 400,000 characters."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    sources = [path.read_text("utf-8") for path in sorted(folder.glob("[a-g]*.py"))]
    lengths = takewhile(lambda length: length < CHARACTERS, accumulate(map(len, sources)))
    return "".join(sources[: len(list(lengths))])


@pytest.mark.slow
@pytest.mark.parametrize("name", presets())
def test_preset_soon_beats_the_bigram_baseline_on_held_out_text(name, text, tmp_path):
    vocabulary = Vocabulary.from_counts(Counter(text), 3500)
    ids = vocabulary.encode(text)
    never_due = 1_000_000  # no validations during the training
    quiet = {"max_minutes": 0, "eval_every_n": never_due, "sample_every_n": 0, "max_steps": STEPS[name], "patience": 0}
    sizes = {"num_characters": len(text) - HELD_OUT, "num_distinct": len(set(text))}
    state = train(
        ids[:-HELD_OUT],
        vocabulary,
        training_options(quiet, **sizes, preset_name=name),
        folder=tmp_path,
        number=1,
        emit=lambda event: None,
        should_stop=never,
    )
    network, _, _ = load_network(tmp_path / f"last-{STEPS[name]}-1")
    loss = Evaluation(network, ids, first=len(ids) - HELD_OUT).loss()
    assert state == ModelState.COMPLETED
    assert loss < baselines(io.StringIO(text)).bigram
