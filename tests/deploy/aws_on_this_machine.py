"""Serves moto's AWS on a free port of 127.0.0.1, prints its address, and ends with its standard input."""

import sys
import warnings

from moto.server import ThreadedMotoServer

from tests.deploy import moto_gaps  # noqa: F401  adds to moto

warnings.filterwarnings("ignore", message=".*not supported by moto's CloudFormation.*")
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
sys.stdin.read()
server.stop()
