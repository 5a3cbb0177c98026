"""Generate text with a trained network, character by character."""

from charrnn.model.generation import generator

__all__ = ["generator"]
