"""Switch between light and dark mode: follow the system until the user chooses; the browser stores the choice.

`dashboard/views/page.html` sets the mode before the first paint, so that a dark page never starts white.
"""

from pathlib import Path

import panel.ui as pui
import param
from panel.custom import JSComponent


class ColorScheme(JSComponent):
    """Sets the color scheme of a page, and stores the user's choice. Invisible, but must be on the page."""

    dark = param.Boolean(default=False)

    _esm = Path(__file__).with_suffix(".js")

    @classmethod
    def for_page(cls, page: pui.Page) -> "ColorScheme":
        """Create a color scheme that is linked to a page in the browser, so that changes do not wait for the server."""
        scheme = cls(width=0, height=0, margin=0)
        scheme.jslink(page, dark="dark_theme", bidirectional=True)
        return scheme
