"""Switch between light and dark: as the system does, until the user chooses; the browser remembers the choice.

The page's HTML decides before anything is drawn (`dashboard/views/page.html`), so that a dark page never starts white.
"""

from pathlib import Path

import panel.ui as pui
import param
from panel.custom import JSComponent


class ColorScheme(JSComponent):
    """Set a page's color scheme, and remember what the user chose. Invisible, but must be on the page."""

    dark = param.Boolean(default=False)

    _esm = Path(__file__).with_suffix(".js")

    @classmethod
    def for_page(cls, page: pui.Page) -> "ColorScheme":
        """Create one that is linked to a page in the browser, so that no change waits for the server."""
        scheme = cls(width=0, height=0, margin=0)
        scheme.jslink(page, dark="dark_theme", bidirectional=True)
        return scheme
