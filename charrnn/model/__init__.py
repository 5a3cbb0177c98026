"""The network, its training and its writing: the only folder that imports TensorFlow and Keras.

Others import it inside the function that needs it, since `import tensorflow` takes seconds, and as
`from charrnn.model import training`: that waits for another thread that is at it, which
`from charrnn.model.training import train` does not, and two threads that import TensorFlow at once both fail.
"""

import os
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _import_tensorflow() -> None:
    """Import TensorFlow and look for its devices, without the lines that its libraries write straight to the
    terminal; where something fails, they are shown."""
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import keras  # noqa: F401
            import tensorflow

            tensorflow.config.list_physical_devices()
        except BaseException:
            aside.seek(0)
            os.write(shown, aside.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)


_import_tensorflow()
