"""From names to proven versions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import MppError, Refused, RemoteFailed
from mpp.protocol.registry.documents import VersionsPage
from mpp.remote.client import RegistryClient
from mpp.remote.config import Config, Registry, with_registry
from mpp.remote.memory import MemoryFile
from mpp.remote.proofs import judge_absence, Terms
from mpp.remote.ranges import read_range
from mpp.remote.resolving import Asked, Chosen, Hit, is_newer, meant, read_wish, resolve
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed
from tests.unit.remote.book import Book, document, Reply, Seen, Server
from tests.unit.remote.conftest import HELLO

HOUR = 3600


def asked(text: str = "*", package_id: str = HELLO, *, cooldown: int = 0, now: int = NOW) -> Asked:
    return Asked(package_id=package_id, range=read_range(text), terms=Terms(now=now, max_age=24 * HOUR), cooldown=cooldown)


def test_the_highest_that_fits_is_proven(client: RegistryClient, memory: MemoryFile, book: Book) -> None:
    found: Chosen = resolve(client, memory, asked())
    assert (found.version, found.registry, found.proof.proven.latest, found.remarks) == ("0.2.0", "example", "0.2.0", ())
    assert found.proof.size == len(book.files[HELLO, "0.2.0"])
    assert found.proof.proven.index == book.docs[HELLO, "0.2.0"].log_index
    assert memory.known().size == len(book.leaves)
    old = resolve(client, memory, asked("~0.1"))
    assert (old.version, old.remarks) == ("0.1.0", ("0.2.0 is the newest version; it does not fit, or is too new to be taken by itself",))
    assert resolve(client, memory, asked("0.1.0")).remarks == ("0.2.0 is the newest version",)


def refused(code: str, client: RegistryClient, memory: MemoryFile, what: Asked) -> MppError:
    with pytest.raises(Refused) as caught:
        resolve(client, memory, what)
    assert caught.value.code == code
    return caught.value


def test_what_does_not_exist_is_proven_not_to(client: RegistryClient, memory: MemoryFile, server: Server) -> None:
    fault = refused("registry.absent", client, memory, asked(package_id="com.example.hallo"))
    assert f"log of {len(server.book.leaves)} entries proves" in fault.message
    server.change = lambda seen, reply: Reply(500, b"") if "absence" in seen.target or "search" in seen.target else reply
    assert "does not show it" in refused("registry.absent", client, memory, asked(package_id="com.example.hallo")).message


def test_a_likeness_is_only_named(client: RegistryClient, memory: MemoryFile, server: Server) -> None:
    found = server.book.search("hello")
    server.change = lambda seen, reply: document(found.to_json()) if "search" in seen.target else reply
    assert HELLO in refused("registry.absent", client, memory, asked(package_id="com.exemple.hello")).hint


def test_the_absence_of_another_package_proves_nothing(client: RegistryClient, memory: MemoryFile, book: Book) -> None:
    with pytest.raises(Refused) as caught:
        judge_absence(book.absence("com.example.other"), memory, client.consistency, asked().terms, "com.example.wanted")
    assert caught.value.code == "registry.contradiction"


def test_no_version_fits(client: RegistryClient, memory: MemoryFile) -> None:
    assert "0.2.0, 0.1.0" in refused("registry.no_version", client, memory, asked("^1")).hint


@pytest.mark.parametrize("status", ["revoked", "quarantined"])
def test_what_was_withdrawn_is_never_taken(client: RegistryClient, memory: MemoryFile, book: Book, status: str) -> None:
    book.status(HELLO, "0.2.0", status, "it steals")
    assert resolve(client, memory, asked()).version == "0.1.0"
    for text in ("0.2.0", "~0.2"):
        assert "it steals" in refused("registry.withdrawn", client, memory, asked(text)).message


def test_what_was_yanked_is_taken_by_its_number_alone(client: RegistryClient, memory: MemoryFile, book: Book) -> None:
    book.status(HELLO, "0.2.0", "yanked", "broken")
    assert resolve(client, memory, asked()).version == "0.1.0"
    refused("registry.withdrawn", client, memory, asked("~0.2"))
    found = resolve(client, memory, asked("0.2.0"))
    assert found.remarks == ("version 0.2.0 was yanked by its publisher: broken; it is taken because it was named exactly",)


def test_what_is_deprecated_is_said(client: RegistryClient, memory: MemoryFile, book: Book) -> None:
    book.status(HELLO, "0.2.0", "deprecated", "see 1.0")
    book.status(HELLO, "0.1.0", "deprecated")
    assert resolve(client, memory, asked()).remarks == ("version 0.2.0 is deprecated: see 1.0",)
    book.status(HELLO, "0.1.0", "quarantined")
    book.status(HELLO, "0.2.0", "yanked")
    assert "the package is quarantined" in resolve(client, memory, asked("0.2.0")).remarks


def test_what_is_new_waits(client: RegistryClient, memory: MemoryFile, book: Book) -> None:
    book.now = NOW + 100 * HOUR
    book.publish(signed(changes={"version": "0.3.0"}), publisher())
    what = asked(cooldown=72 * HOUR, now=book.now)
    assert resolve(client, memory, what).version == "0.2.0"
    for text in ("~0.3", "0.3.0"):
        assert "--min-age" in refused("registry.cooldown", client, memory, replace(what, range=read_range(text))).hint
    assert resolve(client, memory, replace(what, range=read_range("0.3.0"), cooldown=0)).version == "0.3.0"


def test_a_clock_that_is_behind_refuses_nothing_where_nothing_is_waited_for(client: RegistryClient, memory: MemoryFile, book: Book) -> None:
    book.now = NOW + 100 * HOUR
    book.publish(signed(changes={"version": "0.3.0"}), publisher())
    behind = asked("0.3.0", now=book.now - 5)
    assert resolve(client, memory, behind).version == "0.3.0"
    said = refused("registry.cooldown", client, memory, replace(behind, cooldown=72 * HOUR))
    assert ("later than the clock of this machine" in said.message, "clock" in said.hint) == (True, True)


def test_the_log_says_when_it_was_published(client: RegistryClient, memory: MemoryFile, server: Server) -> None:
    """Attack: a list that says of a release of this hour that it is a month old."""
    book = server.book
    book.now = NOW + 100 * HOUR
    doc = book.publish(signed(changes={"version": "0.3.0"}), publisher())
    book.docs[HELLO, "0.3.0"] = replace(doc, published_at=NOW)
    refused("registry.cooldown", client, memory, asked(cooldown=72 * HOUR, now=book.now))


def without_newest(server: Server, seen: Seen, reply: Reply) -> Reply:
    if not seen.target.startswith(f"/v1/packages/{HELLO}/versions?"):
        return reply
    return document(VersionsPage(versions=server.book.versions(HELLO).versions[:1]).to_json())


def other_hash(server: Server, seen: Seen, reply: Reply) -> Reply:
    if not seen.target.startswith(f"/v1/packages/{HELLO}/versions?"):
        return reply
    first, second = server.book.versions(HELLO).versions
    return document(VersionsPage(versions=(replace(first, file_hash="e" * 64), second)).to_json())


def other_bundle(server: Server, seen: Seen, reply: Reply) -> Reply:
    return Reply(200, server.book.bundle(HELLO, "0.1.0")) if seen.target.endswith("/bundle") else reply


@pytest.mark.parametrize("change", [without_newest, other_hash, other_bundle])
def test_a_list_that_is_not_the_proven_one_is_refused(client: RegistryClient, memory: MemoryFile, server: Server, change: object) -> None:
    server.change = lambda seen, reply: change(server, seen, reply)  # type: ignore[operator]
    refused("registry.incomplete", client, memory, asked())
    # Once more, because a version may have been published between the two questions; then no more.
    assert len(server.targets("/bundle")) == 2


def test_a_version_that_comes_between_two_questions_is_no_attack(client: RegistryClient, memory: MemoryFile, server: Server) -> None:
    late = [signed(changes={"version": "0.3.0"})]

    def change(seen: Seen, reply: Reply) -> Reply:
        if "versions?" in seen.target and late:
            server.book.publish(late.pop(), publisher())
        return reply

    server.change = change
    assert resolve(client, memory, asked()).version == "0.3.0"


def test_a_mirror_gives_the_proof_where_the_registry_is_silent(server: Server, registry: Registry, memory: MemoryFile) -> None:
    mirror = server.url.replace("127.0.0.1", "localhost")
    client = RegistryClient(replace(registry, mirrors=(mirror,)))
    silent = {"down": True}
    server.change = lambda seen, reply: Reply(503, b"") if seen.target.endswith("/bundle") and silent.pop("down", False) else reply
    assert resolve(client, memory, asked()).version == "0.2.0"
    server.change = lambda seen, reply: Reply(503, b"") if seen.target.endswith("/bundle") else reply
    with pytest.raises(RemoteFailed):
        resolve(client, memory, asked())


# --- short names


def hits(*rows: tuple[str, str]) -> list[Hit]:
    book = Book()
    for number, (_, package_id) in enumerate(rows):
        who = publisher(f"Publisher {number}")
        book.publish(signed(who, {"package_id": package_id}), who)
    return [Hit(registry=name, doc=next(one for one in book.search("com").packages if one.package_id == package_id)) for name, package_id in rows]


CONFIG = with_registry(
    with_registry(Config(registries={}), Registry(name="public", url="https://p.example", registry_id="a" * 64), default=False),
    Registry(name="corp", url="https://c.example", registry_id="b" * 64, namespaces=("com.corp.",)), default=False,
)  # fmt: skip


def test_a_short_name_means_the_one_package_that_has_it() -> None:
    found = hits(("public", "com.example.crm"), ("public", "com.example.crm-more"))
    assert meant("crm", found, CONFIG).doc.package_id == "com.example.crm"


def test_two_of_one_name_are_a_choice_for_a_person() -> None:
    with pytest.raises(Refused) as caught:
        meant("crm", hits(("public", "com.example.crm"), ("public", "com.other.crm")), CONFIG)
    assert caught.value.code == "registry.ambiguous"
    assert "com.example.crm of Publisher 0" in caught.value.message
    assert "com.other.crm of Publisher 1" in caught.value.message


def test_a_public_registry_does_not_answer_for_a_private_name_space() -> None:
    with pytest.raises(Refused) as caught:
        meant("crm", hits(("public", "com.corp.crm")), CONFIG)
    assert caught.value.code == "registry.absent"
    assert meant("crm", hits(("corp", "com.corp.crm")), CONFIG).registry == "corp"


def test_a_name_that_nobody_has(server: Server) -> None:
    with pytest.raises(Refused) as caught:
        meant("crn", hits(("public", "com.example.crm")), CONFIG)
    assert "did you mean crm" in caught.value.hint


def test_words_that_are_names() -> None:
    found = read_wish("com.example.hello@^1.2")
    assert found is not None
    assert (found.name, found.range.text, found.is_id) == ("com.example.hello", "^1.2", True)
    short = read_wish("hello")
    assert short is not None
    assert (short.is_id, short.range.text) == (False, "*")
    for word in ("./hello", "a/b", "Hello", "hello_x", "hello.mpp@", "-x", "hello\x1b", ""):
        assert read_wish(word) is None or word == "hello.mpp@"
    with pytest.raises(Refused):
        read_wish("hello@latest!")


def test_newer_is_by_precedence() -> None:
    assert is_newer("1.10.0", "1.9.0")
    assert not is_newer("1.0.0-rc.1", "1.0.0")
    assert not is_newer("x", "1.0.0")
