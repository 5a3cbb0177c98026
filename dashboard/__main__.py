"""`python -m dashboard`: open a data folder and serve it."""

import argparse
import logging
import os
import signal
import sys
import threading
import traceback
from typing import Any

from charrnn.core.errors import StudioError
from charrnn.services import open_services
from charrnn.services.bootstrap import refuse_password
from charrnn.services.database_retry import patiently
from dashboard.server import settings
from dashboard.server.allowed_hosts import is_loopback
from dashboard.server.login_providers import read_logins

OPEN = (
    "The address {address} can be reached from other machines, and nobody is asked who they are: all of them could "
    "train, read and delete. Give --login-file or --oauth-provider, listen on 127.0.0.1, or, if everybody who reaches "
    "this machine may do all that, add --open-to-everybody (CHARRNN_OPEN_TO_EVERYBODY=true)."
)
LAST_SECONDS = 2.0
WARNING = "Warning: no login is asked for. Whoever reaches {address} can train, read and delete everything here."


def main() -> int:
    """Serve until Ctrl-C or SIGTERM; return the exit code."""
    signal.signal(signal.SIGTERM, _end_at_once)
    arguments = _parser().parse_args()
    if arguments.settings:
        print(settings.table())
        return 0
    try:
        return _serve(arguments)
    except StudioError as error:
        if settings.is_verbose(arguments, os.environ):
            traceback.print_exc()
        print(error, file=sys.stderr)
        return 1


def _serve(arguments: argparse.Namespace) -> int:
    """Serve.

    Raises:
        StudioError: A setting is wrong or missing, or the data cannot be opened.
    """
    chosen = settings.read(arguments, os.environ)
    address = chosen["address"]
    logins = read_logins(chosen)
    is_open = not logins and not is_loopback(address)
    if is_open and not chosen["open_to_everybody"]:
        raise StudioError(OPEN.format(address=address))
    refuse_password(arguments.database)
    services = patiently(
        lambda: open_services(
            chosen["home"] or None, database_url=arguments.database, environ=chosen["environ"], limits=chosen["limits"]
        ),
        seconds=lambda: chosen["database_wait"],
        on_wait=lambda error: print(f"{error} Waiting …", file=sys.stderr, flush=True),
    )

    from dashboard.server.server import Studio, free_port, serve

    logging.getLogger("charrnn").addHandler(logging.StreamHandler())  # the server's log is its standard error
    with services:
        port = free_port(address, chosen["port"])
        if port != chosen["port"]:
            print(f"Port {chosen['port']} is taken.", flush=True)
        for warning in (*logins.warnings, *([WARNING.format(address=address)] if is_open else [])):
            print(warning, file=sys.stderr, flush=True)
        studio = Studio.open(services, logins=logins)
        names, proxies = chosen["allow_host"], chosen["trusted_proxy"]
        try:
            server = serve(studio, address=address, port=port, names=names, proxies=proxies, start=False)
            print(f"Char-RNN Studio is at http://{address}:{port} (Ctrl-C ends it)", flush=True)
            run(server)
        finally:
            studio.close()
    _end_soon()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dashboard",
        description="Serve Char-RNN Studio's dashboard. Each flag has an environment variable, in parentheses; "
        "secrets are files or variables, never flags.",
    )
    parser.add_argument("--settings", action="store_true", help="print a table of all settings in Markdown")
    settings.add_flags(parser)
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


def _end_soon() -> None:
    """End the process although some of its threads wait, as for a silent database: all that is to be kept is saved."""
    timer = threading.Timer(LAST_SECONDS, os._exit, [0])
    timer.daemon = True
    timer.start()


def _end_at_once(number: int, frame: Any) -> None:
    """End a program that does not serve yet."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
