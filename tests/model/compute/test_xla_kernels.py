"""Tests of compiled kernels: sharing, eager mode and gradients."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.compute.xla_kernels import fused_kernel, xla_kernel

X, Y = np.random.default_rng(5).normal(size=(2, 3, 4))


def counted():
    """Return a kernel, and a list of the shapes and constants it was traced with."""
    traced = []

    @xla_kernel
    def scaled(x, *, by):
        traced.append((tuple(x.shape), by))
        return by * x

    return scaled, traced


def test_kernel_is_compiled_once_per_shape_and_constant():
    scaled, traced = counted()
    step = tf.function(lambda x, y: (scaled(scaled(x, by=2.0), by=2.0), scaled(x, by=3.0), scaled(y, by=2.0)))
    for _ in range(2):
        first, second, third = step(tf.constant(X), tf.constant(Y[:2]))
    assert sorted(traced) == [((2, 4), 2.0), ((3, 4), 2.0), ((3, 4), 3.0)]
    for found, expected in ((first, 4 * X), (second, 3 * X), (third, 2 * Y[:2])):
        np.testing.assert_allclose(found, expected)


def test_kernel_is_not_compiled_in_eager_mode():
    scaled, traced = counted()
    for _ in range(2):
        np.testing.assert_allclose(scaled(tf.constant(X), by=5.0), 5 * X)
    assert len(traced) == 2  # run, not compiled


@fused_kernel
def product_and_sum(x, y, number, *, power):
    return x**power * y, tf.cast(number, x.dtype) * x + y


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "kernels"])
def test_fused_kernel_has_the_gradients_of_the_function(compiled):
    def gradients(function, x, y):
        with tf.GradientTape() as tape:
            tape.watch((x, y))
            one, two = function(x, y, tf.constant(3), power=2)
            loss = tf.reduce_sum(one) + tf.reduce_sum(tf.sin(two))
        return tape.gradient(loss, (x, y))

    def plain(x, y, number, *, power):
        return x**power * y, tf.cast(number, x.dtype) * x + y

    run = tf.function(gradients) if compiled else gradients
    found = run(product_and_sum, tf.constant(X), tf.constant(Y))
    for gradient, expected in zip(found, gradients(plain, tf.constant(X), tf.constant(Y)), strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-10)
