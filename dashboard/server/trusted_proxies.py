"""Read the address and scheme of a client from the forwarded headers of trusted proxies."""

import ipaddress
from collections.abc import Iterable

from tornado.httputil import HTTPServerRequest

from charrnn.core.errors import StudioError
from dashboard.server.allowed_hosts import is_ip_address


class TrustedProxies:
    """The proxies whose forwarded headers are trusted.

    Args:
        trusted: Addresses or networks, such as `127.0.0.1` or `10.0.0.0/8`.

    Raises:
        StudioError: An entry is neither an address nor a network.
    """

    def __init__(self, trusted: Iterable[str] = ()):
        self._networks = []
        for entry in trusted:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip(), strict=False))
            except ValueError:
                raise StudioError(
                    f"--trusted-proxy is {entry!r}; expected an address or a network, such as 127.0.0.1 or 10.0.0.0/8."
                ) from None

    def apply(self, request: HTTPServerRequest) -> None:
        """Set a request's address and scheme to those of the client, if a trusted proxy sent them."""
        if not self._trusts(request.remote_ip or ""):
            return
        hops = [hop.strip() for line in request.headers.get_list("X-Forwarded-For") for hop in line.split(",")]
        # Each proxy appends the address of its client; entries to the left of an untrusted address may be forged.
        for hop in reversed(hops):
            if not is_ip_address(hop):
                break
            request.remote_ip = hop
            if not self._trusts(hop):
                break
        schemes = request.headers.get("X-Forwarded-Proto", "").split(",")
        if schemes[-1].strip() in ("http", "https"):
            request.protocol = schemes[-1].strip()

    def _trusts(self, address: str) -> bool:
        return is_ip_address(address) and any(ipaddress.ip_address(address) in network for network in self._networks)


def network_of(address: str | None) -> str:
    """Return the network that identifies a client: its IPv4 address, or the /64 network of its IPv6 address."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
