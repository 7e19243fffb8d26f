"""What is asked of the world, and what is not."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from mpp.errors import Refused
from mpp.host.services.http_addresses import Sockaddr
from mpp_registry.namespaces import Absent, Unreachable, World as Places
from mpp_registry.namespaces.dns import DnsTxt
from mpp_registry.namespaces.limits import FETCH_BYTES_MAX, TXT_CHARS_MAX, TXT_RECORDS_MAX
from mpp_registry.namespaces.names import above, domain_of, judged_namespace, record_of
from mpp_registry.namespaces.proofs import look, named_publishers
from mpp_registry.namespaces.settings import CA_FILE, NAMESERVERS, PRIVATE_HOSTS, read_hosts, read_nameservers, set_world, world_of
from mpp_registry.namespaces.web import SafeFetch
from tests.registry.namespaces.places import Page, name_server, web_server
from tests.registry.publishing.worlds import World

WHO = "ab" * 32
HOST = "example.com"
ANSWERED_SECONDS = 30
"""Seconds for what answers, on a busy machine."""
URL = f"https://{HOST}/.well-known/mpp-publisher.json"

RECORDS: dict[str, list[str] | str] = {
    "_mpp.example.com": ["v=spf1 -all", f"mpp-publisher={WHO}", "mpp-publisher=" + "cd" * 32],
    "_mpp.alias.com": ["CNAME a.example.net", "CNAME b.example.net", f"mpp-publisher={WHO}"],
    "_mpp.long.com": [*(f"CNAME {number}.example.net" for number in range(6)), f"mpp-publisher={WHO}"],
    "_mpp.many.com": [f"other={number}" for number in range(TXT_RECORDS_MAX + 20)],
    "_mpp.wide.com": ["x" * 250 + '" "' + "x" * 250 + '" "' + "x" * 250, f"mpp-publisher={WHO}"],
    "_mpp.broken.com": "fail",
    "_mpp.silent.com": "silent",
}


@pytest.fixture(scope="module")
def txt() -> Iterator[DnsTxt]:
    with name_server(lambda name: RECORDS.get(name, "nothing")) as port:
        yield DnsTxt((("127.0.0.1", port),), seconds=ANSWERED_SECONDS)


def test_records_of_a_name(txt: DnsTxt) -> None:
    assert f"mpp-publisher={WHO}" in txt("_mpp.example.com")
    assert txt("_mpp.nobody.com") == ()
    assert f"mpp-publisher={WHO}" in txt("_mpp.alias.com")
    assert len(txt("_mpp.many.com")) <= TXT_RECORDS_MAX
    assert txt("_mpp.wide.com") == (f"mpp-publisher={WHO}",), f"a record of more than {TXT_CHARS_MAX} characters is not ours"


def test_a_long_chain_of_aliases_proves_nothing(txt: DnsTxt) -> None:
    with pytest.raises(Absent):
        txt("_mpp.long.com")


@pytest.mark.parametrize("name", ["_mpp.broken.com", "_mpp.silent.com"])
def test_no_answer_is_not_a_no(txt: DnsTxt, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(txt, "_seconds", 1)
    with pytest.raises(Unreachable):
        txt(name)


def pages(path: str) -> Page:
    """What the web server has."""
    plain = {"Content-Type": "application/json"}
    body = f'{{"mpp_publishers":["{WHO}"]}}'.encode()
    return {
        "/.well-known/mpp-publisher.json": (200, plain, body),
        "/gone": (404, plain, b""),
        "/moved": (302, {"Location": URL}, b""),
        "/broken": (500, plain, b""),
        "/large": (200, plain, b" " * (FETCH_BYTES_MAX + 1)),
        "/bomb": (200, {**plain, "Content-Encoding": "gzip"}, gzip.compress(b" " * (FETCH_BYTES_MAX * 100))),
    }[path]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    with web_server(tmp_path_factory.mktemp("tls"), HOST, pages) as found:
        yield found


def loopback(port: int) -> list[Sockaddr]:
    return [("127.0.0.1", port)]


def fetching(here: tuple[int, str], **other: object) -> SafeFetch:
    given: dict[str, object] = {
        "private": {HOST: here[0]},
        "extra_ca_file": here[1],
        "seconds": ANSWERED_SECONDS,
        "resolve": lambda _, port: loopback(port),
        **other,
    }
    return SafeFetch(**given)  # type: ignore[arg-type] # what a test changes is of the right type


def test_a_document_of_a_host_that_the_operator_names(here: tuple[int, str]) -> None:
    assert named_publishers(fetching(here)(URL)) == (WHO,)
    assert named_publishers(fetching(here)(f"https://{HOST}:{here[0]}/.well-known/mpp-publisher.json")) == (WHO,)


@pytest.mark.parametrize(
    ("path", "kind"), [("/gone", Absent), ("/moved", Unreachable), ("/broken", Unreachable), ("/large", Unreachable), ("/bomb", Unreachable)]
)
def test_what_is_no_small_answer_is_none(here: tuple[int, str], path: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        fetching(here)(f"https://{HOST}{path}")


def test_a_certificate_of_nobody_is_not_believed(here: tuple[int, str]) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        fetching(here, extra_ca_file="")(URL)
    with pytest.raises(Unreachable, match="certificate"):
        fetching(here, private={"example.org": here[0]})("https://example.org/.well-known/mpp-publisher.json")


def test_settings_are_read_as_they_were_written(joined: World, here: tuple[int, str]) -> None:
    assert read_nameservers("192.0.2.1, 2001:db8::1#5353") == (("192.0.2.1", 53), ("2001:db8::1", 5353))
    assert read_hosts("intra.example.com:8443,tools.example.com") == {"intra.example.com": 8443, "tools.example.com": 443}
    with name_server(lambda name: RECORDS.get(name, "nothing")) as port:
        for name, text in ((NAMESERVERS, f"127.0.0.1#{port}"), (PRIVATE_HOSTS, f"localhost:{here[0]}"), (CA_FILE, here[1])):
            set_world(joined.services, name, text)
        places = world_of(joined.services)
        assert look("com.example", WHO, "dns", places).seen == "there"
        # The certificate is for another name: the connection was made, and nothing was believed.
        with pytest.raises(Unreachable, match="certificate"):
            places.fetch("https://localhost/gone")


@pytest.mark.parametrize(("name", "text", "code"), [
    ("name", "x", "registry.choice"), (NAMESERVERS, "ns.example.com", "registry.form"), (NAMESERVERS, "192.0.2.1#0", "registry.form"),
    (NAMESERVERS, ",".join(["192.0.2.1"] * 65), "registry.length"), (PRIVATE_HOSTS, "a b", "registry.form"), (PRIVATE_HOSTS, "a:99999", "registry.form"),
])  # fmt: skip
def test_settings_that_make_no_sense_are_refused(joined: World, name: str, text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        set_world(joined.services, name, text)
    assert refused.value.code == code


def test_names_and_places() -> None:
    assert domain_of("com.example.team") == "team.example.com"
    assert above("com.example.team.tool") == ("com.example.team", "com.example")
    assert above("com.example") == ()
    assert record_of("com.example", WHO, "dns") == ("_mpp.example.com", f"mpp-publisher={WHO}")
    assert record_of("com.example", WHO, "well-known")[0] == URL
    for text in ("com", "Com.Example", "com..example", "com.example.", "1.example", "com/example"):
        with pytest.raises(Refused):
            judged_namespace(text)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"mpp_publishers":[]}', b'{"mpp_publishers":["x"]}', b'{"mpp_publishers":"' + WHO.encode() + b'"}', b"\xff"]
)
def test_a_document_that_names_nobody(text: bytes) -> None:
    found = look("com.example", WHO, "well-known", Places(txt=lambda _: (), fetch=lambda _: text))
    assert found.seen == "absent"
