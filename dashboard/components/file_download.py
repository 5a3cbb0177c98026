"""Download a file that took a while to make. Panel's own download button blocks the page meanwhile."""

from pathlib import Path

from panel.custom import JSComponent


class DownloadTrigger(JSComponent):
    """Start a download in the browser. Invisible, but must be on the page."""

    _esm = Path(__file__).with_suffix(".js")

    def download(self, name: str, data: bytes) -> None:
        """Download a file under a name; needs the page's lock."""
        self._send_msg({"name": name, "data": data})
