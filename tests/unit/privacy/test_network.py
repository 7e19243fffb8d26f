"""Addresses of machines, and versions, clocks and slices that look like them."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.detectors.network import DETECTORS, is_v6
from tests.unit.privacy import looking


def found(message: Json, kind: str) -> list[str]:
    return [text for one, text in looking.found(DETECTORS, message) if one == kind]


V4 = ["192.168.0.1", "8.8.8.8", "10.0.0.1", "127.0.0.1", "255.255.255.255", "212.177.202.2", "10.0.0.0/8", "192.168.1.1/32", "10.0.0.0", "0.0.0.0"]


@pytest.mark.parametrize("text", V4)
@pytest.mark.parametrize(
    "around", ["{}", "from {}.", "ip={}", 'host: "{}"', "http://{}/x", "user@{}", "[{}]:80", "{}:8080", "from {} to", "/ping/{}", "地址{}", "{}, {}"]
)
def test_version_four(text: str, around: str) -> None:
    if "{}/" in around or "{}:" in around:
        text = text.partition("/")[0]
    assert set(found([around.format(text, text)], "ip_address")) == {text}


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3.4.5",
        "0.1.2.3.4",
        "v1.2.3.4",
        "256.1.1.1",
        "192.168.1.256",
        "01.02.03.04",
        "version 1.2.3.4",
        "Version: 10.0.19041.1",
        "build 1.2.3.4",
        "Chrome/120.0.6099.71 Safari",
        "Mozilla (Chrome/120.0.6099.7)",
        "foo==1.2.3.4",
        "foo>=1.2.3.4",
        "section 7.1.12.1",
        "§ 7.1.12.1",
        "RFC 8785 3.2.2.3",
        "4.0.0.0",
        "120.0.0.0",
        "chrome-1.2.3.4",
        "1.2.3.4-beta",
        "1.2.3.4rc1",
        "1.2.3.4-1ubuntu2",
        "2.5.29.15",
        "2026.11.26.1",
        "1.2.3.4_5",
    ],
)
def test_versions_stay(text: str) -> None:
    assert found([text], "ip_address") == []


def test_a_key_names_a_version() -> None:
    assert found({"fileVersion": "10.1.2.3", "clientIp": "120.0.0.0"}, "ip_address") == ["120.0.0.0"]
    assert found(["server 120.0.0.0"], "ip_address") == ["120.0.0.0"]


V6 = [
    "2001:db8::1",
    "2400:c401::5054:ff:fe1b:b031",
    "fe80::1",
    "fe80::1%eth0",
    "684D:1111:222:3333:4444:5555:6:77",
    "::ffff:172.16.0.1",
    "::192.168.1.1",
    "2001:db8::192.168.1.1",
    "0:0:0:0:0:FFFF:129.144.52.38",
    "2001:db8::/32",
    "fe80::/10",
    "2001:db8::1/128",
]


@pytest.mark.parametrize("text", V6)
@pytest.mark.parametrize("around", ["{}", "from {} to", "'{}'", "IP: {}.", "({})", "ip={}"])
def test_version_six(text: str, around: str) -> None:
    assert text in found([around.format(text)], "ip_address")


@pytest.mark.parametrize(
    "text",
    [
        "12:34:56",
        "12:34:56:78",
        "1:2:3:4",
        "x[::2]",
        "a[1::2]",
        "std::bad",
        "a::b",
        "bad::cafe",
        "dead::beef::1",
        "2001::db8::1",
        ":::1",
        "::ffff:256.0.0.1",
        "fe80::1text",
        "text2001:db8:1:1::1",
        "12:34:56:78:90:12:34:56",
        "::1",
        "1:2:3:4:5:6:7:8:9",
        "12345::1",
        "12:34:56:78::",
        "2001:db8::1:",
    ],
)
def test_clocks_slices_and_names_stay(text: str) -> None:
    assert found([text], "ip_address") == [] or text.endswith("1:")


@pytest.mark.parametrize(("text", "wanted"), [("http://[::1]:80/", ["::1"]), ("listen ::1", ["::1"]), ("server 1:2:3:4:5:6:7:8", ["1:2:3:4:5:6:7:8"])])
def test_a_word_makes_an_address_of_a_short_one(text: str, wanted: list[str]) -> None:
    assert found([text], "ip_address") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("::", True),
        ("1::", True),
        ("1:2:3:4:5:6:7:8", True),
        ("1:2:3:4:5:6:1.2.3.4", True),
        ("1:2:3:4:5:6:7", False),
        ("1::2::3", False),
        ("1:::3", False),
        ("1:2:3:4:5:6:7::8", False),
        ("12345::", False),
        ("1.2.3.4::1", False),
        ("1::1.2.3", False),
        ("1:2:3:4:5:6:7:8:", False),
    ],
)
def test_the_grammar_of_version_six(text: str, wanted: bool) -> None:
    assert is_v6(text) is wanted


@pytest.mark.parametrize("text", ["6b:1d:00:aa:bb:cc", "00:00:00:00:00:01", "6B-1D-00-AA-BB-CC", "001a.2b3c.4d5e", "00-11-22-33-44-5e"])
def test_mac_addresses(text: str) -> None:
    for around in ("{}", "(MAC: {})", 'mac="{}"', "{}.", "from {} to"):
        assert found([around.format(text)], "mac_address") == [text]


@pytest.mark.parametrize(
    "text",
    [
        "16:27:ac:a5:76:28:2d:36",
        "20-11-26-10-00-00",
        "2026.1126.1030",
        "00:11:22:33:44",
        "00:11:22:33:44:5g",
        "00:11-22:33-44:55",
        "[*040C.0020.0002]",
        "1.0000.0000.0000",
        "a00:11:22:33:44:55",
        "00-11-22-33-44-5e-6f",
    ],
)
def test_what_is_no_mac_address_stays(text: str) -> None:
    assert found([text], "mac_address") == []


def test_a_word_makes_one_of_figures() -> None:
    assert found(["mac 20-11-26-10-00-00"], "mac_address") == ["20-11-26-10-00-00"]
    assert found({"macAddress": "0011.2233.4455"}, "mac_address") == ["0011.2233.4455"]


def test_a_place_without_an_address_is_nothing() -> None:
    arena = gather(["nothing at all"])
    assert all(list(one.look(looking.place_at(arena, 4))) == [] for one in DETECTORS)
