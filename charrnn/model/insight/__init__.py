"""Run a network to look inside it: read its hidden units, and hold some of them at a value."""

from charrnn.model.insight import hidden_states

__all__ = ["hidden_states"]
