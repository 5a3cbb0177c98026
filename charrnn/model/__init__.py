"""The network, its training and its writing: the only folder that imports TensorFlow and Keras.

Others import it inside the function that needs it, since `import tensorflow` takes seconds.
"""

import os

# What TensorFlow prints while it is imported says nothing to a user; a setting made outside wins.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
