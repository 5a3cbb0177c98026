"""The network and the sampling of exported pages, in Chromium: compared with TensorFlow and with NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.generated_text import join_chunks
from charrnn.core.options import checked
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.generation.generator import Generator
from charrnn.model.network.network import Network
from charrnn.model.training.train_step import load_weights
from tests.support.web_page_reference import Create, Open, ReferencePage, exp, log, tanh

CELLS = ["lstm", "gru", "rnn", "mingru"]
EMBEDDINGS = [{}, {"use_embedding": True}, {"use_embedding": True, "embedding_size": 5}]
"""One-hot vectors; embeddings of 3 numbers; embeddings as large as the layers, which minGRU does not project."""
LENGTH = 2000
IDS = np.random.default_rng(5).integers(0, 7, LENGTH)
"""Characters of the vocabulary, and unknown ones."""

LOGITS = """([ids, simd]) => {
  const { network } = createWriter({ simd })
  if (network.simd !== simd) throw new Error("SIMD")
  return ids.map((id) => { network.read(id); return [...network.logits] })
}"""
WRITE = """([prompt, length, seed, temperature, simd]) => {
  const writer = createWriter({ simd })
  writer.begin([...prompt], seed, temperature)
  while (writer.isReading) writer.read()
  const cells = Array.from({ length }, () => writer.write())
  return [cells.map((cell) => cell.character).join(""), cells.map((cell) => cell.logprob)]
}"""


def load_from(page: ReferencePage, network: Network) -> None:
    """Load the weights of a page, which are rounded, into a network of TensorFlow."""
    load_weights(network, page.checkpoint_weights({weight.path: tuple(weight.shape) for weight in network.weights}))


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_logits_equal_those_of_tensorflow(
    cell: str,
    embedding: dict[str, object],
    page_of: Create,
    open_file: Open,
) -> None:
    network, path = page_of("int8", cell=cell, **embedding)
    load_from(ReferencePage(path.read_text("utf-8")), network)
    expected = network(tf.constant(IDS[None]))[0].numpy()[:, 0]
    assert np.ptp(expected, 0).min() > 0.3, "the logits should depend on the text"
    page = open_file(path)
    for simd in (True, False):
        actual = np.array(page.evaluate(LOGITS, [IDS.tolist(), simd]))
        assert actual.shape == expected.shape == (LENGTH, 7)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_text_and_probabilities_equal_the_reference_in_every_bit(
    cell: str,
    embedding: dict[str, object],
    page_of: Create,
    open_file: Open,
) -> None:
    _, path = page_of("float16", cell=cell, **embedding)
    reference, page = ReferencePage(path.read_text("utf-8")), open_file(path)
    for seed, temperature in ((3, 0.8), (2**31 - 1, 1.7), (4, 0)):
        expected = reference.write("bad\n", 150, seed=seed, temperature=temperature)
        for simd in (True, False):
            assert tuple(page.evaluate(WRITE, ["bad\n", 150, seed, temperature, simd])) == expected


@pytest.mark.parametrize("cell", CELLS)
def test_the_text_is_that_of_the_program_with_the_same_weights(cell: str, page_of: Create, open_file: Open) -> None:
    network, path = page_of("float16", cell=cell)
    load_from(ReferencePage(path.read_text("utf-8")), network)
    generator = Generator(network, Vocabulary("eab \nd"))
    page = open_file(path)
    for prompt in ("", "bad"):
        changes = {"seed": 11, "temperature": 0.9, "max_length": 300, "start_string": prompt}
        [text] = join_chunks(prompt, list(generator.generate(checked("sampling", changes))), 1)
        written, logprobs = page.evaluate(WRITE, [prompt or "\n", 300, 11, 0.9, True])
        assert written == text.text
        np.testing.assert_allclose(logprobs, text.logprobs, atol=1e-4)


def test_mathematical_functions_are_exact_to_float32(page_of: Create, open_file: Open) -> None:
    x = np.concatenate([np.linspace(-90, 90, 401), [0.0, 1e-9, -800, 800]])
    positive = np.concatenate([np.exp(np.linspace(-30, 30, 401)), [1 - 2**-24, 1, 1 + 2**-23, 2**0.5]])
    page = open_file(page_of()[1])
    cases = [("exp", x[:-2], exp, np.exp), ("log", positive, log, np.log), ("tanh", x, tanh, np.tanh)]
    for name, numbers, own, exact in cases:
        found = np.array(page.evaluate(f"numbers => numbers.map({name})", numbers.tolist()), float)
        np.testing.assert_array_equal(found, own(numbers))
        np.testing.assert_allclose(found, exact(numbers), rtol=1e-12, atol=1e-15)
    assert page.evaluate("exp(800) < Infinity && exp(-800) > 0")
