"""What a home remembers of bundles: it only grows, also under several processes, and is refused when damaged."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host import policy_memory as module
from mpp.host.policy_memory import NOTHING_SEEN, Mark, PolicyMemory, Pulls, Seen, read_pulls, read_seen, write_pulls, write_seen
from mpp.model.jsontext import Json, canonical
from mpp.stages.policy import PolicyBundle, Remembered, verify_bundle
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import NOW
from tests.unit.policy.test_bundle import BODY, bundle

ORG, OTHER = publisher("Example Org"), publisher("Other")
LATER = rotated(ORG, "2")
FORK = rotated(ORG, "3")
OWNERS = (os.getuid(), 0)


def made(version: int = 5, *, by: object = ORG, layer: str = "fleet", expires: int = BODY.expires) -> PolicyBundle:
    body = replace(BODY, version=version, layer=layer, expires=expires)
    chain = by.chain  # type: ignore[attr-defined]
    return verify_bundle(bundle(by, body), Remembered(chain=chain), NOW, layer=layer)  # type: ignore[arg-type]


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(MppError) as caught:
        call()
    return caught.value.code


@pytest.fixture
def memory(tmp_path: Path) -> PolicyMemory:
    return PolicyMemory(str(tmp_path / "policy"), OWNERS)


def test_nothing_is_seen_at_first(memory: PolicyMemory) -> None:
    assert memory.seen() == NOTHING_SEEN
    assert memory.pulls() == Pulls()
    assert NOTHING_SEEN.recall(ORG.chain, "fleet", "org") == Remembered(chain=ORG.chain, name="org")


def test_a_bundle_is_remembered_by_layer(memory: PolicyMemory) -> None:
    memory.note("fleet", made(5))
    memory.note("user", made(2, layer="user"))
    memory.note("fleet", made(7, by=OTHER))
    seen = memory.seen()
    assert seen.recall(ORG.chain, "fleet") == Remembered(chain=ORG.chain, name="org", version=5, digest=made(5).digest)
    assert seen.recall(ORG.chain, "user").version == 2
    assert seen.recall(OTHER.chain, "fleet").version == 7
    assert seen.recall(ORG.chain, "machine") == Remembered(chain=ORG.chain)
    assert read_seen(write_seen(seen), where="s") == seen


def test_an_enrolled_name_goes_before_the_remembered_one(memory: PolicyMemory) -> None:
    memory.note("fleet", made())
    assert memory.seen().recall(ORG.chain, "fleet", "prod").name == "prod"


def test_nothing_is_written_where_nothing_is_new(memory: PolicyMemory) -> None:
    memory.note("fleet", made())
    before = os.stat(memory.seen_path).st_ino
    memory.note("fleet", made())
    assert os.stat(memory.seen_path).st_ino == before


def test_a_step_back_is_never_taken(memory: PolicyMemory) -> None:
    memory.note("fleet", made(6))
    assert code_of(lambda: memory.note("fleet", made(5))) == "policy.rollback"
    assert code_of(lambda: memory.note("fleet", made(6, expires=BODY.expires - 1))) == "policy.fork"
    assert memory.seen().recall(ORG.chain, "fleet").version == 6


def test_the_longest_root_documents_stay(memory: PolicyMemory) -> None:
    memory.note("fleet", made(5, by=LATER))
    assert memory.seen().recall(ORG.chain, "fleet").chain == LATER.chain
    memory.note("user", made(1, layer="user"))
    assert memory.seen().chains[ORG.id] == LATER.chain
    assert NOTHING_SEEN.recall(LATER.chain, "fleet").chain == LATER.chain
    older = Seen(chains={ORG.id: ORG.chain}, marks={})
    assert older.recall(LATER.chain, "fleet").chain == LATER.chain


def test_root_documents_that_part_are_refused(memory: PolicyMemory) -> None:
    memory.note("fleet", made(5, by=LATER))
    assert code_of(lambda: memory.seen().recall(FORK.chain, "fleet")) == "policy.roots_fork"


def full() -> dict[str, Json]:
    seen = NOTHING_SEEN.noting("fleet", made()).noting("user", made(3, layer="user"))
    found = json.loads(write_seen(seen))
    assert isinstance(found, dict)
    return found


def changed(path: str, item: Json) -> bytes:
    document: Json = full()
    at = document
    *steps, last = path.split("/")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step] if isinstance(at, dict) else None
    if isinstance(at, dict):
        at[last] = item
    return canonical(document)


DAMAGED: dict[str, bytes] = {
    "nothing": b"",
    "half": canonical(full())[:-30],
    "another version": changed("mpp_policy_seen", 2),
    "a key more": changed("note", "x"),
    "no publishers": changed("publishers", "x"),
    "a publisher twice": canonical({**full(), "publishers": full()["publishers"] * 2}),  # type: ignore[operator]
    "root documents that do not hold": changed("publishers/0/roots", []),
    "root documents with a decimal": canonical(full()).replace(b'"version":1', b'"version":1.5', 1),
    "layers of another form": changed("publishers/0/layers", []),
    "a layer that is none": changed("publishers/0/layers/company", {}),
    "a mark without a version": changed("publishers/0/layers/fleet", {"name": "org", "digest": "0" * 64}),
    "a digest that is none": changed("publishers/0/layers/fleet/digest", "x"),
    "a key more in a mark": changed("publishers/0/layers/fleet/x", 1),
    "a key more in a publisher": changed("publishers/0/x", 1),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_memory_is_refused(name: str) -> None:
    assert code_of(lambda: read_seen(DAMAGED[name], where="seen.json")) == "policy.seen"


@pytest.mark.parametrize("pulls", [Pulls(), Pulls(fleet_source="https://x/y"), Pulls(user_source="/a/b.json", user_chain=LATER.chain)])
def test_sources_come_back(memory: PolicyMemory, pulls: Pulls) -> None:
    memory.change_pulls(lambda _: pulls)
    assert memory.pulls() == pulls


@pytest.mark.parametrize("data", [b"", b"[]", b'{"mpp_policy_pulls":1,"user_roots":[]}', b'{"mpp_policy_pulls":1,"x":1}', write_pulls(Pulls())[:-2]])
def test_damaged_sources_are_refused(data: bytes) -> None:
    assert code_of(lambda: read_pulls(data, where="pulls.json")) == "policy.seen"


def test_a_document_that_could_not_be_read_again_is_not_written(memory: PolicyMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEEN_BYTES_MAX", 100)
    assert code_of(lambda: memory.note("fleet", made())) == "policy.length"
    assert not Path(memory.seen_path).exists()


def test_a_memory_that_others_may_write_is_refused(memory: PolicyMemory) -> None:
    memory.note("fleet", made())
    Path(memory.seen_path).chmod(0o666)
    assert code_of(memory.seen) == "policy.mode"


def test_a_race_lost_under_the_lock_writes_nothing(memory: PolicyMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process notes the same bundle between our look and our lock."""
    found = iter([NOTHING_SEEN, NOTHING_SEEN.noting("fleet", made())])
    monkeypatch.setattr(memory, "seen", lambda: next(found))
    memory.note("fleet", made())
    assert not Path(memory.seen_path).exists()


def _note_all(folder: str, versions: list[int]) -> None:
    memory = PolicyMemory(folder, OWNERS)
    for version in versions:
        try:
            memory.note("fleet", made(version))
        except MppError as fault:
            if fault.code != "policy.rollback":
                raise


def test_several_processes_never_take_each_other_a_step_back(memory: PolicyMemory) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_note_all, args=(memory.folder, list(range(start, 40, 4)))) for start in range(1, 5)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    assert [one.exitcode for one in workers] == [0, 0, 0, 0]
    mark = memory.seen().marks[ORG.id, "fleet"]
    assert mark == Mark(name="org", version=39, digest=made(39).digest)
