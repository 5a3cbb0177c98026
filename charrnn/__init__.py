"""Char-RNN Studio: train character-level RNNs on a text and generate text with them.

    dashboard ─┐
               ├──►  charrnn.services ──►  charrnn.model   (TensorFlow)
    charrnn.cli┘          │          └─►  charrnn.store   (SQLAlchemy, files)
                          └────────────►  charrnn.core    (NumPy, jsonschema)

Importing this package imports none of its subpackages. Start with `charrnn.services.open_services()`.
"""

import logging

__version__ = "0.2.0"

# Logging is left to the application: without a handler of its own, nothing is printed.
logging.getLogger(__name__).addHandler(logging.NullHandler())
