"""Serve the dashboard with `python -m dashboard`."""

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
from charrnn.services.bootstrap import reject_password
from charrnn.services.database_retry import retry_while_unavailable
from dashboard.server import settings
from dashboard.server.allowed_hosts import is_loopback
from dashboard.server.login_providers import read_login_settings

NO_LOGIN = (
    "The address {address} can be reached from other machines, and no login is configured: anyone could train, read "
    "and delete models. Set --login-file or --oauth-provider, listen on 127.0.0.1, or allow this with "
    "--open-to-everybody (CHARRNN_OPEN_TO_EVERYBODY=true)."
)
WARNING = "Warning: no login is configured. Anyone who can reach {address} can train, read and delete models."
EXIT_SECONDS = 2.0
"""How long the program waits for threads at its end."""


def main() -> int:
    """Run the server until Ctrl-C or SIGTERM; return the exit code."""
    signal.signal(signal.SIGTERM, _exit_at_once)
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
    """Serve with the given arguments.

    Raises:
        StudioError: A setting is invalid or missing, or the data cannot be opened.
    """
    chosen = settings.read(arguments, os.environ)
    address = chosen["address"]
    logins = read_login_settings(chosen)
    is_open = not logins and not is_loopback(address)
    if is_open and not chosen["open_to_everybody"]:
        raise StudioError(NO_LOGIN.format(address=address))
    reject_password(arguments.database)
    services = retry_while_unavailable(
        lambda: open_services(
            chosen["home"] or None, database_url=arguments.database, environ=chosen["environ"], limits=chosen["limits"]
        ),
        seconds=lambda: chosen["database_wait"],
        on_wait=lambda error: print(f"{error} Retrying …", file=sys.stderr, flush=True),
    )

    from dashboard.server.server import Studio, free_port, serve

    logging.getLogger("charrnn").addHandler(logging.StreamHandler())  # log to standard error
    with services:
        port = free_port(address, chosen["port"])
        if port != chosen["port"]:
            print(f"Port {chosen['port']} is in use.", flush=True)
        for warning in (*logins.warnings, *([WARNING.format(address=address)] if is_open else [])):
            print(warning, file=sys.stderr, flush=True)
        studio = Studio.open(services, logins=logins)
        hosts, proxies = chosen["allow_host"], chosen["trusted_proxy"]
        try:
            server = serve(studio, address=address, port=port, allow_hosts=hosts, trusted_proxies=proxies, start=False)
            print(f"Char-RNN Studio is at http://{address}:{port} (press Ctrl-C to stop)", flush=True)
            run(server)
        finally:
            studio.close()
    _exit_soon()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dashboard",
        description="Serve the dashboard of Char-RNN Studio. Each flag can also be set by the environment variable in "
        "parentheses. Secrets are read from files or environment variables only.",
    )
    parser.add_argument("--settings", action="store_true", help="print a table of all settings in Markdown")
    settings.add_flags(parser)
    return parser


def run(server: Any) -> None:
    """Run a server until Ctrl-C or SIGTERM."""
    loop = server.io_loop

    # Do not raise SystemExit, which would be lost wherever Python ignores exceptions, such as in a finalizer.
    def stop(number: int, frame: Any) -> None:
        loop.asyncio_loop.call_soon_threadsafe(loop.stop)

    signal.signal(signal.SIGTERM, stop)
    server.start()
    loop.start()


def _exit_soon() -> None:
    """Exit even if a thread is still waiting, for example for the database; everything is saved already."""
    timer = threading.Timer(EXIT_SECONDS, os._exit, [0])
    timer.daemon = True
    timer.start()


def _exit_at_once(number: int, frame: Any) -> None:
    """Handle SIGTERM before the server has started."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
