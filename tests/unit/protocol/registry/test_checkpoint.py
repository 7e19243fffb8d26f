"""Checkpoints of a registry: who signed, how old, and whether the log goes on from what was seen."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.ledger.notes import NoteSignature, read_note, sign_text, write_note
from mpp.protocol.registry import checkpoint as checkpoints
from mpp.protocol.registry.checkpoint import RegistryCheckpoint, Seen, check_age, followed, read_signed, sign_checkpoint
from mpp.protocol.registry.limits import SKEW_SECONDS_MAX
from mpp.testing.keys import fixed_signer, publisher, rotated
from mpp.testing.registries import MemoryRegistry, cosigned, witness


@pytest.fixture
def registry() -> MemoryRegistry:
    made = MemoryRegistry()
    made.publish("com.example.hello", "1.0.0")
    return made


def code_of(note: bytes, registry: MemoryRegistry) -> str:
    with pytest.raises(Refused) as caught:
        read_signed(note, registry.keys.chain)
    return caught.value.code


def test_a_checkpoint_is_read_as_it_was_signed(registry: MemoryRegistry) -> None:
    made = registry.checkpoint()
    assert read_signed(made.note, registry.keys.chain) == made
    assert made.origin == "mpp-registry/" + registry.id[:32]
    lines = made.note.decode().splitlines()
    assert lines[0] == made.origin
    assert lines[1] == str(len(registry.leaves))
    assert lines[3].startswith("map ")
    assert lines[4] == f"time {registry.at}"


def test_no_byte_of_a_note_can_be_changed(registry: MemoryRegistry) -> None:
    note = registry.checkpoint().note
    for at in range(len(note)):
        bad = note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :]
        assert code_of(bad, registry) in {"registry.checkpoint", "registry.unsigned", "registry.identity"}


def signed(registry: MemoryRegistry, text: str) -> bytes:
    return write_note(text, [sign_text(text, registry.origin, signer) for signer in registry.keys.release])


def test_what_is_signed_and_no_checkpoint(registry: MemoryRegistry) -> None:
    good = read_note(registry.checkpoint().note, where="note").text
    lines = good[:-1].split("\n")
    for bad in (
        lines[:3],
        lines[:4],
        [*lines, "more 1"],
        [*lines[:3], lines[4], lines[3]],
        [*lines[:3], "map AAAA", lines[4]],
        [*lines[:3], "map -", lines[4]],
        [*lines[:4], "time 01"],
        [*lines[:4], "time 999999999999"],
        [*lines[:4], "time -1"],
        [lines[0], "01", *lines[2:]],
    ):
        assert code_of(signed(registry, "".join(line + "\n" for line in bad)), registry) == "registry.checkpoint"


def test_who_signs(registry: MemoryRegistry) -> None:
    made = registry.checkpoint()
    by_root = sign_checkpoint(made.origin, made.size, made.root, made.map_root, made.at, registry.keys.root)
    by_stranger = sign_checkpoint(made.origin, made.size, made.root, made.map_root, made.at, [fixed_signer("stranger")])
    for found in (by_root, by_stranger):
        assert code_of(found.note, registry) == "registry.unsigned"
    assert code_of(write_note("x\n", []), registry) == "registry.checkpoint"


def test_another_registry_does_not_speak_for_this_one(registry: MemoryRegistry) -> None:
    other = MemoryRegistry("Another Registry")
    assert code_of(other.checkpoint().note, registry) == "registry.identity"
    # The other one's key under this one's origin.
    theirs = sign_checkpoint(registry.origin, 1, bytes(32), bytes(32), 1, other.keys.release)
    assert code_of(theirs.note, registry) == "registry.unsigned"


def test_keys_that_were_taken_out_hold_no_more(registry: MemoryRegistry) -> None:
    old = registry.checkpoint()
    registry.keys = rotated(registry.keys, "second", revoke=True)
    assert code_of(old.note, registry) == "registry.unsigned"
    assert read_signed(registry.checkpoint().note, registry.keys.chain).size == old.size


def test_a_registry_may_need_two_keys() -> None:
    keys = publisher("Two Keys", releases=2, release_threshold=2)
    origin = checkpoints.origin_of(keys.id)
    both = sign_checkpoint(origin, 0, bytes(32), bytes(32), 5, keys.release)
    assert read_signed(both.note, keys.chain).at == 5
    one = sign_checkpoint(origin, 0, bytes(32), bytes(32), 5, keys.release[:1])
    twice = write_note(read_note(one.note, where="x").text, [*read_note(one.note, where="x").signatures] * 2)
    for note in (one.note, twice):
        with pytest.raises(Refused, match="1 of 2"):
            read_signed(note, keys.chain)


def test_witnesses(registry: MemoryRegistry) -> None:
    key, signer = witness()
    other, _ = witness("witness.example/two")
    made = registry.checkpoint()
    assert checkpoints.witnessed_by(made, [key]) == ()
    seen = cosigned(made, signer, key.name, 77)
    assert checkpoints.witnessed_by(seen, [other, key]) == ((key.name, 77),)
    assert read_signed(seen.note, registry.keys.chain).size == made.size
    # A cosignature of another checkpoint.
    registry.publish("com.example.hello", "1.1.0")
    later = registry.checkpoint()
    moved: list[NoteSignature] = [*read_note(later.note, where="x").signatures, read_note(seen.note, where="x").signatures[-1]]
    note = write_note(read_note(later.note, where="x").text, moved)
    assert checkpoints.witnessed_by(read_signed(note, registry.keys.chain), [key]) == ()


def test_age(registry: MemoryRegistry) -> None:
    made = registry.checkpoint()
    check_age(made, now=made.at + 10**9, max_age=None)
    check_age(made, now=made.at + 60, max_age=60)
    check_age(made, now=made.at - SKEW_SECONDS_MAX, max_age=0)
    for now, code in ((made.at + 61, "registry.stale"), (made.at - SKEW_SECONDS_MAX - 1, "registry.early")):
        with pytest.raises(Refused) as caught:
            check_age(made, now=now, max_age=60)
        assert caught.value.code == code


def not_followed(seen: Seen, found: RegistryCheckpoint, path: tuple[bytes, ...] = ()) -> str:
    with pytest.raises(Refused) as caught:
        followed(seen, found, path)
    return caught.value.code


def test_a_log_goes_on(registry: MemoryRegistry) -> None:
    first = registry.checkpoint()
    seen = followed(None, first, ())
    assert seen == Seen(origin=first.origin, size=first.size, root=first.root, at=first.at)
    # The same tree, signed again later.
    assert followed(seen, registry.checkpoint(at=first.at + 5), ()).at == first.at + 5
    registry.publish("com.example.hello", "1.1.0")
    later = registry.checkpoint()
    path = registry.consistency(first.size)
    assert followed(seen, later, path).size == later.size
    assert not_followed(seen, later) == "registry.fork"
    assert not_followed(seen, later, (*path, bytes(32))) == "registry.fork"


def test_a_log_does_not_go_back(registry: MemoryRegistry) -> None:
    first = registry.checkpoint()
    registry.publish("com.example.hello", "1.1.0")
    seen = followed(None, registry.checkpoint(), ())
    assert not_followed(seen, first) == "registry.rollback"
    assert not_followed(seen, registry.checkpoint(at=first.at)) == "registry.rollback"


def test_a_log_does_not_tell_two_stories(registry: MemoryRegistry) -> None:
    twin = MemoryRegistry()
    twin.publish("com.example.hello", "6.6.6")
    seen = followed(None, registry.checkpoint(), ())
    assert not_followed(seen, twin.checkpoint()) == "registry.fork"
    twin.publish("com.example.hello", "6.6.7")
    assert not_followed(seen, twin.checkpoint(), twin.consistency(seen.size)) == "registry.fork"
    other = MemoryRegistry("Another Registry")
    assert not_followed(seen, other.checkpoint()) == "registry.identity"
