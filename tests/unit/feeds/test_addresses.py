import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.addresses import innermost, refusal

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"]
PRIVATE = [
    "127.0.0.1", "127.8.9.1", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "169.254.1.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "192.0.2.1",
    "198.18.0.1", "240.0.0.1", "255.255.255.255", "2001:db8::1", "fec0::1", "3fff::1", "5f00::1",
    "0.1.2.3", "4000::1", "100::1",
]  # fmt: skip
NEVER = ["169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "::",
         "224.0.0.1", "239.1.1.1", "ff02::1", "64:ff9b:1::808:808", "not an address",
         ""]  # fmt: skip
WRAPPED = [
    "::ffff:{}",
    "64:ff9b::{}",
    "::{}",
    "::ffff:0:{}",
    "2606:4700::5efe:{}",
    "2606:4700::200:5efe:{}",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_be_reached_only_where_a_source_says_so(address: str) -> None:
    assert refusal(address) is not None
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_reached(address: str) -> None:
    assert refusal(address) is not None
    assert refusal(address, allow_private=True) is not None


@pytest.mark.parametrize("wrap", WRAPPED)
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_an_ipv6_address_is_judged_by_the_ipv4_address_it_stands_for(
    wrap: str, address: str
) -> None:
    assert refusal(wrap.format(address)) is not None
    assert innermost(ipaddress.ip_address(wrap.format(address))) == ipaddress.ip_address(address)


def test_6to4_and_teredo_are_judged_by_the_address_they_stand_for() -> None:
    assert refusal("2002:0a00:0001::") is not None
    assert innermost(ipaddress.ip_address("2002:0a00:0001::")) == ipaddress.ip_address("10.0.0.1")
    teredo = "2001:0:4136:e378:8000:63bf:f5ff:fffe"
    assert innermost(ipaddress.ip_address(teredo)) == ipaddress.ip_address("10.0.0.1")
    assert refusal(teredo) is not None


@given(st.ip_addresses())
def test_whatever_is_not_global_is_refused(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if refusal(str(address)) is None:
        assert address.is_global
        assert innermost(address).is_global
        assert not address.is_multicast
