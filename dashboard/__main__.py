"""`python -m dashboard`: open a data folder and serve it."""

import argparse
import signal
import sys
from typing import Any

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

    from dashboard import front
    from dashboard.server import Studio, free_port, serve, url_here

    with services:
        port = free_port(arguments.address, arguments.port)
        if port != arguments.port:
            print(f"Port {arguments.port} is taken.", flush=True)
        print(f"Char-RNN Studio is at http://{arguments.address}:{port} (Ctrl-C ends it)", flush=True)
        studio = Studio.open(services, max_upload_mb=arguments.max_upload_mb)
        front.visit(url_here(arguments.address, port))
        try:
            run(serve(studio, address=arguments.address, port=port, start=False))
        finally:
            studio.close()
    return 0


def run(server: Any) -> None:
    """Serve until Ctrl-C, or until a service manager's SIGTERM: services close on the way out, trainings are saved."""
    loop = server.io_loop

    # Raising SystemExit here instead would be lost wherever Python ignores exceptions, as in a finalizer.
    def end(number: int, frame: Any) -> None:
        loop.asyncio_loop.call_soon_threadsafe(loop.stop)

    signal.signal(signal.SIGTERM, end)
    server.start()
    loop.start()


if __name__ == "__main__":
    sys.exit(main())
