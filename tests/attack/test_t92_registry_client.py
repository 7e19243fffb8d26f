"""T92, registries, mirrors and those in between who lie to the client: nothing that its log does not prove is installed, and nothing of the user leaks.

Spec: store section 8.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mpp.cli.app import run
from mpp.cli.store import registries
from mpp.errors import MppError, RemoteFailed
from mpp.protocol.registry.bundle import read_bundle, write_bundle
from mpp.protocol.registry.documents import NamespaceDoc, SearchPage, VersionsPage
from mpp.protocol.registry.events import PeersChanged
from mpp.remote.client import RegistryClient
from mpp.remote.config import Registry
from mpp.remote.http import ask, Asked, Patience
from mpp.remote.limits import DOCUMENT_BYTES_MAX
from mpp.remote.memory import MemoryFile
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import signed
from tests.cli.registry_world import fresh
from tests.unit.remote.book import Book, document, problem, Reply, Seen, Server, serving

HELLO = "com.example.hello"
ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e"
DAY = 24 * 3600
EVIL = publisher("Evil")


class Answer(NamedTuple):
    code: int
    out: str
    err: str


Mpp = Callable[..., Answer]


@pytest.fixture
def mpp(home: Path, capsys: pytest.CaptureFixture[str]) -> Mpp:
    def call(*words: object) -> Answer:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def book() -> Book:
    found = fresh()
    for number in ("0.1.0", "0.2.0"):
        found.publish(signed(changes={"version": number}), publisher())
    return found


@pytest.fixture
def server(book: Book, mpp: Mpp, home: Path) -> Iterator[Server]:
    """A home that knows the registry and the publisher."""
    with serving(book) as found:
        assert mpp("registry", "add", found.url, "--fingerprint", book.id).code == 0
        Path("publisher.json").write_bytes(publisher().chain.data)
        assert mpp("trust", "add", "publisher.json", "--fingerprint", publisher().id).code == 0
        assert mpp("trust", "pin", "com.example.", publisher().id).code == 0
        yield found


@pytest.fixture
def mirror(book: Book, server: Server, mpp: Mpp) -> Iterator[Server]:
    with serving(book) as found:
        assert mpp("registry", "add", server.url, "--mirror", found.url).code == 0
        yield found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patience for a transfer, made short: as long as a good server may need on a busy machine."""
    real = RegistryClient

    def client(registry: Registry, **more: Any) -> RegistryClient:
        return real(registry, **{**more, "transfer": 3})

    monkeypatch.setattr(registries, "RegistryClient", client)


def refused(mpp: Mpp, code: str, *words: object) -> Answer:
    found = mpp("install", *(words or (HELLO,)))
    assert f"[{code}]" in found.err, found.err
    assert "Nothing is installed" in mpp("list").out
    return found


def on(part: str, reply: Reply | Callable[[Seen, Reply], Reply]) -> Callable[[Seen, Reply], Reply]:
    """Change the answers to one kind of question."""

    def change(seen: Seen, old: Reply) -> Reply:
        if part not in seen.target:
            return old
        return reply(seen, old) if callable(reply) else reply

    return change


# --- malicious mirrors: the registry still gives the right file, or nothing is installed


def swap(_: Seen, old: Reply) -> Reply:
    return Reply(old.status, old.body[:-1] + bytes([old.body[-1] ^ 1]), old.headers)


def other_package(_: Seen, old: Reply) -> Reply:
    return Reply(200, signed(EVIL), {"ETag": old.headers.get("ETag", '"x"')})


def shorten(_: Seen, old: Reply) -> Reply:
    return Reply(200, old.body[:-100], old.headers)


def lengthen(_: Seen, old: Reply) -> Reply:
    return Reply(200, old.body + b"x" * 10**6, old.headers)


def nothing(_: Seen, _old: Reply) -> Reply:
    return Reply(200, b"")


def wrong_piece(_: Seen, old: Reply) -> Reply:
    return Reply(206, old.body[10:], {**old.headers, "Content-Range": f"bytes 10-{len(old.body) - 1}/{len(old.body)}"})


def escape(_: Seen, _old: Reply) -> Reply:
    return problem(410, "registry.gone", ESCAPE)


