"""Define the revisions of the schema, one per module, numbered in order."""
