"""T93, hostile uploads: every vector that a host must refuse is refused by a registry with the same code, and leaves nothing behind.

Spec: registry section 6, 2-gatekeeper.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from conformance.suite.cases import Case, load
from mpp.crypto.roots import RootChain, read_chain
from mpp.errors import Refused
from mpp.model.jsontext import canonical
from mpp.stages.archive import read_archive, read_member
from mpp_registry.publishing import Actor, publish
from tests.registry.publishing.worlds import ALICE, World, package

CASES = [case for group in ("archive", "signature", "manifest", "capabilities", "accept") for case in load(f"{group}/*")]
REFUSED = [case for case in CASES if not case.accept]

OURS = ("registry.", "description.", "privacy.")
"""What a registry refuses besides: ids that belong to others, versions that are there, words that hide something."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("registry"))
    yield found
    found.close()


@cache
def chains(trust: Path) -> list[RootChain]:
    """Those that the trust document of a case knows, which is what a registry would have stored."""
    found = json.loads(trust.read_bytes()).get("publishers", [])
    return [read_chain(canonical({"roots": one["roots"]}), where="trust") for one in found]


def shown(data: bytes) -> RootChain | None:
    """The chain in the file itself, where it can be read."""
    try:
        archive = read_archive(data)
        member = archive.find("_mpp/publisher.json")
        return None if member is None else read_chain(read_member(archive, member), where="file")
    except Refused:
        return None


def store(world: World, chain: RootChain) -> Actor:
    """The publisher is registered here with this very chain. Past the rules for rotating it: each vector has a past of its own."""
    root = chain.newest
    actor = Actor(publisher_id=chain.publisher_id, key_id=root.role("release").keys[0], how="signed", roles=("release",))
    if world.cell("SELECT roots FROM publishers WHERE publisher_id = ?", chain.publisher_id) == chain.data:
        return actor
    with world.services.database.write() as rows:
        rows.run(
            "INSERT INTO publishers (publisher_id, name, roots, root_version, status, registered_at) VALUES (?, ?, ?, ?, 'active', 1)"
            " ON CONFLICT (publisher_id) DO UPDATE SET roots = excluded.roots, root_version = excluded.root_version",
            chain.publisher_id, root.name, chain.data, root.version,
        )  # fmt: skip
    return actor


def answer(world: World, case: Case, work: Path) -> str:
    """What the registry says to whoever uploads the file: a code, or published."""
    data = case.file(work).read_bytes()
    known, own = chains(case.trust), None if case.id.startswith("archive/") else shown(data)
    chain = next((one for one in known if own is not None and one.publisher_id == own.publisher_id), None) or own or (known[0] if known else ALICE.chain)
    world.clock.moment = case.now
    try:
        publish(world.services, data, store(world, chain))
    except Refused as fault:
        return fault.code
    return "published"


def left(world: World) -> tuple[object, ...]:
    """Everything that an upload could leave."""
    with world.services.database.read() as rows:
        counts = [rows.one(f"SELECT COUNT(*) FROM {table}") for table in ("packages", "versions", "uploads", "staged", "log_leaves", "shapes")]
    files = sum(len(names) for _, _, names in os.walk(world.folder / "blobs"))
    return (*counts, files)


def test_there_are_vectors_of_each_kind() -> None:
    assert len(REFUSED) > 1000
    assert {case.check for case in REFUSED} == {1, 2, 3, 4, 5, 6, 7}


def test_what_a_host_must_refuse_is_refused_with_the_same_code_and_leaves_nothing(world: World, tmp_path: Path) -> None:
    before = left(world)
    wrong: list[str] = []
    for case in REFUSED:
        found = answer(world, case, tmp_path)
        # Whom a host trusts for which id is its own matter; a registry judges ids by its rows.
        if found != case.code and not case.code.startswith("publisher."):
            wrong.append(f"{case.id}: {found}, not {case.code}")
        if found == "published":
            before = left(world)
        elif left(world) != before:
            wrong.append(f"{case.id}: left something behind")
            before = left(world)
    assert not wrong, "\n".join(wrong)


def test_what_a_host_accepts_is_refused_only_by_rules_of_the_registry(world: World, tmp_path: Path) -> None:
    accepted = [case for case in CASES if case.accept]
    found = {case.id: answer(world, case, tmp_path) for case in accepted}
    # Content that a host had before a rotation goes on there; nobody may publish it anew.
    strange = {name: code for name, code in found.items() if code != "published" and not code.startswith(OURS) and "installed" not in name}
    assert not strange
    assert sum(code == "published" for code in found.values()) >= 3


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    found.join(ALICE)
    yield found
    found.close()


def test_half_an_upload_is_refused(alone: World) -> None:
    """Cut at many places, and with bytes of another upload behind it."""
    whole, other = package(ALICE), package(ALICE, version="1.0.1")
    before = left(alone)
    actor = alone.actor(ALICE)
    pieces = [whole[:length] for length in range(0, len(whole), 97)]
    pieces += [piece + other[len(piece) :] for piece in pieces[1:]] + [whole + b"\0", whole + other, b"\0" + whole]
    for piece in pieces:
        with pytest.raises(Refused):
            publish(alone.services, piece, actor)
    assert left(alone) == before
    assert publish(alone.services, whole, actor).is_new


def test_no_single_byte_may_differ(alone: World) -> None:
    whole = bytearray(package(ALICE))
    actor = alone.actor(ALICE)
    before = left(alone)
    for place in range(0, len(whole), 53):
        whole[place] ^= 0x20
        with pytest.raises(Refused):
            publish(alone.services, bytes(whole), actor)
        whole[place] ^= 0x20
    assert left(alone) == before


def test_an_upload_over_the_limit_is_not_read(alone: World) -> None:
    with pytest.raises(Refused) as refused:
        publish(alone.services, b"\0" * (256 * 1024 * 1024 + 1), alone.actor(ALICE))
    assert refused.value.code.startswith(("archive.", "size."))


@pytest.mark.parametrize(("member", "code"), [
    ({"mcp/prompts.json": b'{"prompts": 1}'}, "manifest."), ({"mcp/prompts.json": b"[" * 100_000}, "manifest."),
])  # fmt: skip
def test_static_lists_are_judged_too(alone: World, member: dict[str, bytes], code: str) -> None:
    from mpp.testing.packages import signed

    with pytest.raises(Refused) as refused:
        publish(alone.services, signed(ALICE, {"package_id": "com.example.hello"}, member), alone.actor(ALICE))
    assert refused.value.code.startswith(code)