@pytest.mark.parametrize("lie", [swap, other_package, shorten, lengthen, nothing, wrong_piece, escape])
def test_a_mirror_that_lies_is_passed_over(mpp: Mpp, mirror: Server, server: Server, lie: Callable[[Seen, Reply], Reply], home: Path) -> None:
    mirror.change = on("/download", lie)
    found = mpp("install", HELLO)
    assert found.code == 0, found.err
    assert mirror.targets("/download")
    assert server.targets("/download")
    assert "\x1b" not in found.err + found.out
    # Alone, it installs nothing.
    assert mpp("uninstall", "hello", "--yes").code == 0
    server.change = on("/download", Reply(503, b""))
    assert mpp("install", HELLO).code in {14, 40}
    assert "Nothing is installed" in mpp("list").out


def endless(seen: Seen, stream: Any) -> bool:
    if "/download" not in seen.target:
        return False
    stream.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(4000):
        stream.write(b"x" * 65536)
    return True


def test_a_mirror_that_sends_without_end_is_cut_off(mpp: Mpp, mirror: Server, server: Server, home: Path) -> None:
    mirror.raw = endless
    assert mpp("install", HELLO).code == 0
    assert sum(one.stat().st_size for one in (home / "cache").rglob("*.part")) == 0


def test_a_mirror_that_drips_is_left(mpp: Mpp, mirror: Server, server: Server, quick: None) -> None:
    def drip(seen: Seen, stream: Any) -> bool:
        if "/download" not in seen.target:
            return False
        stream.write(b"HTTP/1.1 200 OK\r\n")
        while not mirror.ended.wait(0.1):
            try:
                stream.write(b"X-More: 1\r\n")
                stream.flush()
            except OSError:
                break
        return True

    mirror.raw = drip
    begin = time.monotonic()
    assert mpp("install", HELLO).code == 0
    assert time.monotonic() - begin < 60


# --- a registry, or whoever sits in between, that shows something old, something else, or two things


def test_a_rolled_back_registry_is_refused(mpp: Mpp, server: Server, book: Book) -> None:
    """An old state, in which the newest version was not revoked yet, replayed with all its signatures."""
    old = {"bundle": book.bundle(HELLO, "0.2.0"), "versions": document(book.versions(HELLO).to_json()).body}
    book.status(HELLO, "0.2.0", "revoked", "it steals")
    assert mpp("install", f"{HELLO}@0.1.0", "--json").code == 0
    assert mpp("uninstall", "hello", "--yes").code == 0

    def replay(seen: Seen, reply: Reply) -> Reply:
        if seen.target.endswith("/bundle"):
            return Reply(200, old["bundle"])
        return Reply(200, old["versions"]) if "/versions?" in seen.target else reply

    server.change = replay
    refused(mpp, "registry.rollback", f"{HELLO}@0.2.0")


def test_a_frozen_registry_is_refused(mpp: Mpp, server: Server, book: Book) -> None:
    book.now -= 2 * DAY
    answer = refused(mpp, "registry.stale")
    assert answer.code == 41


def test_a_checkpoint_of_tomorrow_is_refused(mpp: Mpp, server: Server, book: Book) -> None:
    """It could be shown unchanged for a day longer."""
    book.now += DAY
    refused(mpp, "registry.early")


def test_a_second_history_is_refused_and_kept_as_evidence(mpp: Mpp, server: Server, book: Book) -> None:
    assert mpp("install", HELLO).code == 0
    assert mpp("uninstall", "hello", "--yes").code == 0
    # The same registry with its own keys tells another story, of which EVIL is the publisher.
    other = Book("Example Registry", now=book.now)
    other.publish(signed(EVIL, {"version": "9.0.0"}), EVIL)
    for number in range(20):
        other.add(PeersChanged(sha256=f"{number:064x}"))
    server.book = other
    refused(mpp, "registry.fork")
    shown = json.loads(mpp("registry", "show", "--json").out)
    assert len(shown["evidence"]) == 1
    assert shown["evidence"][0]["before"].startswith("mpp-registry/")
    assert "EVIDENCE" in mpp("registry", "show").out


def test_another_registry_at_the_address_is_refused(mpp: Mpp, server: Server) -> None:
    other = fresh("Somebody Else")
    other.publish(signed(), publisher())
    server.book = other
    refused(mpp, "registry.identity")
    assert mpp("registry", "add", server.url, "--fingerprint", other.id).code == 41


