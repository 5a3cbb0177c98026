"""Run the same training steps with Keras' layers and `fit`, with the default settings of `compile`, in turns."""

import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from turn_protocol import WARM_UP_STEPS, TrainingSize, send, steps_per_turn, wait_for_turn  # noqa: E402


class Turns(keras.callbacks.Callback):
    """Run one epoch per turn, so that no callback code runs between steps."""

    def on_epoch_begin(self, epoch, logs=None):
        if not wait_for_turn():
            raise SystemExit
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        send((time.perf_counter() - self.begun) / self.params["steps"])


def build_network(size: TrainingSize) -> keras.Model:
    """Build a stateful network from characters to logits, with dropout after each layer."""
    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[size.cell]
    ids = keras.Input(batch_shape=(size.batch, size.window), dtype="int32")
    x = keras.layers.Embedding(size.classes, size.units)(ids)
    for _ in range(size.layers):
        x = layer(size.units, return_sequences=True, stateful=True)(x)
        x = keras.layers.Dropout(0.5)(x)
    return keras.Model(ids, keras.layers.Dense(size.classes)(x))


def main() -> None:
    """Train on one random batch."""
    size = TrainingSize.from_arguments()
    model = build_network(size)
    model.compile(
        keras.optimizers.Adam(0.001, global_clipnorm=5.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    ids, targets = np.random.default_rng(1).integers(0, size.classes, (2, size.batch, size.window)).astype(np.int32)
    batches = tf.data.Dataset.from_tensors((ids, targets)).repeat()
    model.fit(batches, steps_per_epoch=WARM_UP_STEPS, verbose=0)
    begun = time.perf_counter()
    model.fit(batches, steps_per_epoch=2, verbose=0)
    steps = steps_per_turn((time.perf_counter() - begun) / 2)
    send("ready")
    model.fit(batches, steps_per_epoch=steps, epochs=10**9, verbose=0, callbacks=[Turns()])


if __name__ == "__main__":
    main()
