"""Which addresses may be connected to."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from mpp.host.services.http_addresses import NEVER, PRIVATE, PUBLIC, judge, kind, system_resolve
from mpp.host.services.http_limits import ANSWERS_MAX
from mpp.host.services.http_types import Stopped, Target

TARGET = Target(scheme="https", host="api.example.com", port=443, path="/")

KINDS = {
    PUBLIC: [
        "1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.1", "192.167.255.255", "192.169.0.1", "100.63.255.255", "100.128.0.1", "11.0.0.1", "9.255.255.255",
        "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.1", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450::1",
        "2001:200::1", "2003::1",
    ],
    PRIVATE: [
        "10.0.0.0", "10.255.255.255", "127.0.0.1", "127.255.255.254", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.51.100.7",
        "203.0.113.9", "198.18.0.1", "198.19.255.255", "192.88.99.1", "::1", "fc00::1", "fd12:3456::1", "2001:db8::1", "3fff::1", "2001:2::1", "2001:10::1", "100::1", "64:ff9b::808:808",
        "64:ff9b:1::808:808", "2002:808:808::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::808:808", "::ffff:0:808:808", "4000::1", "5f00::1", "2002:a00:1::",
    ],
    NEVER: [
        "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "169.254.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "fe80::1", "febf::1", "fec0::1", "ff02::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "::ffff:0:a9fe:a9fe", "2001:0:a9fe:a9fe::1", "2001::1", "2001::5601:5601", "fe80::1%eth0", "1.1.1.1%lo", "x", "", "127.1", "0x7f.1", "2130706433", "[::1]",
        "1.1.1.1 ", "01.1.1.1", "::ffff:0.0.0.0",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "address"), [(wanted, one) for wanted, all_of in KINDS.items() for one in all_of])
def test_each_address_has_its_kind(wanted, address):
    assert kind(address) == wanted


def test_nothing_that_the_standard_library_calls_private_is_public():
    for number in range(0, 2**32, 65_521 * 16):
        address = ipaddress.IPv4Address(number)
        if not address.is_global or address.is_multicast:
            assert kind(str(address)) != PUBLIC, address
    for top in range(2**16):
        address = ipaddress.IPv6Address(top << 112 | 1)
        if not address.is_global or address.is_multicast:
            assert kind(str(address)) != PUBLIC, address


def code(answer, *, private=False) -> str:
    with pytest.raises(Stopped) as caught:
        judge(TARGET, answer, private=private)
    assert not any(len(one[0]) > 3 and one[0] in caught.value.message for one in answer), "the address is told to nobody"
    return caught.value.code


def test_public_answers_pass_in_their_order_without_doubles():
    answer = [("8.8.8.8", 443), ("2606:4700::1", 443, 0, 0), ("8.8.8.8", 443)]
    assert judge(TARGET, answer, private=False) == (("8.8.8.8", 443), ("2606:4700::1", 443, 0, 0))


@pytest.mark.parametrize("bad", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0"])
@pytest.mark.parametrize("first", [True, False])
def test_one_bad_address_refuses_the_whole_answer(bad, first):
    answer = [("8.8.8.8", 443), (bad, 443)]
    assert code(answer[::-1] if first else answer) == "blocked_address"


def test_policy_opens_private_addresses_and_never_metadata():
    assert judge(TARGET, [("127.0.0.1", 443), ("::1", 443, 0, 0)], private=True)
    for one in KINDS[NEVER]:
        assert code([(one, 443)], private=True) == "blocked_address"


def test_scopes_other_ports_and_floods_are_refused():
    assert code([("2606:4700::1", 443, 0, 3)]) == "blocked_address"
    assert code([("8.8.8.8", 80)]) == "blocked_address"
    assert code([]) == "unresolvable"
    assert code([(f"8.8.{n // 250}.{n % 250 + 1}", 443) for n in range(ANSWERS_MAX + 1)]) == "blocked_address"
    assert code([(f"8.8.{n // 250}.{n % 250 + 1}", 443) for n in range(ANSWERS_MAX + 1)] + [("127.0.0.1", 443)]) == "blocked_address"


def test_the_system_resolves_literals():
    assert system_resolve("127.0.0.1", 80) == [("127.0.0.1", 80)]
    assert [kind(one[0]) for one in system_resolve("::1", 80)] == [PRIVATE]
    with pytest.raises(socket.gaierror):
        system_resolve("does-not-exist.invalid", 80)
