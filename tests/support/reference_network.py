"""Compute training steps in float64, independently of the code under test."""

import keras
import numpy as np
import tensorflow as tf

SIZE = 5
KERAS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
STATES = {"lstm": 4, "gru": 2, "mingru": 7}
"""Number of state arrays of two layers: h and c of each; h of each; five vectors of the convolution and h of each."""


class Reference:
    """A network of two layers of `SIZE` units, trained with Keras' Adam in float64."""

    def __init__(self, network, rate, clip):
        self._cell, self._classes = network.options["cell"], network.num_classes
        make = self._keras_network if self._cell in KERAS else self._formulas
        self._network, self._variables = make(network)
        self._optimizer = keras.optimizers.Adam(rate, epsilon=1e-8, global_clipnorm=clip)
        self._optimizer.build(self._variables)
        self._run = tf.function(self._learn, jit_compile=False)

    def weights_of(self, network):
        """Return another network's weights in this network's order and shapes."""
        if self._cell not in KERAS:
            return [weight.numpy() for weight in network.weights]
        arrays = []
        for layer in network.recurrent:
            kernel, recurrent, *biases = layer.get_weights()
            arrays += [kernel, recurrent, np.stack(biases) if len(biases) > 1 else biases[0]]
        return [*arrays, network.output_kernel.numpy(), network.output_bias.numpy()]

    def step(self, network, state, batch):
        """Train on a batch, starting from a network's weights and a state (`None`: zero).

        Returns:
            Loss, gradient norm, weights after the step in the order of `weights_of`, and state after it.
        """
        for variable, array in zip(self._variables, self.weights_of(network), strict=True):
            variable.assign(array.astype(np.float64))
        state = state or [np.zeros((len(batch), SIZE))] * STATES[self._cell]
        loss, norm, after = self._run(tf.constant(batch), [tf.constant(array, tf.float64) for array in state])
        return float(loss), float(norm), [variable.numpy() for variable in self._variables], after

    def _learn(self, batch, state):
        with tf.GradientTape() as tape:
            logits, after = self._network(batch[:, :-1], state)
            losses = keras.losses.sparse_categorical_crossentropy(batch[:, 1:], logits, from_logits=True)
            loss = tf.reduce_mean(losses)
        variables = [variable.value for variable in self._variables]
        gradients = tape.gradient(loss, variables)
        self._optimizer.apply(gradients, self._variables)
        return loss, tf.linalg.global_norm(gradients), after

    def _keras_network(self, network):
        """Return a function from ids `(B, T)` and state to logits, built from Keras' layers, and its weights."""
        kind, classes = KERAS[self._cell], self._classes
        layers = [kind(SIZE, return_sequences=True, return_state=True, dtype="float64") for _ in range(2)]
        dense = keras.layers.Dense(classes, dtype="float64")
        for layer, size in zip((*layers, dense), (classes, SIZE, SIZE), strict=True):
            layer.build((3, 4, size))

        def logits_and_state(ids, state):
            x, after, each = tf.one_hot(ids, classes, dtype=tf.float64), [], len(state) // 2
            for number, layer in enumerate(layers):
                before = state[number * each : (number + 1) * each]
                x, *new = layer(x, initial_state=before)
                after += new
            return dense(x), after

        return logits_and_state, [weight for layer in (*layers, dense) for weight in layer.trainable_variables]

    def _formulas(self, network):
        """Return the same for mingru, which is computed from its formulas, character by character."""
        variables = [keras.Variable(weight.numpy(), dtype="float64", name=weight.name) for weight in network.weights]
        weights = dict(zip((weight.path for weight in network.weights), variables, strict=True))

        def one_layer(name, x, h):
            z, candidate, out = tf.split(x @ weights[f"{name}/kernel"], 3, 1)
            z = tf.sigmoid(z + weights[f"{name}/bias"])
            h = (1 - z) * h + z * candidate
            return (h * out * tf.sigmoid(out)) @ weights[f"{name}/output_kernel"], h

        def logits_and_state(ids, state):
            (*window, first, second), outputs = state, []
            for t in range(ids.shape[1]):
                row = tf.one_hot(ids[:, t], self._classes, dtype=tf.float64) @ weights["charrnn/table"]
                window = [*window, row][-6:]
                total = tf.add_n([weights["convolution/kernel"][back] * window[-1 - back] for back in range(6)])
                y, first = one_layer("layer_1", rms_norm(total), first)
                total += y
                y, second = one_layer("layer_2", rms_norm(total), second)
                outputs.append(rms_norm(total + y) @ weights["charrnn/output_kernel"] + weights["charrnn/output_bias"])
            return tf.stack(outputs, 1), [*window[1:], first, second]

        return logits_and_state, variables


def rms_norm(x):
    return x / tf.sqrt(tf.reduce_mean(x * x, -1, keepdims=True) + 1e-6)
