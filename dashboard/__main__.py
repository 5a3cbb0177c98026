"""`python -m dashboard`: open a data folder and serve it."""

import argparse
import signal
import sys

from charrnn.core.errors import StudioError
from charrnn.services import open_services


def main() -> int:
    """Serve until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description="Serve Char-RNN Studio's dashboard.")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=5006, help="port; the next free one if it is taken")
    parser.add_argument("--home", help="data folder (default: CHARRNN_HOME, or the user's data folder)")
    parser.add_argument("--database", help="URL of the database (default: from the environment, else SQLite)")
    parser.add_argument("--max-upload-mb", type=int, default=50, help="largest text that can be uploaded")
    arguments = parser.parse_args()
    try:
        services = open_services(arguments.home, database_url=arguments.database)
    except StudioError as error:
        print(error, file=sys.stderr)
        return 1

    from dashboard.server import Studio, free_port, serve

    with services:
        port = free_port(arguments.address, arguments.port)
        if port != arguments.port:
            print(f"Port {arguments.port} is taken.", flush=True)
        print(f"Char-RNN Studio is at http://{arguments.address}:{port} (Ctrl-C ends it)", flush=True)
        studio = Studio.open(services, max_upload_mb=arguments.max_upload_mb)
        # A service manager's SIGTERM must leave checkpoints as Ctrl-C does: the services close on the way out.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
        try:
            serve(studio, address=arguments.address, port=port)
        finally:
            studio.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
