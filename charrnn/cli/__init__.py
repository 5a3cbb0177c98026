"""Provide the command line, a thin layer over `charrnn.services`.

The modules import the services, and with them SQLAlchemy, only inside the commands that need them.
"""
