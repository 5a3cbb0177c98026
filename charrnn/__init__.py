"""Char-RNN Studio: give it a text, watch a character RNN learn it, then write with it.

    dashboard ─┐
               ├──►  charrnn.services ──►  charrnn.model   (TensorFlow)
    charrnn.cli┘          │          └─►  charrnn.store   (SQLAlchemy, files)
                          └────────────►  charrnn.core    (NumPy, jsonschema)

Importing this package imports none of its parts; `charrnn.services.open_services()` is the door.
"""

import logging

__version__ = "0.1.0"

# As libraries do: a program that uses this one decides where its log goes, and nothing is printed until then.
logging.getLogger(__name__).addHandler(logging.NullHandler())
