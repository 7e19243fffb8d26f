"""The log of a registry: every change is a leaf that is appended with the rows it changes, in one transaction.

What is committed is provable at once, and nothing is visible without its leaf. Docs: docs/adr/0041-log-in-the-same-transaction.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from mpp.crypto.roots import RootChain
from mpp.errors import HostFailed, Refused
from mpp.ledger.keymap import EMPTY, prove, root_in, update_all
from mpp.ledger.notes import NoteSignature, read_note, signature_line
from mpp.ledger.tiles import LEVELS, TILE_BITS, TILE_HASHES
from mpp.ledger.tree import EMPTY_ROOT, HASH_BYTES, consistency_path, inclusion_path
from mpp.ports import Signer
from mpp.protocol.registry.bundle import Absence, Bundle
from mpp.protocol.registry.checkpoint import RegistryCheckpoint, origin_of, read_unsigned, sign_checkpoint
from mpp.protocol.registry.events import Change, Leaf, kind_of, package_of, publisher_of, write_leaf
from mpp.protocol.registry.state import PackageState, applied, map_key, version_proof
from mpp_registry.log.limits import CHANGES_MAX, COSIGNATURES_MAX, ENTRIES_GIVEN_MAX
from mpp_registry.log.nodes import add_leaves, computed
from mpp_registry.log.states import RowNodes, States, keep_nodes, put_change
from mpp_registry.store.ports import Rows

_NEWEST = "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1"
_CHECKPOINT = "INSERT INTO checkpoints (size, root, map_root, at, note) VALUES (?, ?, ?, ?, ?)"
_LEAVES = "INSERT INTO log_leaves (idx, leaf, kind, package_id, publisher_id, at) VALUES (?, ?, ?, ?, ?, ?)"


class Ledger:
    """Appends to the log and proves what stands in it. It keeps nothing but the key; all else is in the rows that it is given."""

    def __init__(self, roots: RootChain, signer: Signer) -> None:
        self._roots, self._signer = roots, signer
        self._states = States()

    @property
    def origin(self) -> str:
        return origin_of(self._roots.publisher_id)

    @property
    def roots(self) -> RootChain:
        return self._roots

    @property
    def signer(self) -> Signer:
        """The log key: it signs the list of peers too."""
        return self._signer

    # ------------------------------------------------------------ writing

    def append(self, rows: Rows, changes: Sequence[Change], at: int) -> RegistryCheckpoint:
        """Append one leaf for each change, within a write transaction. Refused: what the rules of the log forbid."""
        if not 0 < len(changes) <= CHANGES_MAX:
            raise Refused("registry.length", f"1 to {CHANGES_MAX} changes are appended at a time", where="changes", hint="append them in several steps")
        before = self._newest(rows)
        # A clock that was set back must not make the log go back.
        at = max(at, before.at)
        leaves = [Leaf(index=before.size + place, at=at, change=change) for place, change in enumerate(changes)]
        data = [write_leaf(leaf) for leaf in leaves]
        values = self._apply(rows, leaves)
        rows.many(_LEAVES, [_leaf_row(leaf, text) for leaf, text in zip(leaves, data, strict=True)])
        root, map_root = add_leaves(rows, before.size, data), self._update_map(rows, values, before.map_root)
        made = sign_checkpoint(self.origin, before.size + len(leaves), root, map_root, at, (self._signer,))
        rows.run(_CHECKPOINT, made.size, made.root, made.map_root, made.at, made.note)
        return made

    def renew(self, rows: Rows, at: int) -> RegistryCheckpoint:
        """The same state at a later time, so that clients with an age limit go on believing a registry in which nothing happens."""
        before = self._newest(rows)
        if not before.size or at <= before.at:
            return before
        made = sign_checkpoint(self.origin, before.size, before.root, before.map_root, at, (self._signer,))
        rows.run("UPDATE checkpoints SET at = ?, note = ? WHERE size = ?", made.at, made.note, made.size)
        # They were about the text with the earlier time.
        rows.run("DELETE FROM cosignatures WHERE size = ?", made.size)
        return made

    def cosign(self, rows: Rows, text: str, signatures: Sequence[NoteSignature]) -> bool:
        """Keep what witnesses signed, after their keys were checked; False where the newest checkpoint is another one by now."""
        newest = self._newest(rows)
        if not newest.size or read_note(newest.note, where="checkpoint").text != text:
            return False
        for one in signatures[:COSIGNATURES_MAX]:
            rows.run(
                "INSERT INTO cosignatures (size, witness, line) VALUES (?, ?, ?) ON CONFLICT (size, witness) DO UPDATE SET line = excluded.line",
                newest.size, one.name, signature_line(one),
            )  # fmt: skip
        return True

    def _apply(self, rows: Rows, leaves: Sequence[Leaf]) -> dict[bytes, bytes]:
        """The new values in the map, by key."""
        states: dict[str, PackageState] = {}
        for leaf in leaves:
            package_id = package_of(leaf.change)
            if package_id is None:
                continue
            state = applied(states.get(package_id) or self._states.get(rows, package_id), leaf)
            if state is not None:
                states[package_id] = state
                put_change(rows, leaf)
        return {map_key(package_id): self._states.put(rows, state) for package_id, state in states.items()}

    def _update_map(self, rows: Rows, values: dict[bytes, bytes], before: bytes) -> bytes:
        if not values:
            return before
        nodes = RowNodes(rows)
        # Attack: nodes that somebody changed in the database would get a root of ours, and a soundly signed one.
        if root_in(nodes) != before:
            raise HostFailed("registry.map", "the map is not the one of the newest checkpoint", where="map_nodes", hint="restore the database from a copy")
        change = update_all(nodes, values)
        keep_nodes(rows, change)
        return change.root

    def _newest(self, rows: Rows) -> RegistryCheckpoint:
        found = rows.one(_NEWEST)
        if found is None:
            return RegistryCheckpoint(origin=self.origin, size=0, root=EMPTY_ROOT, map_root=EMPTY, at=0, note=b"")
        return read_unsigned(_bytes(found[1]), where="checkpoints")

    # ------------------------------------------------------------ reading

    def checkpoint(self, rows: Rows) -> RegistryCheckpoint:
        """The newest one, with the cosignatures that it has so far."""
        return self._cosigned(rows, rows.one(_NEWEST))

    def checkpoint_at(self, rows: Rows, size: int) -> RegistryCheckpoint:
        """The one of a log of that size. Not every size had one: several leaves may come at once."""
        return self._cosigned(rows, rows.one("SELECT size, note FROM checkpoints WHERE size = ?", size))

    def _cosigned(self, rows: Rows, found: Sequence[object] | None) -> RegistryCheckpoint:
        if found is None:
            raise _absent("the log has no such checkpoint", "checkpoint")
        lines = rows.all("SELECT line FROM cosignatures WHERE size = ? ORDER BY witness LIMIT ?", cast("int", found[0]), COSIGNATURES_MAX)
        note = _bytes(found[1]) + "".join(str(line) for (line,) in lines).encode()
        return read_unsigned(note, where="checkpoints")

    def size(self, rows: Rows) -> int:
        return self._newest(rows).size

    def leaf(self, rows: Rows, index: int) -> bytes:
        found = rows.one("SELECT leaf FROM log_leaves WHERE idx = ?", index)
        if found is None:
            raise _absent(f"the log has no leaf {index}", "index")
        return _bytes(found[0])

    def entries(self, rows: Rows, start: int, count: int) -> list[bytes]:
        """Leaves from ``start`` on, at most ``count`` and at most as many as one answer holds."""
        end = start + min(max(count, 0), ENTRIES_GIVEN_MAX)
        found = rows.all("SELECT leaf FROM log_leaves WHERE idx >= ? AND idx < ? ORDER BY idx", start, end)
        return [_bytes(leaf) for (leaf,) in found]

    def inclusion(self, rows: Rows, index: int, size: int | None = None) -> list[bytes]:
        """What proves that a leaf stands in the log of ``size``; None: of its size now."""
        newest = self._newest(rows).size
        whole = newest if size is None else size
        if not 0 <= index < whole <= newest:
            raise _absent(f"leaf {index} is not in a log of {whole}, of {newest}", "index")
        return computed(rows, lambda hashes: inclusion_path(hashes, index, whole))

    def consistency(self, rows: Rows, old: int, size: int | None = None) -> list[bytes]:
        """What proves that the log of ``size`` begins with that of ``old``."""
        newest = self._newest(rows).size
        whole = newest if size is None else size
        if not 0 <= old <= whole <= newest:
            raise _absent(f"a log of {old} and one of {whole} were asked for, of {newest}", "from")
        return computed(rows, lambda hashes: consistency_path(hashes, old, whole))

    def tile(self, rows: Rows, level: int, number: int, width: int = TILE_HASHES) -> bytes:
        """The hashes of a tile of the tree, as C2SP tlog-tiles lays them out."""
        begin = number * TILE_HASHES
        if 0 <= level < LEVELS and number >= 0 and 0 < width <= TILE_HASHES and begin + width <= self._newest(rows).size >> (TILE_BITS * level):
            sql = "SELECT hash FROM log_nodes WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx"
            data = b"".join(_bytes(one) for (one,) in rows.all(sql, level * TILE_BITS, begin, begin + width))
            if len(data) == width * HASH_BYTES:
                return data
        raise _absent("the log has no such tile", "tile")

    def package_state(self, rows: Rows, package_id: str) -> PackageState | None:
        """What the leaves say of a package; None where they say nothing."""
        return self._states.get(rows, package_id)

    def bundle(self, rows: Rows, package_id: str, version: str) -> Bundle:
        """What proves, without a network, that this registry published a version and what it says of it now."""
        found = rows.one("SELECT idx FROM log_versions WHERE package_id = ? AND version = ?", package_id, version)
        state, value = self._states.get(rows, package_id), self._states.value(rows, package_id)
        if found is None or state is None or value is None:
            raise _absent("there is no such version", f"{package_id}@{version}")
        index, checkpoint = cast("int", found[0]), self.checkpoint(rows)
        return Bundle(
            roots=self._roots.data,
            checkpoint=checkpoint.note,
            leaf=self.leaf(rows, index),
            inclusion=tuple(computed(rows, lambda hashes: inclusion_path(hashes, index, checkpoint.size))),
            value=value,
            map_proof=prove(RowNodes(rows), map_key(package_id)),
            line=version_proof(state, version),
        )

    def absence(self, rows: Rows, package_id: str) -> Absence:
        """What proves that this registry has no package of that name."""
        if self._states.value(rows, package_id) is not None:
            raise Refused("registry.exists", "there is such a package", where=package_id, hint="ask for the bundle of one of its versions")
        return Absence(
            roots=self._roots.data, checkpoint=self.checkpoint(rows).note, package_id=package_id, map_proof=prove(RowNodes(rows), map_key(package_id))
        )


def _leaf_row(leaf: Leaf, data: bytes) -> tuple[int, bytes, str, str, str, int]:
    return leaf.index, data, kind_of(leaf.change), package_of(leaf.change) or "", publisher_of(leaf.change) or "", leaf.at


def _bytes(cell: object) -> bytes:
    return bytes(cast("bytes", cell))


def _absent(why: str, where: str) -> Refused:
    return Refused("registry.absent", why, where=where, hint="look it up again in the registry")
