"""Where there is a GPU, LSTM and GRU learn by Keras' layers, which are cuDNN's there. Elsewhere the same layers are
loops of TensorFlow, so that what they give can be compared with our own loops on any machine."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.compute.gpu import has_gpu
from charrnn.model.compute.precision import matmul_dtype
from charrnn.model.compute.sharding import num_shards
from charrnn.model.network.network import Network
from charrnn.model.training.evaluation import Evaluation
from charrnn.model.training.train_step import Engine
from tests.support.rounding import EPSILON, FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, IDS, tiny

DRAW = np.random.default_rng(8)
BATCHES = [DRAW.integers(0, CLASSES, (3, 5)).astype(np.int32) for _ in range(40)]
ROUNDINGS = 2 * 2 * 4 * (CLASSES + 2 * 5 + FUNCTION)
"""Forward and backward, through two layers, four characters, and in each the sums over input and memory and a gate."""


@pytest.fixture
def gpu(monkeypatch):
    """Adds a GPU to the machine, or takes it away, as far as we ask; nothing is computed on it."""
    real = tf.config.list_physical_devices

    def plug(there):
        monkeypatch.setattr(
            tf.config, "list_physical_devices", lambda kind=None: ["one"] * there if kind == "GPU" else real(kind)
        )
        assert has_gpu() is there

    return plug


def options(cell, **changes):
    return tiny(cell=cell, precision="float32", grad_clip=0.2, **changes)


def steps(engine, batches, first=0):
    """Learn; the first and the sixteenth step restart."""
    return [engine.step(b, n, 0.01, restart=n in (0, 15)) for n, b in enumerate(batches, first)]


@pytest.mark.parametrize("embedding", [True, False], ids=["embedded", "one-hot"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_each_of_many_steps_with_a_gpu_is_that_without(cell, embedding, gpu):
    """Both take each step from the same weights, since a training amplifies what rounding did to the step before."""
    own = options(cell, use_embedding=embedding)
    gpu(False)
    without = Engine(own, CLASSES, parts=1)
    gpu(True)
    with_gpu = Engine(own, CLASSES)
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
def test_a_training_goes_on_on_the_other_kind_of_machine(cell, begins_on_gpu, gpu):
    gpu(begins_on_gpu)
    one = Engine(options(cell), CLASSES, parts=1)
    steps(one, BATCHES[:7])
    stored = one.weights(), one.training_state()
    expected = steps(one, BATCHES[7:12], 7)
    gpu(not begins_on_gpu)
    other = Engine(options(cell), CLASSES, parts=1)
    assert other.load(*stored) is True
    # Five steps magnify what rounding does, each by a little.
    np.testing.assert_allclose(steps(other, BATCHES[7:12], 7), expected, rtol=5 * ROUNDINGS * EPSILON["float32"])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("like", [None, (3, 4)], ids=["by itself", "in training"])
def test_a_validation_with_a_gpu_is_that_without(cell, like, gpu):
    gpu(False)
    expected = Evaluation(Network(options(cell), CLASSES), IDS, first=9, like=like).losses()
    gpu(True)
    found = Evaluation(Network(options(cell), CLASSES), IDS, first=9, like=like).losses()
    assert_close(found, expected, roundings=ROUNDINGS)


def keras_takes_cudnn(monkeypatch):
    """Answer what Keras asks before it does so. A graph with cuDNN can be made anywhere, but not run."""
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: ["one"])


def operations(function, *arguments):
    """Names of all kinds of operations in a graph and in what it calls; nothing is computed."""
    graph = function.get_concrete_function(*arguments).graph.as_graph_def()
    return {node.op for node in graph.node} | {node.op for one in graph.library.function for node in one.node_def}


@pytest.mark.parametrize(("cell", "kernels"), [("lstm", 1), ("gru", 1), ("rnn", 0), ("mingru", 0)])
def test_on_a_gpu_cudnn_computes_forward_and_backward(cell, kernels, gpu, monkeypatch):
    gpu(True)
    keras_takes_cudnn(monkeypatch)
    engine = Engine(options(cell), CLASSES)
    memory = engine.network.zero_state(3)
    found = operations(tf.function(engine._gradients), tf.constant(BATCHES[0]), memory, tf.constant(3))
    assert {"CudnnRNNV3", "CudnnRNNBackpropV3"} & found == set(["CudnnRNNV3", "CudnnRNNBackpropV3"] * kernels)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_program_that_writes_has_no_cudnn_inside(cell, gpu, monkeypatch):
    gpu(True)
    keras_takes_cudnn(monkeypatch)
    network = Network(options(cell), CLASSES)
    found = operations(tf.function(network), tf.constant(BATCHES[0]), network.zero_state(3))
    assert "CudnnRNNV3" not in found


def test_on_a_gpu_work_is_not_cut_and_auto_is_float32(gpu):
    gpu(True)
    assert num_shards(64) == 1
    assert matmul_dtype("auto", 512) == "float32"
    assert matmul_dtype("mixed_bfloat16", 512) == "bfloat16"
