"""Training steps in float64 by layers, formulas and an optimizer that know nothing of ours."""

import keras
import numpy as np
import tensorflow as tf

SIZE = 5
KERAS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
STATES = {"lstm": 4, "gru": 2, "mingru": 7}
"""Arrays that two layers remember: h and c of each; h of each; five vectors that the convolution read and h of each."""


class Reference:
    """A network of two layers of `SIZE` units that is trained by Keras' Adam, all in float64."""

    def __init__(self, network, rate, clip):
        self._cell, self._classes = network.options["cell"], network.num_classes
        make = self._keras_scores if self._cell in KERAS else self._formulas
        self._scores, self._variables = make(network)
        self._optimizer = keras.optimizers.Adam(rate, epsilon=1e-8, global_clipnorm=clip)
        self._optimizer.build(self._variables)
        self._run = tf.function(self._learn, jit_compile=False)

    def arranged(self, network):
        """Return another network's weights in the order and shape of this one's."""
        if self._cell not in KERAS:
            return [weight.numpy() for weight in network.weights]
        arrays = []
        for layer in network.recurrent:
            kernel, recurrent, *biases = layer.get_weights()
            arrays += [kernel, recurrent, np.stack(biases) if len(biases) > 1 else biases[0]]
        return [*arrays, network.output_kernel.numpy(), network.output_bias.numpy()]

    def step(self, network, memory, batch):
        """Learn from a batch as a network that has these weights and this memory (`None`: an empty one).

        Returns:
            Loss, norm of the gradients, weights after the step as `arranged`, and memory after it.
        """
        for variable, array in zip(self._variables, self.arranged(network), strict=True):
            variable.assign(array.astype(np.float64))
        memory = memory or [np.zeros((len(batch), SIZE))] * STATES[self._cell]
        loss, norm, after = self._run(tf.constant(batch), [tf.constant(array, tf.float64) for array in memory])
        return float(loss), float(norm), [variable.numpy() for variable in self._variables], after

    def _learn(self, batch, memory):
        with tf.GradientTape() as tape:
            logits, after = self._scores(batch[:, :-1], memory)
            losses = keras.losses.sparse_categorical_crossentropy(batch[:, 1:], logits, from_logits=True)
            loss = tf.reduce_mean(losses)
        variables = [variable.value for variable in self._variables]
        gradients = tape.gradient(loss, variables)
        self._optimizer.apply(gradients, self._variables)
        return loss, tf.linalg.global_norm(gradients), after

    def _keras_scores(self, network):
        """Scores by Keras' own layers: a function of ids `(B, T)` and memory, and its weights."""
        kind, classes = KERAS[self._cell], self._classes
        layers = [kind(SIZE, return_sequences=True, return_state=True, dtype="float64") for _ in range(2)]
        dense = keras.layers.Dense(classes, dtype="float64")
        for layer, size in zip((*layers, dense), (classes, SIZE, SIZE), strict=True):
            layer.build((3, 4, size))

        def scores(ids, memory):
            x, after, each = tf.one_hot(ids, classes, dtype=tf.float64), [], len(memory) // 2
            for number, layer in enumerate(layers):
                before = memory[number * each : (number + 1) * each]
                x, *new = layer(x, initial_state=before)
                after += new
            return dense(x), after

        return scores, [weight for layer in (*layers, dense) for weight in layer.trainable_variables]

    def _formulas(self, network):
        """The same by the fast cell's formulas, character by character."""
        variables = [keras.Variable(weight.numpy(), dtype="float64", name=weight.name) for weight in network.weights]
        weights = dict(zip((weight.path for weight in network.weights), variables, strict=True))

        def one_layer(name, x, h):
            z, candidate, out = tf.split(x @ weights[f"{name}/kernel"], 3, 1)
            z = tf.sigmoid(z + weights[f"{name}/bias"])
            h = (1 - z) * h + z * candidate
            return (h * out * tf.sigmoid(out)) @ weights[f"{name}/output_kernel"], h

        def scores(ids, memory):
            (*read, first, second), found = memory, []
            for t in range(ids.shape[1]):
                row = tf.one_hot(ids[:, t], self._classes, dtype=tf.float64) @ weights["charrnn/table"]
                read = [*read, row][-6:]
                total = tf.add_n([weights["convolution/kernel"][back] * read[-1 - back] for back in range(6)])
                y, first = one_layer("layer_1", norm_of(total), first)
                total += y
                y, second = one_layer("layer_2", norm_of(total), second)
                found.append(norm_of(total + y) @ weights["charrnn/output_kernel"] + weights["charrnn/output_bias"])
            return tf.stack(found, 1), [*read[1:], first, second]

        return scores, variables


def norm_of(x):
    return x / tf.sqrt(tf.reduce_mean(x * x, -1, keepdims=True) + 1e-6)
