"""Fill a registry with packages that nobody wrote.

    python benchmarks/registry_seed.py FOLDER VERSIONS

It goes on where it stopped. Tree, map, checkpoints, search and all rows come out as publishing makes them, from the same functions, and the registry checks them when it starts. What differs from
a million publishes: a thousand leaves come in one transaction, so that there is one checkpoint for them and not a thousand; the state of a package is made once, with all its versions, and not
anew for each; nothing is uploaded, judged or stored as a file; the documents of a version are made of words.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import registry_words
from registry_words import Author, Invented

from mpp.host.system import SystemClock, SystemRandom
from mpp.ledger.keymap import update_all
from mpp.protocol.registry.checkpoint import sign_checkpoint
from mpp.protocol.registry.events import Leaf, Owner, PackageOwners, PublisherRegistered, VersionPublished, write_leaf
from mpp.protocol.registry.state import PackageState, VersionState, map_key, map_value, order_of
from mpp.testing.keys import publisher as test_publisher
from mpp_registry.catalog.ordering import ordering_of
from mpp_registry.catalog.types import PackageRow, PublisherRow
from mpp_registry.catalog.writing import put_package, put_publisher
from mpp_registry.log.nodes import add_leaves
from mpp_registry.log.renewing import renewed
from mpp_registry.log.states import RowNodes, keep_nodes
from mpp_registry.opening import Options, open_services
from mpp_registry.services import Services
from mpp_registry.store.ports import Cell, Rows
from mpp_registry.store.sqlite import SqliteDatabase

BATCH = 980
"""Leaves of one transaction; the ledger takes a thousand at most."""
BEGIN = 1_700_000_000
SIZE = 30_000
SBOM = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": f"part-{one}", "version": "1.2.3"} for one in range(12)]}
_SBOM = json.dumps(SBOM).encode()


def publisher_id(number: int) -> str:
    return hashlib.sha256(b"publisher %d" % number).hexdigest()


def digest(label: str) -> str:
    return hashlib.sha256(label.encode()).hexdigest()


def manifest_of(one: Invented, version: str) -> bytes:
    tools = [
        {
            "name": f"tool_{number}", "description": one.summary, "security_level": "low",
            "parameters": {"type": "object", "properties": {"text": {"type": "string", "maxLength": 1000}, "count": {"type": "integer"}}, "required": ["text"]},
        }
        for number in range(3)
    ]  # fmt: skip
    found = {
        "mpp_version": "1.0.0", "package_id": one.package_id, "version": version, "name": one.title, "description": one.summary, "license": "Apache-2.0",
        "publisher": {"name": f"Example {one.publisher}"}, "keywords": one.keywords.split(),
        "runtime": {"type": "wasm32-wasip1", "entrypoint": "bin/main.wasm", "memory_limit_mb": 16, "timeout_ms": 5000},
        "capabilities": {"network": [{"host": "api.example.com", "methods": ["GET"]}], "filesystem": {"read": [], "write": []}, "env_vars": []},
        "tool_definitions": tools, "privacy_filters": {"enabled": True, "patterns": ["email"]},
    }  # fmt: skip
    return json.dumps(found).encode()


class Seeding:
    """How far it came stands in the database itself: packages are numbered, and come in order."""

    def __init__(self, services: Services) -> None:
        self.on, self.author = services, Author()
        self.pending: list[Invented] = []
        self.leaves = 0

    def state(self) -> tuple[int, int]:
        """Packages and versions that are there."""
        with self.on.database.read() as rows:
            packages = rows.one("SELECT COUNT(*) FROM packages")
            versions = rows.one("SELECT count FROM counts WHERE name = 'versions'")
        return int(str(packages[0])) if packages else 0, int(str(versions[0])) if versions else 0

    def publishers(self) -> None:
        data = test_publisher("Example").chain.data
        with self.on.database.write() as rows:
            for number in range(registry_words.PUBLISHERS):
                put_publisher(
                    rows,
                    PublisherRow(publisher_id=publisher_id(number), name=f"Example {number}", roots=data, root_version=1, status="active", registered_at=BEGIN),
                )
            told = [
                PublisherRegistered(publisher_id=publisher_id(number), name=f"Example {number}", root_version=1, root_sha256=hashlib.sha256(data).hexdigest())
                for number in range(registry_words.PUBLISHERS)
            ]
            for at in range(0, len(told), BATCH):
                self.on.ledger.append(rows, told[at : at + BATCH], BEGIN - 1)

    def until(self, wanted: int) -> Iterator[int]:
        """Add packages until there are so many versions; how many there are after each transaction."""
        packages, versions = self.state()
        if not packages:
            self.publishers()
        for one in self.author.packages(packages):
            if versions >= wanted:
                break
            if self.leaves + len(one.versions) + 1 > BATCH:
                self.flush()
                yield versions
            self.pending.append(one)
            self.leaves += len(one.versions) + 1
            versions += len(one.versions)
        self.flush()
        yield versions

    def flush(self) -> None:
        if not self.pending:
            return
        with self.on.database.write() as rows:
            before = self.on.ledger.checkpoint(rows)
            made = [_made(one, index, BEGIN + before.size) for one, index in self._placed(before.size)]
            leaves = [data for one in made for data in one.leaves]
            rows.many(
                "INSERT INTO log_leaves (idx, leaf, kind, package_id, publisher_id, at) VALUES (?, ?, ?, ?, ?, ?)",
                [row for one in made for row in one.leaf_rows()],
            )
            root = add_leaves(rows, before.size, leaves)
            change = update_all(RowNodes(rows), {map_key(one.state.package_id): map_value(one.state) for one in made})
            keep_nodes(rows, change)
            note = sign_checkpoint(self.on.ledger.origin, before.size + len(leaves), root, change.root, BEGIN + before.size, (self.on.ledger.signer,))
            rows.run("INSERT INTO checkpoints (size, root, map_root, at, note) VALUES (?, ?, ?, ?, ?)", note.size, note.root, note.map_root, note.at, note.note)
            for one in made:
                one.put(rows)
            versions = sum(len(one.state.versions) for one in made)
            rows.run("INSERT INTO counts (name, count) VALUES ('versions', ?) ON CONFLICT (name) DO UPDATE SET count = counts.count + excluded.count", versions)
        self.pending, self.leaves = [], 0

    def _placed(self, index: int) -> Iterator[tuple[Invented, int]]:
        for one in self.pending:
            yield one, index
            index += len(one.versions) + 1


class Made(NamedTuple):
    """One package with all its versions."""

    told: Invented
    state: PackageState
    leaves: tuple[bytes, ...]
    begin: int
    at: int

    def leaf_rows(self) -> Iterator[tuple[Cell, ...]]:
        for place, data in enumerate(self.leaves):
            yield (
                self.begin + place,
                data,
                "version.published" if place else "package.owners",
                self.state.package_id,
                "" if not place else self.state.publisher_id,
                self.at,
            )

    def put(self, rows: Rows) -> None:
        one, state, owner = self.told, self.state, self.state.publisher_id
        owners = f'{{"owners":[{{"publisher_id":"{owner}","role":"owner"}}]}}'
        rows.run(
            "INSERT INTO log_packages (package_id, owners, publisher_id, idx, value) VALUES (?, ?, ?, ?, ?)",
            one.package_id,
            owners,
            owner,
            state.index,
            map_value(state),
        )
        places = {version: self.begin + 1 + place for place, version in enumerate(one.versions)}
        kept = [(one.package_id, v.version, v.content_hash, v.file_hash, owner, "active", places[v.version]) for v in state.versions]
        rows.many("INSERT INTO log_versions (package_id, version, content_hash, file_hash, publisher_id, status, idx) VALUES (?, ?, ?, ?, ?, ?, ?)", kept)
        row = PackageRow(
            package_id=one.package_id, publisher_id=owner, title=one.title, summary=one.summary, keywords=one.keywords, visibility="public",
            latest=state.latest, status="active", created_at=self.at, updated_at=self.at, downloads=one.number % 977,
        )  # fmt: skip
        put_package(rows, row, "tool_0 tool_1 tool_2")
        rows.run("INSERT INTO package_owners (package_id, publisher_id, role, since) VALUES (?, ?, 'owner', ?)", one.package_id, owner, self.at)
        readme, manifest = one.readme.encode(), manifest_of(one, "@version@")
        rows.many(_VERSIONS, [
            (one.package_id, v.version, owner, v.content_hash, v.file_hash, SIZE, "active", "", self.at, places[v.version], ordering_of(v.version),
             manifest.replace(b"@version@", v.version.encode()), readme, _SBOM, b"")
            for v in state.versions
        ])  # fmt: skip


_VERSIONS = (
    "INSERT INTO versions (package_id, version, publisher_id, content_hash, file_hash, size, status, reason, published_at, log_index, ordering, manifest, readme,"
    " sbom, provenance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _made(one: Invented, begin: int, at: int) -> Made:
    owner = publisher_id(one.publisher)
    owners = (Owner(publisher_id=owner, role="owner"),)
    versions = tuple(_version(one, version, owner) for version in one.versions)
    created = write_leaf(Leaf(index=begin, at=at, change=PackageOwners(package_id=one.package_id, owners=owners, by=owner)))
    published = [_leaf(one, version, begin + 1 + place, at) for place, version in enumerate(versions)]
    first = Leaf(index=begin + 1, at=at, change=_change(one, versions[0]))
    if write_leaf(first) != published[0]:
        raise SystemExit("the form of a leaf has changed: change it here as well")
    state = PackageState(
        package_id=one.package_id, publisher_id=owner, owners=owners, versions=tuple(sorted(versions, key=lambda version: order_of(version.version))),
        index=begin + len(versions),
    )  # fmt: skip
    return Made(one, state, (created, *published), begin, at)


def _version(one: Invented, version: str, owner: str) -> VersionState:
    label = f"{one.package_id}@{version}"
    return VersionState(version=version, content_hash=digest(label), file_hash=digest(label + " file"), publisher_id=owner, status="active")


def _change(one: Invented, version: VersionState) -> VersionPublished:
    return VersionPublished(
        package_id=one.package_id,
        version=version.version,
        publisher_id=version.publisher_id,
        content_hash=version.content_hash,
        file_hash=version.file_hash,
        size=SIZE,
    )


def _leaf(one: Invented, version: VersionState, index: int, at: int) -> bytes:
    """What ``write_leaf`` writes, in a tenth of its time: it reads again what it wrote."""
    return (
        f'{{"at":{at},"content_hash":"{version.content_hash}","file_hash":"{version.file_hash}","index":{index},"kind":"version.published","mpp_registry_event":1,'
        f'"package_id":"{one.package_id}","publisher_id":"{version.publisher_id}","size":{SIZE},"version":"{version.version}"}}'
    ).encode()


class Before:
    """The clock of a registry that was opened before its first package, so that a monitor finds no time that goes back."""

    def now(self) -> int:
        return BEGIN - 1


def options(folder: Path) -> Options:
    return Options(data=str(folder), name="Benchmark", require_namespace=False)


def seed(folder: Path, wanted: int) -> tuple[float, int, int]:
    """Seconds, packages and versions."""
    begin = time.monotonic()
    services = open_services(options(folder), clock=Before(), random=SystemRandom(), environment=os.environ)
    writer = cast("SqliteDatabase", services.database)._writer  # noqa: SLF001 - nothing of it must outlive a power cut
    writer.execute("PRAGMA synchronous = OFF")
    writer.execute("PRAGMA cache_size = -1500000")
    try:
        seeding, said = Seeding(services), begin
        for versions in seeding.until(wanted):
            if time.monotonic() - said > 10:
                said = time.monotonic()
                print(f"  {versions:,} of {wanted:,} after {said - begin:.0f} s", file=sys.stderr, flush=True)
        packages, versions = seeding.state()
        # The state of today, as a server would sign it within minutes: clients and monitors take no old one.
        renewed(services.database, services.ledger, SystemClock().now())
    finally:
        services.close()
    return time.monotonic() - begin, packages, versions


def main() -> int:
    parser = argparse.ArgumentParser(description="Fill a registry with packages that nobody wrote.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("versions", type=int)
    told = parser.parse_args()
    seconds, packages, versions = seed(told.folder, told.versions)
    print(f"{packages:,} packages, {versions:,} versions in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
