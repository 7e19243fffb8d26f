"""Documents of a registry: written and read they are the same, and a reader takes nothing that is not one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields

import pytest

from mpp.errors import Refused, RemoteFailed
from mpp.model.jsontext import Json
from mpp.protocol.registry import answers, bodies, documents
from mpp.testing.keys import publisher

ID = "4e" * 32
OWNER = documents.OwnerDoc(publisher_id=ID, role="owner", since=1)
NAMESPACE = documents.NamespaceDoc(
    namespace="com.example", publisher_id=ID, method="dns", state="asked", record_name="_mpp.example.com", record_value="mpp=1", notes=("Not there yet.",)
)
VERSION = documents.VersionDoc(
    package_id="com.example.hello", version="1.0.0", publisher_id=ID, content_hash=ID, file_hash=ID, size=5, status="yanked", reason="It is broken.",
    published_at=7, log_index=3,
)  # fmt: skip
PACKAGE = documents.PackageDoc(
    package_id="com.example.hello", publisher_id=ID, publisher_name="Example", title="Hello", summary="Greets\nby name", keywords=("a", "b"),
    visibility="private", latest="", status="deprecated", created_at=1, updated_at=2, downloads=3, owners=(OWNER,), namespace="com.example",
)  # fmt: skip
ADVISORY = documents.AdvisoryDoc(
    advisory_id="EX-1",
    package_id="com.example.hello",
    versions=("1.0.0",),
    severity="high",
    title="It leaks",
    text="Much.\nTo many.",
    sha256=ID,
    published_at=1,
)
RECOVERY = documents.RecoveryDoc(successor=ID, state="asked", due=9, reason="They burned.")
PUBLISHER = documents.PublisherDoc(
    publisher_id=ID, name="Example", root_version=2, status="active", registered_at=1, roots=publisher().chain.data, namespaces=(NAMESPACE,),
    recovery=RECOVERY, notes=("Looks like another.",),
)  # fmt: skip

Read = Callable[..., object]
PAIRS: list[tuple[object, Read]] = [
    (documents.RegistryInfo(registry_id=ID, name="R", url="https://r.example", origin="mpp-registry/4e", roots=b"{}", is_public=False, require_namespace=True,
                            staging=True), answers.read_info),
    (NAMESPACE, answers.read_namespace), (PUBLISHER, answers.read_publisher), (PACKAGE, answers.read_package), (VERSION, answers.read_version),
    (documents.SearchPage(packages=(PACKAGE,), next="abc"), answers.read_search), (documents.VersionsPage(versions=(VERSION,)), answers.read_versions),
    (documents.PublishedDoc(version=VERSION, bundle=b"{}", notes=("Look.",)), answers.read_published),
    (documents.PublishedDoc(version=None, staged_id="s1"), answers.read_published),
    (documents.LogPage(start=1, size=3, leaves=(b'{"a":1}', '{"\u00e4":2}'.encode())), answers.read_log),
    (documents.ConsistencyDoc(begin=1, end=3, hashes=(b"x" * 32, b"y" * 32)), answers.read_consistency),
    (documents.AdvisoriesPage(advisories=(ADVISORY,), next="n"), answers.read_advisories),
    (documents.TokenDoc(token="t", expires_at=5, publisher_id=ID), answers.read_token),
    (documents.Problem(status=404, code="registry.absent", title="It is not here", detail="no", hint="h", where="w", request_id="r"), answers.read_problem),
]  # fmt: skip
NAMES = [type(one).__name__ for one, _ in PAIRS]


def written(one: object) -> bytes:
    found = getattr(one, "to_json")()  # noqa: B009 - of many types
    return json.dumps(found).encode()


@pytest.mark.parametrize(("one", "read"), PAIRS, ids=NAMES)
def test_what_is_written_is_read(one: object, read: Read) -> None:
    assert read(written(one), where="there") == one


@pytest.mark.parametrize(("one", "read"), PAIRS, ids=NAMES)
def test_a_newer_registry_may_say_more(one: object, read: Read) -> None:
    found = json.loads(written(one))
    assert read(json.dumps({**found, "later": [1]}).encode(), where="there") == one


@pytest.mark.parametrize(("one", "read"), PAIRS, ids=NAMES)
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b'{"a":1,"a":2}', b"[" * 50 + b"]" * 50], ids=range(7))
def test_what_is_no_document(one: object, read: Read, data: bytes) -> None:
    del one
    with pytest.raises(RemoteFailed) as caught:
        read(data, where="there")
    assert caught.value.code == "remote.answer"


@pytest.mark.parametrize(("one", "read"), PAIRS, ids=NAMES)
def test_a_value_of_another_kind_is_refused_and_one_that_is_missing_never_made_up(one: object, read: Read) -> None:
    found: dict[str, Json] = json.loads(written(one))
    for name in found:
        for wrong in (["x", {}], {"x": 1}, 1.5, -1, "x" * 400_000, "a\x00b", True):
            changed = json.dumps({**found, name: wrong}).encode()
            try:
                read(changed, where="there")
            except RemoteFailed:
                continue
            # What is taken all the same is a flag, a text that may be anything, or a key that is not read.
            assert wrong is True or name in {"type", "api", "next", "title", "notes"} or isinstance(wrong, str), (name, wrong)
        left = json.dumps({key: item for key, item in found.items() if key != name}).encode()
        try:
            again = read(left, where="there")
        except RemoteFailed:
            continue
        assert all(getattr(again, row.name) == getattr(one, row.name) or not getattr(again, row.name) or name in {row.name, "from", "to"}
                   for row in fields(one)  # type: ignore[arg-type] # each is a value
                   if row.name != name)  # fmt: skip


def test_an_answer_without_end_is_not_even_read() -> None:
    with pytest.raises(RemoteFailed) as caught:
        answers.read_info(b" " * (documents.DOCUMENT_BYTES_MAX + 1), where="there")
    assert "bytes" in caught.value.message


def test_a_list_has_an_end() -> None:
    page = {"versions": [VERSION.to_json()] * (documents.PAGE_ITEMS_MAX + 1), "next": ""}
    with pytest.raises(RemoteFailed):
        answers.read_versions(json.dumps(page).encode(), where="there")


def test_notes_never_steer_a_terminal() -> None:
    found = {**json.loads(written(NAMESPACE)), "notes": ["\x1b[2J", 5]}
    assert answers.read_namespace(json.dumps(found).encode(), where="there").notes == ("\\x1b[2J",)


BODIES: list[tuple[object, Callable[[bytes], object]]] = [
    (bodies.StatusBody(status="yanked", reason="It is broken."), bodies.read_status), (bodies.ReasonBody(reason="No."), bodies.read_reason),
    (bodies.PublisherStatusBody(status="suspended", reason="x"), bodies.read_publisher_status),
    (bodies.RecoveryBody(action="ask", reason="x"), bodies.read_recovery),
    (bodies.OwnersBody(owners=(documents.OwnerDoc(publisher_id=ID, role="maintainer"),)), bodies.read_owners),
    (bodies.NamespaceBody(namespace="com.example", method="well-known"), bodies.read_namespace),
    (bodies.ExchangeBody(token="t", package_id="com.example.hello"), bodies.read_exchange), (bodies.TokenWish(package_id="com.example.hello"), bodies.read_token_wish),
    (bodies.ReportBody(package_id="com.example.hello", version="1.0.0", kind="malware", text="It mines.\nMuch.", contact="me"), bodies.read_report),
    (bodies.AdvisoryBody(advisory_id="E", package_id="com.example.hello", versions=("1.0.0",), severity="low", title="t", text="u"), bodies.read_advisory),
]  # fmt: skip


@pytest.mark.parametrize(("one", "read"), BODIES, ids=[type(one).__name__ for one, _ in BODIES])
def test_bodies_are_read_strictly(one: object, read: Callable[[bytes], object]) -> None:
    data = written(one)
    assert read(data) == one
    with pytest.raises(Refused) as caught:
        read(json.dumps({**json.loads(data), "novel": 1}).encode())
    assert caught.value.code == "registry.unknown_key"
    for wrong in (b"[]", b"1", b"{}x"):
        with pytest.raises(Refused):
            read(wrong)