def test_a_stolen_log_key_that_was_replaced_signs_nothing_any_more(mpp: Mpp, server: Server, book: Book, home: Path) -> None:
    old = book.keys
    book.keys = rotated(old, "2", revoke=True)
    assert mpp("install", HELLO).code == 0
    assert mpp("uninstall", "hello", "--yes").code == 0
    book.keys = old
    book.add(PeersChanged(sha256="a" * 64))
    refused(mpp, "registry.unsigned")
    assert len(MemoryFile(str(home / "registries"), book.id).known().chain.roots) == 2


def test_proofs_of_one_version_beside_the_file_of_another(mpp: Mpp, server: Server, book: Book) -> None:
    server.change = on("/bundle", lambda _seen, _old: Reply(200, book.bundle(HELLO, "0.1.0")))
    refused(mpp, "registry.incomplete", f"{HELLO}@0.2.0")


def test_parts_of_two_sound_bundles_are_no_bundle(mpp: Mpp, server: Server, book: Book) -> None:
    first, second = read_bundle(book.bundle(HELLO, "0.1.0")), read_bundle(book.bundle(HELLO, "0.2.0"))
    mixed = [
        replace(second, leaf=first.leaf, inclusion=first.inclusion),
        replace(second, line=first.line),
        replace(second, map_proof=first.map_proof, value=b"{}"),
    ]
    book.add(PeersChanged(sha256="b" * 64))
    later = read_bundle(book.bundle(HELLO, "0.2.0"))
    mixed.append(replace(second, checkpoint=later.checkpoint))
    for bundle in mixed:
        server.change = on("/bundle", Reply(200, write_bundle(bundle)))
        answer = mpp("install", f"{HELLO}@0.2.0")
        assert answer.code == 41, answer.err
    assert "Nothing is installed" in mpp("list").out


def test_the_newest_version_cannot_be_held_back(mpp: Mpp, server: Server, book: Book) -> None:
    """Attack: a registry that goes on offering an old version with a known hole, under sound and fresh proofs."""
    server.change = on("/versions?", lambda _seen, _old: document(VersionsPage(versions=book.versions(HELLO).versions[:1]).to_json()))
    refused(mpp, "registry.incomplete")


def test_a_withdrawn_version_cannot_be_called_well(mpp: Mpp, server: Server, book: Book) -> None:
    book.status(HELLO, "0.2.0", "revoked")
    book.docs[HELLO, "0.2.0"] = replace(book.docs[HELLO, "0.2.0"], status="active")
    refused(mpp, "registry.incomplete", f"{HELLO}@0.2.0")


def test_a_registry_alone_makes_nobody_a_publisher(mpp: Mpp, server: Server, book: Book) -> None:
    """A registry in wrong hands, with all its keys, publishes a higher version by another publisher."""
    book.states[HELLO] = replace(book.states[HELLO], owners=(*book.states[HELLO].owners, replace(book.states[HELLO].owners[0], publisher_id=EVIL.id)))
    book.publish(signed(EVIL, {"version": "9.0.0"}), EVIL)
    book.prove("com.example", EVIL)
    refused(mpp, "publisher.pin_mismatch")
    # Also where its user lets name spaces pin: what belongs to somebody here is not moved.
    assert mpp("registry", "add", server.url, "--trust", "namespaces", "--yes").code == 0
    refused(mpp, "publisher.pin_mismatch")


# --- names


@pytest.fixture
def public(mpp: Mpp, server: Server) -> Iterator[Server]:
    """A second, public registry, in which somebody has put a package of our private name space."""
    book = fresh("Public Registry")
    book.publish(signed(EVIL, {"version": "99.0.0"}), EVIL)
    with serving(book) as found:
        assert mpp("registry", "add", found.url, "--name", "public", "--default", "--fingerprint", book.id).code == 0
        assert mpp("registry", "add", server.url, "--namespace", "com.example.").code == 0
        yield found


