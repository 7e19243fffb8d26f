"""``mpp verify FILE --bundle``: what a registry has signed about this very file, without a network."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from mpp.cli.store.registries import config_file, memory_of
from mpp.protocol.registry.bundle import write_bundle
from mpp.protocol.registry.events import Status, VersionPublished, VersionStatusChanged
from mpp.remote.config import Registry, with_registry
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.registries import MemoryRegistry, cosigned, digest, witness
from tests.cli.conftest import Mpp

HELLO, FILE, BUNDLE = "com.example.hello", "hello-0.1.0.mpp", "hello-0.1.0.mpp.bundle"


class World:
    """A file, the registry that published it, and the bundle beside the file."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.data = packages.signed()
        Path(FILE).write_bytes(self.data)
        Path("publisher.json").write_bytes(publisher().chain.data)
        content = sha256(packages.unsigned()).hexdigest()
        for i in range(3):
            self.registry.publish(f"com.example.n{i}", "1.0.0")
        self.registry.put(
            VersionPublished(
                package_id=HELLO,
                version="0.1.0",
                publisher_id=publisher().id,
                content_hash=content,
                file_hash=sha256(self.data).hexdigest(),
                size=len(self.data),
            )
        )
        self.write()

    def write(self) -> None:
        key, signer = witness()
        noted = cosigned(self.registry.checkpoint(), signer, key.name, self.registry.at)
        Path(BUNDLE).write_bytes(write_bundle(self.registry.bundle(HELLO, "0.1.0", checkpoint=noted)))

    def mark(self, status: Status) -> None:
        self.registry.append(VersionStatusChanged(package_id=HELLO, version="0.1.0", status=status, reason="a test", by="admin"))
        self.write()

    def words(self, *more: object) -> list[object]:
        return ["verify", FILE, "--trust", "publisher.json", "--bundle", BUNDLE, "--now", self.registry.at + 60, *more]


@pytest.fixture
def world() -> World:
    return World()


def test_what_a_bundle_shows(mpp: Mpp, world: World) -> None:
    answer = mpp(*world.words("--registry", world.registry.id))
    assert answer.code == 0, answer.err
    for text in ("Example Registry", f"entry {world.registry.published[HELLO, '0.1.0']} of", "active; it is the latest version", "none that this home knows"):
        assert text in answer.out
    assert answer.err == ""
    ours = answer.out[answer.out.index("registry:") :].splitlines()
    assert max(map(len, ours)) <= 100
    found = mpp(*world.words("--registry", world.registry.id, "--json")).json
    assert found["ok"] is True
    assert found["error"] is None
    assert found["registry"] == {
        "id": world.registry.id, "name": "Example Registry", "index": 8, "published_at": world.registry.at, "size": 9, "as_of": world.registry.at,
        "status": "active", "latest": "0.1.0", "package_status": "active", "witnesses": [],
    }  # fmt: skip


def test_without_a_bundle_nothing_is_said_of_a_registry(mpp: Mpp, world: World) -> None:
    answer = mpp("verify", FILE, "--trust", "publisher.json", "--json")
    assert answer.code == 0
    assert answer.json["registry"] is None
    for more in (("--registry", world.registry.id), ("--max-age", "1")):
        answer = mpp("verify", FILE, *more)
        assert answer.code == 2
        assert "--bundle" in answer.err


def refused(mpp: Mpp, world: World, *more: object) -> str:
    """The code, which text and JSON agree on."""
    words = world.words(*(more or ("--registry", world.registry.id)))
    shown, found = mpp(*words), mpp(*words, "--json")
    assert (shown.code, found.code) == (41, 41), shown.err
    assert "refused by what the registry says" in shown.out
    assert (found.json["ok"], found.json["registry"]) == (False, None)
    assert found.json["integrity"] == "intact"
    code = str(found.json["error"]["code"])
    assert code in shown.err
    return code


