"""`python -m dashboard`: open a data folder and serve it."""

import argparse
import logging
import os
import signal
import sys
import traceback
from typing import Any

from charrnn.core import limits
from charrnn.core.errors import StudioError
from charrnn.core.limits import Limits
from charrnn.services import open_services
from charrnn.services.bootstrap import refuse_password
from dashboard import logins
from dashboard.guard import is_loopback

OPEN = (
    "The address {address} can be reached from other machines, and nobody is asked who they are: all of them could "
    "train, read and delete. Give --login-file or --oauth-provider, listen on 127.0.0.1, or, if everybody who reaches "
    "this machine may do all that, add --open-to-everybody."
)
WARNING = "Warning: no login is asked for. Whoever reaches {address} can train, read and delete everything here."


def main() -> int:
    """Serve until Ctrl-C; return the exit code."""
    arguments = _parser().parse_args()
    try:
        asked = logins.read(arguments, os.environ)
        is_open = not asked and not is_loopback(arguments.address)
        if is_open and not arguments.open_to_everybody:
            raise StudioError(OPEN.format(address=arguments.address))
        refuse_password(arguments.database)
        allowed = Limits.read(os.environ, {name: getattr(arguments, name) for name in limits.means()})
        services = open_services(arguments.home, database_url=arguments.database, limits=allowed)
    except StudioError as error:
        if arguments.verbose:
            traceback.print_exc()
        print(error, file=sys.stderr)
        return 1

    from dashboard import front
    from dashboard.server import Studio, free_port, serve, url_here

    logging.getLogger("charrnn").addHandler(logging.StreamHandler())  # the server's log is its standard error
    with services:
        port = free_port(arguments.address, arguments.port)
        if port != arguments.port:
            print(f"Port {arguments.port} is taken.", flush=True)
        if is_open:
            print(WARNING.format(address=arguments.address), file=sys.stderr, flush=True)
        print(f"Char-RNN Studio is at http://{arguments.address}:{port} (Ctrl-C ends it)", flush=True)
        studio = Studio.open(services, has_logins=bool(asked))
        if not asked:
            front.visit(url_here(arguments.address, port))
        names = tuple(arguments.allow_host) + tuple(os.environ.get("CHARRNN_ALLOW_HOSTS", "").replace(",", " ").split())
        try:
            run(serve(studio, address=arguments.address, port=port, names=names, logins=asked, start=False))
        finally:
            studio.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboard", description="Serve Char-RNN Studio's dashboard.")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=5006, help="port; the next free one if it is taken")
    parser.add_argument("--home", help="data folder (default: CHARRNN_HOME, or the user's data folder)")
    parser.add_argument(
        "--database", help="URL of the database (default: from the environment, else SQLite); without a password"
    )
    parser.add_argument("--verbose", action="store_true", help="print the traceback of an error at the start")
    parser.add_argument(
        "--allow-host", metavar="NAME[:PORT]", action="append", default=[],
        help="another name under which this server is asked, as a proxy's; more with each --allow-host, or in "
        "CHARRNN_ALLOW_HOSTS",
    )  # fmt: skip
    parser.add_argument(
        "--open-to-everybody", action="store_true", help="listen on an address of other machines without any login"
    )
    logins.add_flags(parser)
    group = parser.add_argument_group("limits, 0 for none (or set CHARRNN_MAX_…)")
    for name, means in limits.means().items():
        group.add_argument(
            limits.flag(name), type=int, metavar="N", help=f"{means} (default {limits.default(name) or 'no limit'})"
        )
    return parser


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
