"""Decide which host names and origins the server accepts."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from charrnn.core.errors import StudioError

DEFAULT_PORTS = {"http": "80", "https": "443"}


def is_loopback(address: str) -> bool:
    """Return whether an address is only reachable from this machine."""
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(address or "0.0.0.0", None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses)


@dataclass(frozen=True)
class AllowedHost:
    """A host that the operator allows: `NAME` or `NAME:PORT`, each also after `http://` or `https://`.

    Without a port, the default ports of HTTP and HTTPS are allowed, and the port of the server. With a scheme, only
    pages of that scheme are allowed, and its default port; `https://` also marks cookies as Secure.
    """

    name: str
    port: str = ""
    scheme: str = ""

    @classmethod
    def parse(cls, text: str) -> "AllowedHost":
        """Parse a value of `--allow-host`.

        Raises:
            StudioError: The host is invalid.
        """
        scheme, separator, rest = text.strip().rpartition("://")
        name, port = split_host(rest)
        known = not separator or scheme.lower() in DEFAULT_PORTS
        if not known or not name or "/" in rest or "@" in rest or (port and not (port.isascii() and port.isdigit())):
            raise StudioError(f"--allow-host is {text!r}; expected NAME, NAME:PORT, https://NAME or https://NAME:PORT.")
        return cls(name, port, scheme.lower())

    def allows(self, name: str, port: str, own_port: int) -> bool:
        """Return whether a name and port of a Host header are allowed; the port is empty if the header has none."""
        if name != self.name:
            return False
        if self.port:
            return (port or DEFAULT_PORTS.get(self.scheme, "")) == self.port or (
                not port and not self.scheme and self.port in DEFAULT_PORTS.values()
            )
        if self.scheme:
            return port in ("", DEFAULT_PORTS[self.scheme])
        return port in ("", *DEFAULT_PORTS.values(), str(own_port))


class AllowedHosts:
    """The host names that a server accepts.

    Names of this machine (`localhost`, its address, its host name) are accepted with any port, since a tunnel or a
    container may map the port.

    Args:
        address: Address that the server listens on.
        allowed: Additional hosts in the syntax of `--allow-host`, such as that of a proxy.
        port: Port that the server listens on.

    Raises:
        StudioError: An additional host is invalid.
    """

    def __init__(self, address: str, allowed: tuple[str, ...] = (), port: int = 0):
        self.address, self.port = address, port
        self._allowed = [AllowedHost.parse(entry) for entry in allowed]

    def accepts(self, host: str) -> bool:
        """Return whether a Host header is accepted."""
        name, port = split_host(host)
        if name in self._own_names or any(entry.allows(name, port, self.port) for entry in self._allowed):
            return True
        # An attacker can make a domain resolve to this machine (DNS rebinding), but not an IP address.
        return not is_loopback(self.address) and is_ip_address(name)

    def trusts(self, origin: str, host: str, protocol: str = "http") -> bool:
        """Return whether an Origin header belongs to a page of this server.

        Args:
            origin: The header.
            host: The Host header of the same request.
            protocol: Protocol of the request, `http` or `https`.
        """
        parts = urlsplit(origin)
        if parts.scheme not in DEFAULT_PORTS or parts.path or parts.query or parts.fragment:
            return False
        name, port = split_host(parts.netloc)
        if any(entry.scheme in ("", parts.scheme) and entry.allows(name, port, self.port) for entry in self._allowed):
            return True
        # A page loaded over HTTP could have been changed in transit, so it must not use a server over HTTPS.
        return parts.netloc.lower() == host.lower() and (parts.scheme == "https" or not self.is_secure(host, protocol))

    def is_secure(self, host: str, protocol: str) -> bool:
        """Return whether the browser uses HTTPS, to this server or to a proxy in front of it."""
        name, port = split_host(host)
        schemes = [entry.scheme for entry in self._allowed if entry.allows(name, port, self.port)]
        return protocol == "https" or (bool(schemes) and all(scheme == "https" for scheme in schemes))

    @property
    def _own_names(self) -> set[str]:
        loopback = {"localhost", "127.0.0.1", "::1"}
        return loopback | {self.address} | (set() if is_loopback(self.address) else {socket.gethostname().lower()})


def split_host(host: str) -> tuple[str, str]:
    """Return the name and the port of a Host header; the port is empty if there is none."""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        return name.lower(), port.removeprefix(":")
    name, _, port = host.partition(":")
    return name.lower().rstrip("."), port


def is_ip_address(name: str) -> bool:
    """Return whether a name is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
