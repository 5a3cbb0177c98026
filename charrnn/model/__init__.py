"""Build, train and run the network. This is the only package that imports TensorFlow and Keras.

Import it inside the function that needs it, because importing TensorFlow takes seconds, and import its folders from it:
`from charrnn.model import training`. That waits for another thread that is importing TensorFlow, whereas
`from charrnn.model.training import training_loop` does not, and two threads that import TensorFlow at once both fail.
"""

import os

from charrnn.model.compute.native_log_filter import suppress_startup_logs

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Level 2 would leave two misleading errors: on CPUs with AMX, that oneDNN does not multiply int32, and on machines
# without a GPU, that no driver was found. Real failures raise exceptions as well. Users can set another level, such as
# 0 for all messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0":
    import tensorflow  # noqa: F401
else:
    with suppress_startup_logs():
        import tensorflow  # noqa: F401
