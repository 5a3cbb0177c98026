"""Serve the dashboard with `panel serve dashboard/app.py`, for development."""

import os

import panel as pn

from charrnn.core.quotas import Limits
from charrnn.services import open_services
from dashboard.server.server import Studio

studio = pn.state.as_cached(
    "char-rnn studio", lambda: Studio.open(open_services(limits=Limits.read(os.environ, server=True)))
)
studio.page().servable()
