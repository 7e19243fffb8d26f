"""T90: the trust roots of a registry. What clients of update frameworks are tried with, tried on ours: keys that change, thresholds, states that go back, stand still or run ahead.

The questions are those of the suite tuf-conformance; docs/how-to/verify-a-registry.md has the table of them, and where ours differ.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id, SeedSigner
from mpp.crypto.envelope import signed_bytes
from mpp.crypto.roots import read_chain, ROOT_TYPE, root_body, RootChain
from mpp.errors import MppError, Refused
from mpp.ledger.notes import read_note, write_note
from mpp.ledger.tree import root_of
from mpp.model.jsontext import canonical
from mpp.protocol.registry.checkpoint import origin_of, sign_checkpoint
from mpp.protocol.registry.events import PeersChanged
from mpp.remote.memory import MemoryFile
from mpp.testing.keys import fixed_signer, publisher
from mpp.testing.packages import NOW, signed
from tests.unit.remote.book import Book

KEYS = tuple(fixed_signer(f"root {number}") for number in range(10))
LOGS = tuple(fixed_signer(f"log {number}") for number in range(6))
DAY = 24 * 3600


def version(number: int, roots: Sequence[int], threshold: int, by: Sequence[int], *, logs: Sequence[int] = (0,), log_threshold: int = 1) -> dict[str, object]:
    """One root version, signed by whoever is named, whether that is enough or not."""
    roles = {
        "root": (tuple(KEYS[one].public_key for one in roots), threshold),
        "release": (tuple(LOGS[one].public_key for one in logs), log_threshold),
    }
    body = root_body(number, "Registry", roles)  # type: ignore[arg-type] # the names are those of roles
    made = {key_id(KEYS[one].public_key): KEYS[one].sign(signed_bytes(ROOT_TYPE, body)) for one in by}
    return {"signed": json.loads(body), "signatures": [{"key": key, "sig": base64text.encode(made[key])} for key in sorted(made)]}


def chain(*versions: dict[str, object]) -> RootChain:
    return read_chain(canonical({"roots": [*versions]}), where="roots")  # type: ignore[list-item]


FIVE, SOME = (0, 1, 2, 3, 4), (0, 1, 3, 4, 5)
Steps = tuple[tuple[Sequence[int], int, Sequence[int]], ...]
SOUND: dict[str, Steps] = {
    "one key after another": (((1,), 1, (1,)), ((2,), 1, (1, 2)), ((2,), 1, (2,))),
    "three of five, others each time": ((FIVE, 3, (0, 2, 4)), (FIVE, 3, (0, 1, 4)), (FIVE, 3, (1, 2, 3))),
    "all of them signed": ((FIVE, 3, FIVE), (FIVE, 3, FIVE)),
    "one of five is another now": ((FIVE, 3, (0, 2, 4)), (SOME, 3, (0, 1, 4))),
    "one of five, in two steps": ((FIVE, 3, (0, 2, 4)), (SOME, 3, (0, 2, 4, 5)), (SOME, 3, (0, 4, 5))),
    "all five are others": ((FIVE, 3, (0, 2, 4)), ((5, 6, 7, 8, 9), 3, (0, 2, 4, 5, 6, 7)), ((5, 6, 7, 8, 9), 3, (5, 6, 7))),
    "more must sign": (((1, 2, 3), 1, (1,)), ((1, 2, 3), 2, (1, 2))),
    "fewer must sign": (((1, 2, 3), 2, (1, 2)), ((1, 2, 3), 1, (1, 2)), ((1, 2, 3), 1, (3,))),
    "a second key beside the first": (((1,), 1, (1,)), ((1, 2), 2, (1, 2))),
}
FALSE: dict[str, tuple[Steps, str]] = {
    "the old key did not sign": ((((1,), 1, (1,)), ((2,), 1, (2,))), "root_threshold"),
    "the new key did not sign": ((((1,), 1, (1,)), ((2,), 1, (1,))), "root_threshold"),
    "two of three of the new ones": (((FIVE, 3, (0, 2, 4)), (SOME, 3, (0, 2, 4))), "root_threshold"),
    "two of three of the old ones": (((FIVE, 3, (0, 2, 4)), (SOME, 3, (0, 4, 5))), "root_threshold"),
    "more must sign, and one did": ((((1, 2, 3), 1, (1,)), ((1, 2, 3), 2, (2,))), "root_threshold"),
    "fewer must sign, and only so many did": ((((1, 2, 3), 2, (1, 2)), ((1, 2, 3), 1, (1,))), "root_threshold"),
    "fewer than there must be at the beginning": ((((1, 2, 3), 2, (1,)),), "root_threshold"),
    # Update frameworks pass over signatures by keys that have no role. Ours is one form of one document, so there are none (K-34).
    "a signature that nobody needs": ((((1,), 1, (1,)), ((2,), 1, (1, 2, 3))), "root_signer"),
    "a signature that nobody needs, at the beginning": ((((1,), 1, (1, 4)),), "root_signer"),
    "a key that was taken out signs on": ((((1,), 1, (1,)), ((2,), 1, (1, 2)), ((2,), 1, (1, 2))), "root_signer"),
}


def remembering(tmp_path: Path, first: RootChain) -> MemoryFile:
    found = MemoryFile(str(tmp_path / "registries"), first.publisher_id)
    found.begin(first)
    return found


@pytest.mark.parametrize("steps", SOUND.values(), ids=SOUND.keys())
def test_keys_may_change(tmp_path: Path, steps: Steps) -> None:
    """A client that saw the first version alone takes the last one, and keeps it."""
    made = [version(number, *step) for number, step in enumerate(steps, 1)]
    memory = remembering(tmp_path, chain(made[0]))
    assert memory.learn(chain(*made)).chain.newest.version == len(made)
    assert memory.known().chain.data == chain(*made).data
    # Whoever shows less is not believed more.
    assert memory.learn(chain(made[0])).chain.newest.version == len(made)


@pytest.mark.parametrize(("steps", "code"), FALSE.values(), ids=FALSE.keys())
def test_keys_may_not_change_so(tmp_path: Path, steps: Steps, code: str) -> None:
    made = [version(number, *step) for number, step in enumerate(steps, 1)]
    if len(made) > 1:
        memory = remembering(tmp_path, chain(*made[:-1]))
    with pytest.raises(Refused) as caught:
        chain(*made)
    assert caught.value.code == f"signature.{code}"
    if len(made) > 1:
        assert memory.known().chain.newest.version == len(made) - 1, "what was known stays"


# -- the log keys: who signs states


def state(of: RootChain, *by: SeedSigner, size: int = 1, at: int = NOW, root: bytes = b"") -> bytes:
    """A checkpoint of a log of ``size`` leaves, signed by whoever is named."""
    hashes = [bytes([number]) * 32 for number in range(size)]
    return sign_checkpoint(origin_of(of.publisher_id), size, root or root_of(hashes), bytes(32), at, by).note


def code(memory: MemoryFile, note: bytes, now: int = NOW) -> str:
    try:
        memory.accept(note, lambda _begin, _end: (), now, DAY)
    except MppError as fault:
        return fault.code
    return ""


COMBINATIONS = [
    ((0, 2, 4), ""),
    ((0, 1, 4), ""),
    ((1, 2, 3), ""),
    ((2, 3, 4), ""),
    ((0, 1, 2, 3, 4), ""),
    ((0, 4), "registry.unsigned"),
    ((0, 2, 5), "registry.unsigned"),
    ((), "registry.checkpoint"),
]


@pytest.mark.parametrize(("by", "wanted"), COMBINATIONS)
def test_three_of_five_log_keys_sign_a_state(tmp_path: Path, by: Sequence[int], wanted: str) -> None:
    first = chain(version(1, (1,), 1, (1,), logs=FIVE, log_threshold=3))
    note = state(first, *(LOGS[one] for one in by)) if by else state(first, LOGS[0]).partition(b"\n\n")[0] + b"\n\n"
    found = code(remembering(tmp_path, first), note)
    assert found == wanted or (not by and found.startswith("registry."))


def test_one_log_key_counts_once(tmp_path: Path) -> None:
    """Attack: one key whose signature stands there three times, or that stands in the root document under several ids."""
    first = chain(version(1, (1,), 1, (1,), logs=FIVE, log_threshold=3))
    memory = remembering(tmp_path, first)
    note = read_note(state(first, LOGS[0]), where="x")
    assert code(memory, write_note(note.text, [*note.signatures] * 3)) == "registry.unsigned"
    body = version(1, (1,), 1, (1,), logs=(0, 1), log_threshold=2)
    keys = body["signed"]["keys"]  # type: ignore[index]
    keys[key_id(LOGS[1].public_key)] = keys[key_id(LOGS[0].public_key)]
    with pytest.raises(Refused) as caught:
        chain(body)
    assert caught.value.code == "signature.root_key"


def test_more_must_sign_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        chain(version(1, (1,), 1, (1,), logs=(0, 1), log_threshold=3))
    assert caught.value.code == "signature.range"


def test_a_root_key_signs_no_state(tmp_path: Path) -> None:
    """Attack: enough keys, of another role."""
    first = chain(version(1, (1,), 1, (1,)))
    assert code(remembering(tmp_path, first), state(first, KEYS[1])) == "registry.unsigned"


def test_a_log_key_that_was_taken_out_signs_nothing_any_more(tmp_path: Path) -> None:
    first, second = version(1, (1,), 1, (1,)), version(2, (1,), 1, (1,), logs=(1,))
    memory = remembering(tmp_path, chain(first))
    assert code(memory, state(chain(first), LOGS[0])) == ""
    memory.learn(chain(first, second))
    assert code(memory, state(chain(first), LOGS[0], at=NOW + 1), NOW + 1) == "registry.unsigned"
    assert code(memory, state(chain(first), LOGS[1], at=NOW + 1), NOW + 1) == ""


def test_unusual_names_of_algorithms_are_not_passed_over() -> None:
    """Update frameworks pass over fields that they do not know. Here a key has one form (K-31), so nothing can be read in two ways."""
    for change in ({"alg": "Ed25519"}, {"alg": "ecdsa"}, {"keyid_hash_algorithms": ["md5"]}):
        made = version(1, (1,), 1, (1,))
        row = made["signed"]["keys"][key_id(KEYS[1].public_key)]  # type: ignore[index]
        row.update(change)
        with pytest.raises(Refused):
            chain(made)


# -- states that go back, stand still, or run ahead


@pytest.fixture
def book() -> Book:
    found = Book()
    found.publish(signed(), publisher())
    return found


@pytest.fixture
def known(tmp_path: Path, book: Book) -> MemoryFile:
    found = remembering(tmp_path, book.keys.chain)
    accept(found, book)
    return found


def accept(memory: MemoryFile, book: Book, note: bytes = b"", now: int = 0) -> str:
    try:
        memory.accept(note or book.checkpoint().note, lambda begin, end: book.consistency(begin, end).hashes, now or book.now, DAY)
    except MppError as fault:
        return fault.code
    return ""


def grown(book: Book, count: int = 1) -> None:
    for number in range(count):
        book.add(PeersChanged(sha256=f"{number:064x}"))


def test_an_older_state_is_refused_and_the_newer_one_kept(known: MemoryFile, book: Book) -> None:
    old = book.checkpoint().note
    grown(book)
    assert accept(known, book) == ""
    size = known.known().size
    assert accept(known, book, old) == "registry.rollback"
    assert known.known().size == size


def test_the_same_number_with_other_content_is_refused(known: MemoryFile, book: Book) -> None:
    """Attack: a state that is changed without a new number."""
    kept = known.known().note
    book.leaves[-1] = book.leaves[-1].replace(b'"size":', b'"size":1', 1)
    assert accept(known, book) == "registry.fork"
    assert known.known().note == kept


def test_a_root_of_the_map_alone_is_not_exchanged(known: MemoryFile, book: Book) -> None:
    """Mix and match: the true log beside another map."""
    note = sign_checkpoint(origin_of(book.id), len(book.leaves), root_of(book.hashes), bytes(31) + b"\x01", book.now, book.keys.release).note
    assert accept(known, book, note) == "registry.fork"


def test_a_state_that_stands_still_is_refused_after_a_day(known: MemoryFile, book: Book) -> None:
    """Freeze. What was known before it was old is enough to go on from once there is something new."""
    note = book.checkpoint().note
    assert accept(known, book, note, book.now + DAY) == ""
    assert accept(known, book, note, book.now + DAY + 1) == "registry.stale"
    assert known.known().size == len(book.leaves)
    book.now += 18 * DAY
    grown(book)
    assert accept(known, book) == ""


def test_new_root_documents_are_kept_though_the_state_is_old(tmp_path: Path) -> None:
    """A client learns who is trusted now before it finds that there is nothing new: so a key that was taken out stays out."""
    first, second = version(1, (1,), 1, (1,)), version(2, (1,), 1, (1,), logs=(1,))
    memory = remembering(tmp_path, chain(first))
    memory.learn(chain(first, second))
    assert code(memory, state(chain(first), LOGS[1]), NOW + DAY + 1) == "registry.stale"
    assert memory.known().chain.newest.version == 2


def test_a_state_that_ran_ahead_is_left_behind_by_a_person(known: MemoryFile, book: Book) -> None:
    """Fast forward: a thief of the log key lets the log grow a thousandfold, and the honest one then looks like a rollback.

    A new log key alone does not heal that here, other than in update frameworks: nothing that is signed tells a thief's log from the true one. A person begins anew.
    """
    honest = book.checkpoint().note
    thief = Book()
    thief.leaves, thief.states = [*book.leaves], dict(book.states)
    grown(thief, 1000)
    assert accept(known, thief) == ""
    assert accept(known, book, honest) == "registry.rollback"
    # A time that runs ahead is refused at once.
    assert code(known, sign_checkpoint(origin_of(book.id), 2000, bytes(32), bytes(32), NOW + 10**6, book.keys.release).note) == "registry.early"
    known.forget()
    known.begin(book.keys.chain)
    assert accept(known, book, honest) == ""


def test_a_first_root_document_that_does_not_hold_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    made = version(1, (1,), 1, (1,))
    for change in ("version", "roles", "keys", "type"):
        with pytest.raises(Refused):
            chain({**made, "signed": {key: item for key, item in made["signed"].items() if key != change}})  # type: ignore[attr-defined]
    row = made["signatures"][0]  # type: ignore[index]
    with pytest.raises(Refused):
        chain({**made, "signatures": [{**row, "sig": base64text.encode(bytes(64))}]})


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    """Endless root documents."""
    made = [version(number, (1,), 1, (1,)) for number in range(1, 102)]
    assert chain(*made[:100]).newest.version == 100
    with pytest.raises(Refused) as caught:
        chain(*made)
    assert caught.value.code == "signature.length"
