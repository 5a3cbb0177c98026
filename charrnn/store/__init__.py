"""Store models, corpora and training histories in a database, and texts in files."""
