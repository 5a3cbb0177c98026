"""Tests of the time loops in float64: values against NumPy, gradients against finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network import recurrence
from tests.support.rounding import assert_close

T, B, H = 4, 2, 3
ROUNDINGS = 2 * T
"""Roundings to bfloat16 up to the last step: input and state in each step."""
DRAW = np.random.default_rng(5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def mingru_by_steps(u, bias, h):
    ys = []
    for t in range(T):
        z, candidate, out = np.split(u[t], 3, 1)
        keep = 1 - sigmoid(z + bias)
        h = keep * h + (1 - keep) * candidate
        ys.append(h * out * sigmoid(out))
    return np.stack(ys), h


def rnn_by_steps(xz, bias, recurrent, h):
    hs = []
    for t in range(T):
        h = np.tanh(xz[t] + bias + h @ recurrent)
        hs.append(h)
    return np.stack(hs), h


def lstm_by_steps(xz, bias, recurrent, h, c):
    hs = []
    for t in range(T):
        i, f, g, o = np.split(xz[t] + bias + h @ recurrent, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        hs.append(h)
    return np.stack(hs), h, c


def gru_by_steps(xz, bias, recurrent, recurrent_bias, h):
    hs = []
    for t in range(T):
        xz_z, xz_r, xz_h = np.split(xz[t] + bias, 3, 1)
        hz_z, hz_r, hz_h = np.split(h @ recurrent + recurrent_bias, 3, 1)
        z, r = sigmoid(xz_z + hz_z), sigmoid(xz_r + hz_r)
        h = z * h + (1 - z) * np.tanh(xz_h + r * hz_h)
        hs.append(h)
    return np.stack(hs), h


def arguments(*shapes):
    return [DRAW.normal(size=shape) for shape in shapes]


CELLS = {
    "mingru": (
        recurrence.mingru,
        mingru_by_steps,
        arguments((T, B, 3 * H), (H,), (B, H)),
    ),
    "rnn": (
        recurrence.rnn,
        rnn_by_steps,
        arguments((T, B, H), (H,), (H, H), (B, H)),
    ),
    "lstm": (
        recurrence.lstm,
        lstm_by_steps,
        arguments((T, B, 4 * H), (4 * H,), (H, 4 * H), (B, H), (B, H)),
    ),
    "gru": (
        recurrence.gru,
        gru_by_steps,
        arguments((T, B, 3 * H), (3 * H,), (H, 3 * H), (3 * H,), (B, H)),
    ),
}
MODES = {
    "eager": lambda function: function,
    "kernels": tf.function,
    "compiled": lambda function: tf.function(function, jit_compile=True),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cell", CELLS)
def test_values_match_the_step_by_step_reference(cell, mode):
    loop, by_steps, inputs = CELLS[cell]
    results = MODES[mode](loop)(*map(tf.constant, inputs))
    for result, expected in zip(results, by_steps(*inputs), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_match_finite_differences_of_the_reference(cell, mode):
    loop, by_steps, inputs = CELLS[cell]
    weights = [DRAW.normal(size=result.shape) for result in by_steps(*inputs)]

    def total(*values):  # every number of every output has a weight of its own
        return sum((w * r).sum() for w, r in zip(weights, by_steps(*values), strict=True))

    def gradients(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            loss = tf.add_n([tf.reduce_sum(w * r) for w, r in zip(weights, loop(*tensors), strict=True)])
        return tape.gradient(loss, tensors)

    found = MODES[mode](gradients)(*map(tf.constant, inputs))
    for number, (gradient, value) in enumerate(zip(found, inputs, strict=True)):
        expected = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            ends = []
            for nudge in (1e-6, -1e-6):
                moved = [v.copy() for v in inputs]
                moved[number][place] += nudge
                ends.append(total(*moved))
            expected[place] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7, err_msg=f"argument {number}")


@pytest.mark.parametrize("cell", CELLS)
def test_bfloat16_inputs_give_bfloat16_gradients_and_float32_states(cell):
    loop, by_steps, inputs = CELLS[cell]
    tensors = [tf.constant(value, tf.float32) for value in inputs]
    tensors[0] = tf.cast(tensors[0], tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        results = loop(*tensors)
    gradients = tape.gradient(results, tensors)
    assert [g.dtype for g in gradients] == [t.dtype for t in tensors]
    assert results[-1].dtype == tf.float32
    for result, expected in zip(results, by_steps(*inputs), strict=True):
        assert_close(tf.cast(result, tf.float64), expected, roundings=ROUNDINGS, dtype="bfloat16")


@pytest.mark.parametrize("mode", ["eager", "kernels"])  # as in training, and step by step
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_bfloat16_inputs_make_the_loops_multiply_in_bfloat16(cell, mode):
    loop, _, inputs = CELLS[cell]

    def results_and_gradients(dtype, nudge):
        tensors = [tf.constant(value, tf.float32) for value in inputs]
        tensors[0] = tf.cast(tensors[0], dtype)
        # matrices with few digits, changed by less than bfloat16 can represent
        tensors[2] = tf.cast(tf.cast(tensors[2], tf.bfloat16), tf.float32) * (1 + nudge)

        def gradients(*tensors):
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                results = loop(*tensors)
            return [tf.cast(one, tf.float32) for one in (*results, *tape.gradient(results, tensors))]

        return [one.numpy() for one in MODES[mode](gradients)(*tensors)]

    exact, half = results_and_gradients(tf.float32, 0), results_and_gradients(tf.bfloat16, 0)
    for a, b, c in zip(exact, half, results_and_gradients(tf.bfloat16, 1e-3), strict=True):
        assert_close(b, a, roundings=2 * ROUNDINGS, dtype="bfloat16")  # forward and backward
        np.testing.assert_array_equal(b, c)
    assert not np.array_equal(exact[0], results_and_gradients(tf.float32, 1e-3)[0])
