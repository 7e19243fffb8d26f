"""What the leaves make of each package, kept so that the next leaf needs no others; and the nodes of the map."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import cast

from mpp.ledger.keymap import MapChange
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, read
from mpp.protocol.registry.events import Leaf, Owner, Status, VersionPublished, VersionStatusChanged, read_owners
from mpp.protocol.registry.state import PackageState, VersionState, map_value, order_of
from mpp_registry.log.limits import NODES_ASKED_MAX, STATES_KEPT_MAX, VERSIONS_KEPT_MAX
from mpp_registry.store.ports import Rows


class RowNodes:
    """``MapNodes`` over the rows of a transaction."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def read(self, paths: Sequence[bytes]) -> Mapping[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for begin in range(0, len(paths), NODES_ASKED_MAX):
            asked = paths[begin : begin + NODES_ASKED_MAX]
            # The text holds question marks alone.
            sql = f"SELECT path, node FROM map_nodes WHERE path IN ({','.join('?' * len(asked))})"  # noqa: S608
            found.update({bytes(path): bytes(node) for path, node in cast("list[tuple[bytes, bytes]]", self._rows.all(sql, *asked))})
        return found


def keep_nodes(rows: Rows, change: MapChange) -> None:
    sql = "INSERT INTO map_nodes (path, node) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET node = excluded.node"
    rows.many(sql, list(change.nodes.items()))


class States:
    """The states of packages in the database, those of the last changes in memory too."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[bytes, str, PackageState]] = OrderedDict()
        self._versions, self._guard = 0, threading.Lock()

    def get(self, rows: Rows, package_id: str) -> PackageState | None:
        found = rows.one("SELECT value, owners, publisher_id, idx FROM log_packages WHERE package_id = ?", package_id)
        if found is None:
            return None
        value, owners, publisher_id, index = cast("tuple[bytes, str, str, int]", found)
        with self._guard:
            kept = self._kept.get(package_id)
        # What was kept may be of a transaction that came to nothing. The value holds the root over all versions: equal values are equal states.
        if kept is not None and kept[:2] == (bytes(value), owners):
            return kept[2]
        versions = _read_versions(rows, package_id)
        state = PackageState(package_id=package_id, publisher_id=publisher_id, owners=_read_owners(owners), versions=versions, index=index)
        self._keep(state, bytes(value), owners)
        return state

    def value(self, rows: Rows, package_id: str) -> bytes | None:
        """What the map has for it."""
        found = rows.one("SELECT value FROM log_packages WHERE package_id = ?", package_id)
        return None if found is None else bytes(cast("bytes", found[0]))

    def put(self, rows: Rows, state: PackageState) -> bytes:
        """Keep the state after the last of some leaves; its value in the map."""
        value, owners = map_value(state), _write_owners(state.owners)
        rows.run(
            "INSERT INTO log_packages (package_id, owners, publisher_id, idx, value) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (package_id) DO UPDATE SET owners = excluded.owners, publisher_id = excluded.publisher_id, idx = excluded.idx, value = excluded.value",
            state.package_id, owners, state.publisher_id, state.index, value,
        )  # fmt: skip
        self._keep(state, value, owners)
        return value

    def _keep(self, state: PackageState, value: bytes, owners: str) -> None:
        with self._guard:
            self._forget(self._kept.pop(state.package_id, None))
            self._kept[state.package_id] = value, owners, state
            self._versions += len(state.versions)
            # Attack: bundles of packages with many versions, one after the other, until the memory is full.
            while len(self._kept) > STATES_KEPT_MAX or (self._versions > VERSIONS_KEPT_MAX and len(self._kept) > 1):
                self._forget(self._kept.popitem(last=False)[1])

    def _forget(self, gone: tuple[bytes, str, PackageState] | None) -> None:
        self._versions -= len(gone[2].versions) if gone is not None else 0


def put_change(rows: Rows, leaf: Leaf) -> None:
    """Keep what a leaf says of a version."""
    change = leaf.change
    if isinstance(change, VersionPublished):
        rows.run(
            "INSERT INTO log_versions (package_id, version, content_hash, file_hash, publisher_id, status, idx) VALUES (?, ?, ?, ?, ?, ?, ?)",
            change.package_id, change.version, change.content_hash, change.file_hash, change.publisher_id, "active", leaf.index,
        )  # fmt: skip
    elif isinstance(change, VersionStatusChanged):
        rows.run("UPDATE log_versions SET status = ? WHERE package_id = ? AND version = ?", change.status, change.package_id, change.version)


def _read_versions(rows: Rows, package_id: str) -> tuple[VersionState, ...]:
    found = rows.all("SELECT version, content_hash, file_hash, publisher_id, status FROM log_versions WHERE package_id = ?", package_id)
    made = [
        VersionState(version=version, content_hash=content, file_hash=file, publisher_id=publisher, status=cast("Status", status))
        for version, content, file, publisher, status in cast("list[tuple[str, str, str, str, str]]", found)
    ]
    return tuple(sorted(made, key=lambda one: order_of(one.version)))


def _write_owners(owners: Sequence[Owner]) -> str:
    return canonical({"owners": [{"publisher_id": one.publisher_id, "role": one.role} for one in owners]}).decode()


def _read_owners(text: str) -> tuple[Owner, ...]:
    faults = Faults("registry")
    owners = read_owners(Fields(read(text.encode(), family="registry", where="log_packages"), "log_packages", faults))
    faults.stop()
    return owners
