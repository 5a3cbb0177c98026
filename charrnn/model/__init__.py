"""The network, its training and its writing: the only folder that imports TensorFlow and Keras.

Others import it inside the function that needs it, since `import tensorflow` takes seconds, and as
`from charrnn.model import training`: that waits for another thread that is at it, which
`from charrnn.model.training import train` does not, and two threads that import TensorFlow at once both fail.
"""

import os

from charrnn.model.c_stderr import startup_lines_held_back

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
