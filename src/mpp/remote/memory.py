"""What is remembered of one registry: its root documents, the newest checkpoint that was seen, and evidence against it.

A registry that shows two histories, or an older one, is found out by this file alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from mpp.crypto import base64text
from mpp.crypto.roots import RootChain, read_chain
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.ledger.tree import EMPTY_ROOT, HASH_BYTES, is_consistent
from mpp.limits import JSON_INT_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.value import value
from mpp.protocol.registry.checkpoint import check_age, read_signed, RegistryCheckpoint
from mpp.remote.limits import EVIDENCE_MAX, MEMORY_BYTES_MAX, TEXT_SHOWN_MAX

Consistency = Callable[[int, int], Sequence[bytes]]
"""Asks for the hashes that show the log of the first size to be a beginning of that of the second."""

_NOTE_CHARS_MAX = 64 * 1024
_ANY = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f]*")


@value
class Evidence:
    """Two signed checkpoints that cannot both be of an honest registry."""

    at: int
    why: str
    before: str
    after: str


@value
class Memory:
    """The newest checkpoint is kept as it was signed, so that it can be shown to others."""

    chain: RootChain
    size: int = 0
    root: bytes = EMPTY_ROOT
    map_root: bytes = b""
    at: int = 0
    note: str = ""
    """Empty: no checkpoint was seen yet. It was judged when it came; the key that signed it may be another one by now."""
    seen_at: int = 0
    evidence: tuple[Evidence, ...] = ()


def read_memory(data: bytes, *, where: str) -> Memory:
    """Raises Refused ``registry.*`` where it was damaged: what was seen before is then unknown, and nothing is installed."""
    faults = Faults("registry")
    fields = Fields(read(data, family="registry", where=where), where, faults)
    fields.number("mpp_registry_memory", least=1, most=1)
    roots = base64text.decode(fields.text("roots", most=MEMORY_BYTES_MAX))
    note = fields.text("note", most=_NOTE_CHARS_MAX, default="", least=0, pattern=_ANY, form="a signed note")
    root, map_root = (base64text.decode(fields.text(key, most=64, default="", least=0)) or b"" for key in ("root", "map_root"))
    size, at = (fields.number(key, least=0, most=JSON_INT_MAX, default=0) for key in ("size", "at"))
    if note and (len(root), len(map_root)) != (HASH_BYTES, HASH_BYTES):
        faults.add("form", where, "holds a checkpoint without its roots", "restore it from a copy")
    seen_at = fields.number("seen_at", least=0, most=JSON_INT_MAX, default=0)
    evidence = fields.each("evidence", lambda item, at: _read_evidence(Fields(item, at, faults)), most=EVIDENCE_MAX)
    fields.end()
    faults.stop()
    chain = read_chain(roots or b"", where=where)
    return Memory(chain=chain, size=size, root=root, map_root=map_root, at=at, note=note, seen_at=seen_at, evidence=evidence)


def _read_evidence(fields: Fields) -> Evidence:
    found = Evidence(
        at=fields.number("at", least=0, most=JSON_INT_MAX),
        why=fields.text("why", most=TEXT_SHOWN_MAX),
        before=fields.text("before", most=_NOTE_CHARS_MAX, default="", least=0, pattern=_ANY, form="a signed note"),
        after=fields.text("after", most=_NOTE_CHARS_MAX, default="", least=0, pattern=_ANY, form="a signed note"),
    )
    fields.end()
    return found


def write_memory(memory: Memory) -> bytes:
    rows: list[Json] = [{"at": one.at, "why": one.why, "before": one.before, "after": one.after} for one in memory.evidence]
    document: dict[str, Json] = {
        "mpp_registry_memory": 1, "roots": base64text.encode(memory.chain.data), "size": memory.size, "root": base64text.encode(memory.root),
        "map_root": base64text.encode(memory.map_root), "at": memory.at, "note": memory.note, "seen_at": memory.seen_at, "evidence": rows,
    }  # fmt: skip
    return canonical(document) + b"\n"


class MemoryFile:
    """The memory of one registry in one home. Safe for several processes."""

    def __init__(self, folder: str, registry_id: str) -> None:
        self.registry_id = registry_id
        self.path = os.path.join(folder, f"{registry_id}.json")

    def load(self) -> Memory | None:
        """None: nothing of it was seen here yet."""
        if not os.path.lexists(self.path):
            return None
        found = read_memory(read_bounded(self.path, MEMORY_BYTES_MAX).removesuffix(b"\n"), where=self.path)
        if found.chain.publisher_id != self.registry_id:
            raise Refused("registry.identity", "the file holds what was seen of another registry", where=self.path, hint="restore it from a copy")
        return found

    def known(self) -> Memory:
        found = self.load()
        if found is None:
            message = "this home has forgotten what it had seen of the registry"
            raise HostFailed("host.file", message, where=self.path, hint="restore the file from a copy, or remove and add the registry")
        return found

    def begin(self, chain: RootChain) -> Memory:
        """Keep the root documents that a person accepted; those that are known already go on."""
        return self._change(lambda memory: Memory(chain=chain) if memory is None else replace(memory, chain=longer(memory.chain, chain)))

    def learn(self, chain: RootChain) -> Memory:
        """The longer of the known root documents and these. Raises Refused ``registry.fork`` where neither begins with the other."""
        known = self.known()
        if longer(known.chain, chain) is known.chain:
            return known
        return self._change(lambda memory: replace(memory or known, chain=longer((memory or known).chain, chain)))

    def forget(self) -> None:
        if os.path.lexists(self.path):
            os.unlink(self.path)

    def accept(self, note: bytes, consistency: Consistency, now: int, max_age: int | None) -> RegistryCheckpoint:
        """Judge a checkpoint against all that was seen, and remember it. ``max_age`` None: a file from elsewhere, whose age is only shown.

        Raises Refused ``registry.stale``, ``registry.early``, ``registry.rollback`` or ``registry.fork``; a fork is kept as evidence.
        """
        memory = self.known()
        found = read_signed(note, memory.chain)
        check_age(found, now=now, max_age=max_age)
        if memory.note:
            self._judge(memory, found, consistency, now)
            if (found.size, found.at) <= (memory.size, memory.at):
                return found
        self._change(lambda latest: _newer(latest or memory, found, note.decode("utf-8"), now))
        return found

    def compare(self, note: bytes, now: int) -> None:
        """Without a network: only what contradicts itself is found, and nothing new is remembered."""
        memory = self.known()
        found = read_signed(note, memory.chain) if memory.note else None
        if found is not None and found.size == memory.size:
            self._judge(memory, found, lambda _begin, _end: (), now)

    def _judge(self, known: Memory, found: RegistryCheckpoint, consistency: Consistency, now: int) -> None:
        if found.size < known.size:
            # Attack: an old state, before a version was revoked, from whoever sits between us and the registry.
            message = f"the registry shows a log of {found.size} entries, and {known.size} were seen before"
            raise Refused("registry.rollback", message, where=found.origin, hint="try again; if it stays so, tell who runs the registry")
        if found.size == known.size:
            if (found.root, found.map_root) != (known.root, known.map_root):
                raise self._fork(known, found, "two checkpoints of one size have different roots", now)
            return
        if not is_consistent(known.size, known.root, found.size, found.root, [*consistency(known.size, found.size)]):
            raise self._fork(known, found, "the log does not begin with what it was before, or does not prove it", now)

    def _fork(self, memory: Memory, found: RegistryCheckpoint, why: str, now: int) -> Refused:
        """Spec: registry. What convicts a registry is kept, so that it can be shown to others."""
        one = Evidence(at=now, why=why, before=memory.note, after=found.note.decode("utf-8", "replace"))
        if all((old.before, old.after) != (one.before, one.after) for old in memory.evidence):
            self._change(lambda latest: replace(latest or memory, evidence=(*(latest or memory).evidence, one)[:EVIDENCE_MAX]))
        hint = "install nothing from it; `mpp registry show` has the two signed notes: show them to others"
        return Refused("registry.fork", f"the registry shows two histories: {why}", where=found.origin, hint=hint)

    def _change(self, step: Callable[[Memory | None], Memory]) -> Memory:
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "what was seen of the registry"):
            memory = step(self.load())
            data = write_memory(memory)
            read_memory(data.removesuffix(b"\n"), where=self.path)
            write_atomic(self.path, data, PRIVATE)
        return memory


def _newer(memory: Memory, found: RegistryCheckpoint, note: str, now: int) -> Memory:
    """Under the lock: another process may have seen more meanwhile."""
    if memory.note and (found.size, found.at) <= (memory.size, memory.at):
        return memory
    return replace(memory, size=found.size, root=found.root, map_root=found.map_root, at=found.at, note=note, seen_at=now)


def longer(known: RootChain, found: RootChain) -> RootChain:
    """Attack: a stolen old log key, with the old root documents beside it."""
    if known.publisher_id != found.publisher_id:
        message = f"this is the registry {found.publisher_id[:16]}, and {known.publisher_id[:16]} is meant"
        raise Refused("registry.identity", message, where=shown(found.newest.name), hint="check the address; another registry is added with `mpp registry add`")
    if found.begins_with(known):
        return found if len(found.roots) > len(known.roots) else known
    if known.begins_with(found):
        return known
    raise Refused("registry.fork", "the registry shows two root documents of one version", where=shown(found.newest.name), hint="ask who runs the registry")