def test_a_private_name_is_never_looked_up_elsewhere(mpp: Mpp, server: Server, public: Server) -> None:
    assert mpp("install", HELLO).code == 0
    assert mpp("uninstall", "hello", "--yes").code == 0
    public.seen.clear()
    # Where the private registry has it not, or is silent, nobody else is asked.
    refused(mpp, "registry.absent", "com.example.internal-tool")
    server.change = lambda _seen, _reply: Reply(503, b"")
    refused(mpp, "remote.answer")
    refused(mpp, "registry.elsewhere", HELLO, "--registry", "public")
    assert not [one for one in public.seen if "example" in one.target]


def test_a_search_elsewhere_offers_nothing_of_a_private_name_space(mpp: Mpp, server: Server, public: Server) -> None:
    found = json.loads(mpp("search", "hello", "--json").out)
    assert [(one["registry"], one["package_id"]) for one in found["packages"]] == [("local", HELLO)]


def test_an_update_does_not_change_over(mpp: Mpp, server: Server, public: Server) -> None:
    """Attack: a package that was installed from the public registry before its name space became private."""
    assert mpp("registry", "add", server.url).code == 0
    Path("evil.json").write_bytes(EVIL.chain.data)
    assert mpp("trust", "add", "evil.json", "--fingerprint", EVIL.id).code == 0
    assert mpp("trust", "pin", HELLO, EVIL.id).code == 0
    assert mpp("install", HELLO, "--registry", "public").code == 0
    assert mpp("registry", "add", server.url, "--namespace", "com.example.").code == 0
    assert "[registry.elsewhere]" in mpp("update").err


def test_two_publishers_of_one_short_name_are_a_choice(mpp: Mpp, server: Server, book: Book) -> None:
    book.publish(signed(EVIL, {"package_id": "com.exarnple.hello"}), EVIL)
    answer = refused(mpp, "registry.ambiguous", "hello")
    assert HELLO in answer.err
    assert "com.exarnple.hello" in answer.err
    assert not server.targets("/download")


def test_an_answer_about_another_package_counts_for_nothing(mpp: Mpp, server: Server, book: Book) -> None:
    book.publish(signed(EVIL, {"package_id": "com.evil.tool"}), EVIL)
    server.change = on("/versions?", lambda _seen, _old: document(book.versions("com.evil.tool").to_json()))
    refused(mpp, "registry.absent")


@pytest.mark.parametrize("claimed", ["com", "org", "org.evil.tool"])
def test_a_name_space_of_another_pins_nobody(mpp: Mpp, server: Server, book: Book, claimed: str) -> None:
    assert mpp("registry", "add", server.url, "--trust", "namespaces", "--yes").code == 0
    book.publish(signed(EVIL, {"package_id": "org.evil.tool"}), EVIL)
    # Attack: the proof of one name space, as the answer to the question for another.
    lie = NamespaceDoc(namespace=claimed, publisher_id=EVIL.id, method="dns", state="proven")
    server.change = on("/v1/namespaces/", document(lie.to_json()))
    refused(mpp, "publisher.unknown", "org.evil.tool")
    assert list(json.loads(mpp("trust", "list", "--json").out)["prefixes"]) == ["com.example."]


# --- what leaks


def test_a_login_goes_to_nobody_else(mpp: Mpp, mirror: Server, server: Server, book: Book) -> None:
    """Attack: a registry, or whoever is in between, that redirects what was asked with a token to another server."""
    Path("token").write_text("s3cret\n")
    os.chmod("token", 0o600)
    assert mpp("registry", "login", "--token-file", "token").code == 0
    assert mpp("registry", "add", server.url, "--private", "--mirror", mirror.url).code == 0
    with serving(book) as other:
        server.change = lambda seen, _old: Reply(302, b"", {"Location": other.url + seen.target})
        assert mpp("install", HELLO).code == 0
        assert other.seen
        assert mirror.seen
        for one in (*other.seen, *mirror.seen):
            assert "authorization" not in one.headers
            assert "s3cret" not in str(one)
    assert any(one.headers.get("authorization") == "Bearer s3cret" for one in server.seen)


def test_what_is_sent_is_never_redirected(server: Server, book: Book) -> None:
    with serving(book) as other:
        server.change = lambda seen, _old: Reply(307, b"", {"Location": other.url + seen.target})
        with pytest.raises(RemoteFailed) as caught:
            ask(Asked(method="POST", url=server.url + "/v1/packages", body=b"secret", patience=Patience(seconds=5, silence=2)))
        assert caught.value.code == "remote.redirect"
        assert not other.seen


