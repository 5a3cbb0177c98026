"""Light or dark: taken from the system at first, then remembered by the visitor's browser.

The page's first markup decides before anything is drawn, so that a dark page never begins white.
"""

import panel.ui as pui
import param
from panel.custom import JSComponent

from dashboard.patches.browser_scripts import bundle_url, page_scripts
from dashboard.theme import ASSETS

TEMPLATE = (ASSETS / "page.html").read_text("utf-8").replace("PATCHES", page_scripts()).replace("BUNDLE", bundle_url())


class Appearance(JSComponent):
    """Sets a page's appearance and remembers what its visitor chose. Shows nothing itself, but must be on the page."""

    dark = param.Boolean(default=False)

    _esm = ASSETS / "appearance.js"

    @classmethod
    def of(cls, page: pui.Page) -> "Appearance":
        """Make one and tie it to a page; in the browser, so that nothing waits for the server."""
        page.template = TEMPLATE
        appearance = cls(width=0, height=0, margin=0)
        appearance.jslink(page, dark="dark_theme", bidirectional=True)
        return appearance
