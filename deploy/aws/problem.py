"""What stops a command, in words for the operator."""


class Problem(Exception):
    """Something that the operator can mend; the text says how."""
