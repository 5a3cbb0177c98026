"""Tests of LSTM and GRU with cuDNN, which Keras' layers use on a GPU.

Without a GPU, the same layers are TensorFlow loops, so their results can be compared with our loops on any machine.
"""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.compute.gpu_detection import has_gpu
from charrnn.model.compute.precision import matmul_dtype
from charrnn.model.compute.shard_count import num_shards
from charrnn.model.network.network import Network
from charrnn.model.training.evaluation import Evaluation
from charrnn.model.training.train_step import TrainStep
from tests.support.rounding import EPSILON, FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, IDS, tiny

DRAW = np.random.default_rng(8)
BATCHES = [DRAW.integers(0, CLASSES, (3, 5)).astype(np.int32) for _ in range(40)]
ROUNDINGS = 2 * 2 * 4 * (CLASSES + 2 * 5 + FUNCTION)
"""Forward and backward, through two layers and four characters, each with sums over input and state, and a gate."""


@pytest.fixture
def gpu(monkeypatch):
    """Return a function that simulates the presence or absence of a GPU; nothing is computed on it."""
    real = tf.config.list_physical_devices

    def set_presence(present):
        monkeypatch.setattr(
            tf.config, "list_physical_devices", lambda kind=None: ["one"] * present if kind == "GPU" else real(kind)
        )
        assert has_gpu() is present

    return set_presence


def options(cell, **changes):
    return tiny(cell=cell, precision="float32", grad_clip=0.2, **changes)


def steps(train_step, batches, first=0):
    """Do steps; the first and the sixteenth reset the state."""
    return [train_step.step(b, n, 0.01, restart=n in (0, 15)) for n, b in enumerate(batches, first)]


@pytest.mark.parametrize("embedding", [True, False], ids=["embedded", "one-hot"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_steps_with_cudnn_match_steps_without(cell, embedding, gpu):
    """Both start each step from the same weights, because training amplifies the rounding errors of previous steps."""
    own = options(cell, use_embedding=embedding)
    gpu(False)
    without = TrainStep(own, CLASSES, shards=1)
    gpu(True)
    with_gpu = TrainStep(own, CLASSES)
    for number, batch in enumerate(BATCHES):
        restart = number in (0, 15)
        gpu(False)
        with_gpu.load(without.weights(), without.training_state())
        expected = without.step(batch, number, 0.01, restart=restart)
        gpu(True)
        found = with_gpu.step(batch, number, 0.01, restart=restart)
        np.testing.assert_allclose(found, expected, rtol=ROUNDINGS * EPSILON["float32"])
        for name, array in without.training_state().items():
            if name.startswith("memory/"):
                assert_close(with_gpu.training_state()[name], array, roundings=ROUNDINGS, name=name)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("begins_on_gpu", [True, False], ids=["from GPU to CPU", "from CPU to GPU"])
def test_training_resumes_on_another_device(cell, begins_on_gpu, gpu):
    gpu(begins_on_gpu)
    one = TrainStep(options(cell), CLASSES, shards=1)
    steps(one, BATCHES[:7])
    stored = one.weights(), one.training_state()
    expected = steps(one, BATCHES[7:12], 7)
    gpu(not begins_on_gpu)
    other = TrainStep(options(cell), CLASSES, shards=1)
    assert other.load(*stored) is True
    # Each of the five steps amplifies rounding errors a little.
    np.testing.assert_allclose(steps(other, BATCHES[7:12], 7), expected, rtol=5 * ROUNDINGS * EPSILON["float32"])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("batch_shape", [None, (3, 4)], ids=["by itself", "in training"])
def test_evaluation_with_cudnn_matches_evaluation_without(cell, batch_shape, gpu):
    gpu(False)
    expected = Evaluation(Network(options(cell), CLASSES), IDS, first=9, batch_shape=batch_shape).losses()
    gpu(True)
    found = Evaluation(Network(options(cell), CLASSES), IDS, first=9, batch_shape=batch_shape).losses()
    assert_close(found, expected, roundings=ROUNDINGS)


def let_keras_use_cudnn(monkeypatch):
    """Simulate the GPU that Keras looks for. A graph with cuDNN can be built anywhere, but not run."""
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: ["one"])


def operations(function, *arguments):
    """Return the names of all operations in a graph and the functions it calls; nothing is computed."""
    graph = function.get_concrete_function(*arguments).graph.as_graph_def()
    return {node.op for node in graph.node} | {node.op for one in graph.library.function for node in one.node_def}


@pytest.mark.parametrize(("cell", "kernels"), [("lstm", 1), ("gru", 1), ("rnn", 0), ("mingru", 0)])
def test_cudnn_computes_forward_and_backward_on_a_gpu(cell, kernels, gpu, monkeypatch):
    gpu(True)
    let_keras_use_cudnn(monkeypatch)
    train_step = TrainStep(options(cell), CLASSES)
    state = train_step.network.zero_state(3)
    found = operations(tf.function(train_step._gradients), tf.constant(BATCHES[0]), state, tf.constant(3))
    assert {"CudnnRNNV3", "CudnnRNNBackpropV3"} & found == set(["CudnnRNNV3", "CudnnRNNBackpropV3"] * kernels)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_generation_does_not_use_cudnn(cell, gpu, monkeypatch):
    gpu(True)
    let_keras_use_cudnn(monkeypatch)
    network = Network(options(cell), CLASSES)
    found = operations(tf.function(network), tf.constant(BATCHES[0]), network.zero_state(3))
    assert "CudnnRNNV3" not in found


def test_gpu_uses_one_shard_and_float32_by_default(gpu):
    gpu(True)
    assert num_shards(64) == 1
    assert matmul_dtype("auto", 512) == "float32"
    assert matmul_dtype("mixed_bfloat16", 512) == "bfloat16"
