"""The time loops against step-by-step NumPy, in float64: values, and gradients against finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model import recurrence

T, B, H = 4, 2, 3
DRAW = np.random.default_rng(5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear_by_steps(keep, add, h):
    hs = []
    for t in range(T):
        h = keep[t] * h + add[t]
        hs.append(h)
    return np.stack(hs), h


def rnn_by_steps(xz, recurrent, h):
    hs = []
    for t in range(T):
        h = np.tanh(xz[t] + h @ recurrent)
        hs.append(h)
    return np.stack(hs), h


def lstm_by_steps(xz, recurrent, h, c):
    hs = []
    for t in range(T):
        i, f, g, o = np.split(xz[t] + h @ recurrent, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        hs.append(h)
    return np.stack(hs), h, c


def gru_by_steps(xz, recurrent, recurrent_bias, h):
    hs = []
    for t in range(T):
        xz_z, xz_r, xz_h = np.split(xz[t], 3, 1)
        hz_z, hz_r, hz_h = np.split(h @ recurrent + recurrent_bias, 3, 1)
        z, r = sigmoid(xz_z + hz_z), sigmoid(xz_r + hz_r)
        h = z * h + (1 - z) * np.tanh(xz_h + r * hz_h)
        hs.append(h)
    return np.stack(hs), h


def arguments(*shapes):
    return [DRAW.normal(size=shape) for shape in shapes]


CELLS = {
    "linear": (
        recurrence.linear,
        linear_by_steps,
        [sigmoid(DRAW.normal(size=(T, B, H))), *arguments((T, B, H), (B, H))],
    ),
    "rnn": (
        lambda *a: recurrence.rnn(*a, "float64"),
        rnn_by_steps,
        arguments((T, B, H), (H, H), (B, H)),
    ),
    "lstm": (
        lambda *a: recurrence.lstm(*a, "float64"),
        lstm_by_steps,
        arguments((T, B, 4 * H), (H, 4 * H), (B, H), (B, H)),
    ),
    "gru": (
        lambda *a: recurrence.gru(*a, "float64"),
        gru_by_steps,
        arguments((T, B, 3 * H), (H, 3 * H), (3 * H,), (B, H)),
    ),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("cell", CELLS)
def test_values_equal_the_step_by_step_reference(cell, compiled):
    loop, by_steps, inputs = CELLS[cell]
    results = tf.function(loop, jit_compile=compiled)(*map(tf.constant, inputs))
    for result, expected in zip(results, by_steps(*inputs), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_equal_finite_differences_of_the_reference(cell):
    loop, by_steps, inputs = CELLS[cell]
    weights = [DRAW.normal(size=result.shape) for result in by_steps(*inputs)]

    def total(*values):  # every output counts, each number of it differently
        return sum((w * r).sum() for w, r in zip(weights, by_steps(*values), strict=True))

    tensors = [tf.constant(value) for value in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        loss = tf.add_n([tf.reduce_sum(w * r) for w, r in zip(weights, loop(*tensors), strict=True)])
    for number, (gradient, value) in enumerate(zip(tape.gradient(loss, tensors), inputs, strict=True)):
        expected = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            ends = []
            for nudge in (1e-6, -1e-6):
                moved = [v.copy() for v in inputs]
                moved[number][place] += nudge
                ends.append(total(*moved))
            expected[place] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7, err_msg=f"argument {number}")


def test_products_in_bfloat16_come_back_in_the_type_that_came_in():
    a, b = tf.constant(DRAW.normal(size=(2, 3)), tf.float32), tf.constant(DRAW.normal(size=(3, 5)), tf.float32)
    result = recurrence.product(a, b, "bfloat16")
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, a.numpy() @ b.numpy(), atol=0.05)
