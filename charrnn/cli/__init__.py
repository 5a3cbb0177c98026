"""The command line, a thin layer over `charrnn.services`.

Its modules import the services, and with them SQLAlchemy, only inside the commands that need them.
"""
