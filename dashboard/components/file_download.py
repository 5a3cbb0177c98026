"""Hands the browser a file that took the program a while to make; buttons of Panel keep the page waiting meanwhile."""

from panel.custom import JSComponent

from dashboard.theme import ASSETS


class Delivery(JSComponent):
    """Shows nothing itself, but must be on the page."""

    _esm = ASSETS / "delivery.js"

    def hand_over(self, name: str, data: bytes) -> None:
        """Have a file downloaded under a name; with the page's lock held."""
        self._send_msg({"name": name, "data": data})
