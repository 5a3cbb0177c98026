"""Validate messages from browsers before Bokeh applies them."""
