"""The command line: flags in, tables, lines and JSON out. All that it does is done by `charrnn.services`.

No module here imports the services, and with them the database's library, before a command needs them.
"""
