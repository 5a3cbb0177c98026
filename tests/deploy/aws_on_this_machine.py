"""Serve the AWS simulation of moto on a free loopback port, print its address, and exit when standard input closes."""

import sys
import warnings

from moto.server import ThreadedMotoServer

from tests.deploy import moto_gaps  # noqa: F401  extends moto

warnings.filterwarnings("ignore", message=".*not supported by moto's CloudFormation.*")
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
sys.stdin.read()
server.stop()