def test_a_registry_that_nobody_named(mpp: Mpp, world: World) -> None:
    assert refused(mpp, world, "--max-age", "5") == "registry.unknown"
    assert world.registry.id in mpp(*world.words()).err
    assert refused(mpp, world, "--registry", digest("another")) == "registry.identity"
    assert refused(mpp, world, "--registry", "nickname") == "registry.unknown"


def test_the_bundle_of_another_file(mpp: Mpp, world: World) -> None:
    # The same content, sealed again at another time.
    Path(FILE).write_bytes(packages.signed(created=packages.NOW + 1))
    assert refused(mpp, world) == "registry.other_file"
    Path(FILE).write_bytes(packages.signed(changes={"version": "0.1.1"}))
    assert refused(mpp, world) == "registry.other_file"


def test_what_was_withdrawn(mpp: Mpp, world: World) -> None:
    world.mark("yanked")
    answer = mpp(*world.words("--registry", world.registry.id))
    assert answer.code == 0
    assert "was yanked" in answer.err
    assert "no version may be installed" in answer.out
    world.mark("quarantined")
    assert refused(mpp, world) == "registry.withdrawn"
    world.mark("revoked")
    assert refused(mpp, world) == "registry.withdrawn"


def test_an_old_bundle(mpp: Mpp, world: World) -> None:
    old = ["verify", FILE, "--trust", "publisher.json", "--bundle", BUNDLE, "--registry", world.registry.id, "--now", world.registry.at + 3 * 86_400 + 1]
    answer = mpp(*old)
    assert answer.code == 0
    assert "3 days old" in answer.err
    answer = mpp(*old, "--max-age", "24", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (41, "registry.stale")
    early = ["verify", FILE, "--trust", "publisher.json", "--bundle", BUNDLE, "--registry", world.registry.id, "--now", "2025-01-01", "--json"]
    assert mpp(*early).json["error"]["code"] == "registry.early"


def test_a_file_that_is_refused_is_not_judged_further(mpp: Mpp, world: World) -> None:
    Path(FILE).write_bytes(world.data[:-1])
    answer = mpp(*world.words("--registry", world.registry.id, "--json"))
    assert answer.code == 11
    assert answer.json["registry"] is None


def test_a_bundle_that_is_none(mpp: Mpp, world: World) -> None:
    for data in (b"", b"{}", b"x" * 70_000):
        Path(BUNDLE).write_bytes(data)
        answer = mpp(*world.words("--registry", world.registry.id, "--json"))
        assert answer.code in {12, 41}
        assert answer.json["ok"] is False
    Path(BUNDLE).unlink()
    assert mpp(*world.words("--registry", world.registry.id)).code == 1


def test_a_registry_of_this_home(mpp: Mpp, world: World) -> None:
    key, _ = witness()
    row = Registry(name="example", url="https://registry.example.com", registry_id=world.registry.id, witnesses=(str(key),), quorum=1)
    config_file().change(lambda config: with_registry(config, row, default=True))
    memory = memory_of(world.registry.id)
    memory.begin(world.registry.keys.chain)
    for more in ((), ("--registry", "example"), ("--registry", world.registry.id)):
        answer = mpp(*world.words(*more))
        assert answer.code == 0, answer.err
    assert key.name in mpp(*world.words()).out
    found = mpp(*world.words("--json")).json["registry"]
    assert found["witnesses"] == [key.name]
    # Without its witness, and from a twin that tells another story about the same place of the log.
    Path(BUNDLE).write_bytes(write_bundle(world.registry.bundle(HELLO, "0.1.0")))
    assert refused(mpp, world, "--max-age", "99") == "registry.unwitnessed"
    # A registry that has told another story about the same place of its log.
    twin = World()
    twin.registry.publish("com.example.n0", "6.6.6")
    world.registry.publish("com.example.n0", "1.0.1")
    memory.accept(twin.registry.checkpoint().note, lambda _begin, _end: (), world.registry.at, None)
    world.write()
    assert refused(mpp, world, "--max-age", "99") == "registry.fork"


def test_the_help_shows_the_codes(mpp: Mpp) -> None:
    answer = mpp("verify", "--help")
    assert "--bundle" in answer.out
    assert "41 " in answer.out
