"""Revisions of the schema, in files named by their number."""
