"""Export a model as one HTML file that generates text offline."""

from charrnn.services.web_page.page import MAX_WEIGHTS, WebPage, render

__all__ = ["MAX_WEIGHTS", "WebPage", "render"]
