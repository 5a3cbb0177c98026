"""Run the same training steps with Keras layers and `fit`, compiled with the defaults of Keras, in turns."""

import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from turn_protocol import WARM_UP, Work, steps_of_a_turn, tell, wait  # noqa: E402


class Turns(keras.callbacks.Callback):
    """A data set with one epoch per turn, so that nothing runs between steps."""

    def on_epoch_begin(self, epoch, logs=None):
        if not wait():
            raise SystemExit
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        tell((time.perf_counter() - self.begun) / self.params["steps"])


def network(work: Work) -> keras.Model:
    """Build a stateful network from characters to logits, with dropout after each layer."""
    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[work.cell]
    ids = keras.Input(batch_shape=(work.batch, work.window), dtype="int32")
    x = keras.layers.Embedding(work.classes, work.units)(ids)
    for _ in range(work.layers):
        x = layer(work.units, return_sequences=True, stateful=True)(x)
        x = keras.layers.Dropout(0.5)(x)
    return keras.Model(ids, keras.layers.Dense(work.classes)(x))


def main() -> None:
    """Train on one random batch."""
    work = Work.asked()
    model = network(work)
    model.compile(
        keras.optimizers.Adam(0.001, global_clipnorm=5.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    ids, targets = np.random.default_rng(1).integers(0, work.classes, (2, work.batch, work.window)).astype(np.int32)
    batches = tf.data.Dataset.from_tensors((ids, targets)).repeat()
    model.fit(batches, steps_per_epoch=WARM_UP, verbose=0)
    begun = time.perf_counter()
    model.fit(batches, steps_per_epoch=2, verbose=0)
    steps = steps_of_a_turn((time.perf_counter() - begun) / 2)
    tell("ready")
    model.fit(batches, steps_per_epoch=steps, epochs=10**9, verbose=0, callbacks=[Turns()])


if __name__ == "__main__":
    main()
