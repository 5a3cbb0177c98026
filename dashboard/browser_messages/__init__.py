"""Check what browsers send before Bokeh acts on it."""
