"""Everything that is kept: tables, transactions and files. Knows nothing of networks or of who asks."""
