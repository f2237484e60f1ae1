"""Which addresses may be called: those of the public internet, and no others.

The ranges are those that IANA's special-purpose registries (RFC 6890) keep from being reached
globally, multicast, and what carries an IPv4 address inside an IPv6 one, which counts as that one.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

REFUSED_V4 = (
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a cloud's own"),
    ("169.254.0.0/16", "link-local, where clouds keep metadata"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved, or broadcast"),
)
# Of the others only 2000::/3 is given out at all.
GLOBAL_V6 = "2000::/3"
REFUSED_V6 = (
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "for documentation"),
    ("2002::/16", "a tunnel (6to4)"),
    ("3fff::/20", "for documentation"),
)
# The network's own translation to IPv4 (RFC 6052): the last 32 bits are the address that is meant.
NAT64 = "64:ff9b::/96"
LOW_32 = 0xFFFFFFFF


def why_refused(text: str) -> str | None:
    """Return in words why the address may not be called; None if it may."""
    try:
        address = ip_address(text)
    except ValueError:
        return "not an address"
    return _why_v4(address) if isinstance(address, IPv4Address) else _why_v6(address)


def is_loopback(text: str) -> bool:
    """Whether it is this machine itself."""
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


def _why_v4(address: IPv4Address) -> str | None:
    return _first((IPv4Network(net), why) for net, why in REFUSED_V4 if address in IPv4Network(net))


def _why_v6(address: IPv6Address) -> str | None:
    inner = address.ipv4_mapped
    if inner is None and address in IPv6Network(NAT64):
        inner = IPv4Address(int(address) & LOW_32)
    if inner is not None:
        return _why_v4(inner)
    if address.scope_id is not None or address not in IPv6Network(GLOBAL_V6):
        return "not of the public internet"
    return _first((IPv6Network(net), why) for net, why in REFUSED_V6 if address in IPv6Network(net))


def _first(found: Iterable[tuple[object, str]]) -> str | None:
    return next((why for _, why in found), None)
