"""Patches of Panel and Bokeh, one per file."""
