"""Show the progress of a training in the title and the icon of the browser tab."""

from pathlib import Path

import param
from panel.custom import JSComponent


class BrowserTab(JSComponent):
    """Set the title and the icon of the browser tab. Invisible, but must be on the page."""

    text = param.String(default="", doc="Title of the tab; if empty, that of the page.")
    percent = param.Integer(default=-1, bounds=(-1, 100), doc="Progress that the icon shows; -1 for the usual icon.")

    _esm = Path(__file__).with_suffix(".js")

    def show(self, text: str, percent: int) -> None:
        """Show a title and a progress, if they have changed."""
        if (text, percent) != (self.text, self.percent):
            self.param.update(text=text, percent=percent)
