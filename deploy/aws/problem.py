"""Define the error that stops a command."""


class Problem(Exception):
    """An error that the operator can fix; its message explains how."""
