"""Read texts with a trained network: statistics of each character, and what earlier characters contribute."""

from charrnn.model.reading import context_contributions, text_statistics

__all__ = ["context_contributions", "text_statistics"]
