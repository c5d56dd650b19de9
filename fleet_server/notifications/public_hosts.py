"""Which hosts this server may be sent to by what a person typed in: public ones (SSRF).

A name is judged twice: by its look when it is stored, and by what it resolves to when it is used,
because a name may point elsewhere by then.
"""

import ipaddress
import socket

from fleet_server.notifications.errors import PrivateHostError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 inside IPv6 (RFC 6052, 2.1): the address that counts is in the last four bytes."""


def host_problem(host: str) -> str | None:
    """Why a host name is refused by its look alone; None when it may be public."""
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        if "." not in host.strip(".") or host.endswith((".localhost", ".local", ".internal")):
            return f"{host} is a name inside a house"
        return None
    return None if is_public(literal) else f"{host} is no public address"


def is_public(address: Address) -> bool:
    """Whether an address belongs to the internet at large, also where it wraps another one."""
    inner = _wrapped(address)
    return inner.is_global and not inner.is_multicast


def resolved(host: str, port: int, *, private: bool) -> list[tuple[str, int]]:
    """Addresses of a host, all of them public unless `private`.

    One private address among public ones refuses them all: which one is taken is not ours to say.
    Raises PrivateHostError, OSError when the name is unknown.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [(str(entry[4][0]), port) for entry in found]
    if not private:
        for text, _ in addresses:
            if not is_public(ipaddress.ip_address(text.partition("%")[0])):
                raise PrivateHostError(host)
    return addresses


def _wrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
