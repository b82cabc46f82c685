"""Which network addresses a feed may be fetched from: the public ones.

A feed file, a redirect or a DNS answer can name an address inside our own network, such as
a cloud's metadata service with its keys. The check is made on the *resolved* address, and
the connection then goes to that very address, so a second DNS answer changes nothing.
"""

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Services that hand credentials to whoever asks. Refused even where a source may be private:
# no feed lives there. Azure's lies in a public range, so the general rule would let it pass.
_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# A translator of the local network: where it leads, it alone knows.
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_TRANSLATED = ipaddress.ip_network("::ffff:0:0:0/96")
# The one block IPv6 hosts of the internet have addresses from. The standard library calls
# "global" what lies outside it and was given to nobody, and the site-local addresses of old.
_UNICAST = ipaddress.ip_network("2000::/3")
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")


def refusal(text: str, allow_private: bool = False) -> str | None:
    """Why `text`, an IP address, must not be connected to; None when it may be.

    With `allow_private` private, loopback and link-local addresses may be.
    """
    try:
        address = innermost(ipaddress.ip_address(text))
    except ValueError:
        return "not an IP address"
    if address in _METADATA:
        return "a metadata service"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified:
        return "the unspecified address"
    if address in _LOCAL_NAT64:
        return "an address of a local translator"
    if allow_private or _is_public(address):
        return None
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    return "a private or reserved address"


def _is_public(address: IPAddress) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global
    return address.is_global and address in _UNICAST and address not in _DOCUMENTATION


def innermost(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one stands for (mapped, translated, 6to4, Teredo, NAT64,
    ISATAP), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is None and (address in _NAT64 or address in _TRANSLATED):
        inner = last
    # ISATAP: whatever the network, the rest is 0000:5efe or 0200:5efe and the address
    if inner is None and int(address) >> 32 & 0xFCFFFFFF == 0x00005EFE:
        inner = last
    # ::a.b.c.d, long deprecated and still routed to the IPv4 address by some systems
    if inner is None and 0xFFFF < int(address) <= 0xFFFFFFFF:
        inner = last
    return inner or address