# --- hostile documents

BOMBS = [
    b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 50_000, b'{"versions":' + b"[" + b"{}," * 300_000 + b"{}]}",
    b'{"versions":[],"versions":[]}', b'{"versions":[{"version":"1.0.0"}]}', b'{"versions":null,"next":1}', b'{"next":"' + b"x" * 10_000 + b'"}', b"1e999",
    b'{"versions":["' + b"\\ud800" * 100_000 + b'"]}', b" " * (DOCUMENT_BYTES_MAX + 10),
]  # fmt: skip


@pytest.fixture(scope="module")
def light() -> Iterator[Server]:
    """A server alone; what is asked of it needs no home."""
    with serving(Book()) as found:
        yield found


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
@pytest.mark.parametrize("part", ["/versions?", "/bundle", "/v1/search", "/v1/namespaces", "/absence"])
def test_no_document_breaks_the_client(light: Server, part: str, bomb: bytes) -> None:
    light.change = on(part, Reply(200, bomb))
    client = RegistryClient(Registry(name="local", url=light.url, registry_id=light.book.id))
    questions: dict[str, Callable[[], object]] = {
        "/versions?": lambda: client.versions(HELLO), "/bundle": lambda: read_bundle(client.bundle(HELLO, "0.2.0")),
        "/v1/search": lambda: client.search("x"), "/v1/namespaces": lambda: client.namespace("com.example"), "/absence": lambda: client.absence(HELLO),
    }  # fmt: skip
    begin = time.monotonic()
    try:
        found = questions[part]()
    except MppError as fault:
        assert fault.code in {"remote.answer", "remote.length"} or fault.code.startswith("registry.")
    else:
        # Empty answers are answers, and bytes that nobody read yet.
        assert found == [] or isinstance(found, SearchPage | bytes)
    assert time.monotonic() - begin < 60


def escaping(document_: Any, escape: str) -> Any:
    """Each text that may be any text, with an escape in it."""
    if isinstance(document_, dict):
        free = {"title", "summary", "publisher_name", "reason", "detail", "hint", "where", "name", "record_name", "record_value"}
        return {key: escape + str(item) if key in free else escaping(item, escape) for key, item in document_.items()}
    return [escaping(one, escape) for one in document_] if isinstance(document_, list) else document_


COMMANDS: list[tuple[object, ...]] = [
    ("search", "hello"), ("install", HELLO), ("install", f"{HELLO}@0.1.0"), ("install", "com.example.none"), ("install", "hello"), ("outdated",),
    ("register",), ("registry", "show"), ("registry", "list"), ("list",),
]  # fmt: skip


@pytest.mark.parametrize("escape", [ESCAPE, "\u202e\x9b2J\u2028"])
@pytest.mark.parametrize("as_json", [False, True])
def test_no_text_of_a_registry_steers_the_terminal(mpp: Mpp, server: Server, book: Book, as_json: bool, escape: str) -> None:
    """What holds control characters is refused whole; what else could steer is shown as numbers."""
    book.publish(signed(EVIL, {"package_id": "com.evil.hello"}), EVIL)
    book.status(HELLO, "0.1.0", "deprecated", "plain words")

    def change(_: Seen, old: Reply) -> Reply:
        try:
            return Reply(old.status, json.dumps(escaping(json.loads(old.body), escape)).encode(), old.headers)
        except ValueError:
            return old

    server.change = change
    for words in COMMANDS:
        answer = mpp(*words, *(["--json"] if as_json else []))
        for text in (answer.out, answer.err):
            assert not set(text) & set("\x1b\x07\u202e\x9b\u2028")
    found = mpp("search", "hello").out
    assert (HELLO in found) == (escape != ESCAPE)


def test_errors_of_a_registry_are_harmless_words(mpp: Mpp, server: Server) -> None:
    server.change = lambda _seen, _old: problem(422, "registry.data", ESCAPE + "\nerror: all is well [ok]\n✓ Installed")
    for words in (("install", HELLO), ("search", "x"), ("registry", "add", server.url)):
        answer = mpp(*words)
        assert answer.code != 0
        assert "\x1b" not in answer.err + answer.out
        assert not [line for line in (answer.err + answer.out).splitlines() if line.startswith(("error: all is well", "✓"))]
