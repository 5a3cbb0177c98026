"""Define the exception that ends an analysis when its caller asks for it."""


class InsightStopped(Exception):
    """The caller's `should_stop` returned true."""
