"""Start a download from the server. Panel's download button blocks the page while the server creates the file."""

from pathlib import Path

from panel.custom import JSComponent


class DownloadTrigger(JSComponent):
    """Starts downloads in the browser. Invisible, but must be on the page."""

    _esm = Path(__file__).with_suffix(".js")

    def download(self, name: str, data: bytes) -> None:
        """Let the browser save a file under a name; needs the page's lock."""
        self._send_msg({"name": name, "data": data})
