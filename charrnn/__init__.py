"""Char-RNN Studio: give it a text, watch a character RNN learn it, then write with it.

    dashboard ─┐
               ├──►  charrnn.services ──►  charrnn.model   (TensorFlow)
    charrnn.cli┘          │          └─►  charrnn.store   (SQLAlchemy, files)
                          └────────────►  charrnn.core    (NumPy, jsonschema)

Importing this package imports nothing else; `charrnn.services.open_services()` is the door.
"""

__version__ = "0.2.0"
