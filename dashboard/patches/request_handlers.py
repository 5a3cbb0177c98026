"""Replace the request handlers of a Panel server, and insert a rule before its routes.

`get_server` accepts neither a subclass of `DocHandler` nor a routing rule that precedes its own, and Bokeh adds routes
for embedding an application into pages of other servers, which are not used.

Upstream: not reported. Remove when `panel.io.server.get_server` accepts handlers and routing rules.
"""

from collections.abc import Mapping
from typing import Any

from bokeh.application import Application
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.metadata_handler import MetadataHandler
from panel.io.server import AutoloadJsHandler, DocHandler, WSHandler, per_app_patterns
from tornado.routing import Rule

from dashboard.patches.compatibility import require

UNUSED = (AutoloadJsHandler, MetadataHandler)
"""Handlers for embedding an application into other pages."""


def apply() -> None:
    """Check Panel's routes; they are changed when a server is created."""
    handlers = {pattern[1] for pattern in per_app_patterns}
    require({DocHandler, WSHandler} <= handlers, "panel", "an application has routes of DocHandler and WSHandler")
    require("_applications" in BokehTornado.__annotations__, "bokeh", "BokehTornado has _applications")


def replace_handlers(server: Any, handlers: Mapping[type, type]) -> None:
    """Replace the handlers of all applications of a server, and remove unused ones.

    Raises:
        IncompatibleLibrary: The server does not have one of the handlers.
    """
    router = server._tornado.wildcard_router
    router.rules[:] = [rule for rule in router.rules if rule.target not in UNUSED]
    found = {rule.target for rule in router.rules}
    require(handlers.keys() <= found, "panel", f"a server has routes of {', '.join(h.__name__ for h in handlers)}")
    for rule in router.rules:
        rule.target = rule.handler_class = handlers.get(rule.target, rule.target)


def insert_rule(server: Any, rule: Rule) -> None:
    """Insert a routing rule before all others."""
    server._tornado.default_router.rules.insert(0, rule)


def allow_all_websocket_origins(server: Any) -> None:
    """Disable Bokeh's check of websocket origins, for servers that have a stricter one."""
    server._tornado.websocket_origins.add("*")


def applications(server: Any) -> list[Application]:
    """Return the applications of a server."""
    return [context.application for context in server._tornado._applications.values()]


def settings(server: Any) -> dict[str, Any]:
    """Return the Tornado settings of a server, which its request handlers read."""
    found: dict[str, Any] = server._tornado.settings
    return found
