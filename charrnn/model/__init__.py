"""The network, its training and its writing: the only folder that imports TensorFlow and Keras.

Import it inside the function that needs it, because importing TensorFlow takes seconds, and import modules rather than
names from them: `from charrnn.model.training import training_loop`. Several threads may do that at the same time.
"""

import os

from charrnn.model.compute.native_log_filter import startup_lines_held_back

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Level 2 would leave errors that are none: on every CPU with AMX, that oneDNN does not multiply int32, and on every
# machine without a GPU, that there is no driver for one. What fails raises an exception as well. A user who wants to
# see TensorFlow's log sets another level, 0 for all of it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0":
    import tensorflow  # noqa: F401
else:
    with startup_lines_held_back():
        import tensorflow  # noqa: F401
