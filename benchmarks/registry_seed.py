"""Fill a registry with packages that nobody wrote, through the functions that publishing uses: ledger, catalog, search.

    python benchmarks/registry_seed.py FOLDER VERSIONS [--database-url URL]

It goes on where it stopped. What differs from a million publishes: a thousand leaves are appended in one transaction, so that there is one checkpoint for them and not a thousand;
packages that begin in one transaction get all their versions there; nothing is uploaded, judged or stored as a file; the documents of a version are made of words.
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

import registry_words
from registry_words import Author, Invented

from mpp.host.system import SystemClock, SystemRandom
from mpp.protocol.registry.events import Change, Owner, PackageOwners, VersionPublished
from mpp.testing.keys import publisher as test_publisher
from mpp_registry.catalog.types import PackageRow, PublisherRow, VersionFiles, VersionRow
from mpp_registry.catalog.writing import put_package, put_publisher, put_version, set_owners
from mpp_registry.opening import Options, open_services
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

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
        self.changes: list[Change] = []

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

    def until(self, wanted: int) -> Iterator[int]:
        """Add packages until there are so many versions; how many there are after each transaction."""
        packages, versions = self.state()
        if not packages:
            self.publishers()
        for one in self.author.packages(packages):
            if versions >= wanted:
                break
            added = _changes_of(one)
            if len(self.changes) + len(added) > BATCH:
                self.flush()
                yield versions
            self.pending.append(one)
            self.changes.extend(added)
            versions += len(one.versions)
        self.flush()
        yield versions

    def flush(self) -> None:
        if not self.changes:
            return
        with self.on.database.write() as rows:
            before, at = self.on.ledger.size(rows), BEGIN + self.on.ledger.size(rows)
            self.on.ledger.append(rows, self.changes, at)
            index = before
            for one in self.pending:
                index = self._rows(rows, one, index, at)
        self.pending, self.changes = [], []

    def _rows(self, rows: Rows, one: Invented, index: int, at: int) -> int:
        owner = publisher_id(one.publisher)
        state = self.on.ledger.package_state(rows, one.package_id)
        row = PackageRow(
            package_id=one.package_id, publisher_id=owner, title=one.title, summary=one.summary, keywords=one.keywords, visibility="public",
            latest=state.latest if state else "", status="active", created_at=at, updated_at=at, downloads=one.number % 977,
        )  # fmt: skip
        put_package(rows, row, "tool_0 tool_1 tool_2")
        set_owners(rows, one.package_id, (Owner(publisher_id=owner, role="owner"),), at)
        for place, version in enumerate(one.versions, 1):
            label = f"{one.package_id}@{version}"
            told = VersionRow(
                package_id=one.package_id, version=version, publisher_id=owner, content_hash=digest(label), file_hash=digest(label + " file"), size=SIZE,
                status="active", reason="", published_at=at, log_index=index + place,
            )  # fmt: skip
            put_version(rows, told, VersionFiles(manifest=manifest_of(one, version), readme=one.readme.encode(), sbom=_SBOM))
        return index + 1 + len(one.versions)


def _changes_of(one: Invented) -> list[Change]:
    owner = publisher_id(one.publisher)
    made: list[Change] = [PackageOwners(package_id=one.package_id, owners=(Owner(publisher_id=owner, role="owner"),), by=owner)]
    for version in one.versions:
        label = f"{one.package_id}@{version}"
        made.append(
            VersionPublished(
                package_id=one.package_id, version=version, publisher_id=owner, content_hash=digest(label), file_hash=digest(label + " file"), size=SIZE
            )
        )
    return made


def options(folder: Path, database_url: str = "") -> Options:
    return Options(data=str(folder), name="Benchmark", database_url=database_url, require_namespace=False)


def seed(folder: Path, wanted: int, database_url: str = "") -> tuple[float, int, int]:
    """Seconds, packages and versions."""
    begin = time.monotonic()
    services = open_services(options(folder, database_url), clock=SystemClock(), random=SystemRandom(), environment=os.environ)
    try:
        seeding, said = Seeding(services), begin
        for versions in seeding.until(wanted):
            if time.monotonic() - said > 10:
                said = time.monotonic()
                print(f"  {versions:,} of {wanted:,} after {said - begin:.0f} s", file=sys.stderr, flush=True)
        packages, versions = seeding.state()
    finally:
        services.close()
    return time.monotonic() - begin, packages, versions


def main() -> int:
    parser = argparse.ArgumentParser(description="Fill a registry with packages that nobody wrote.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("versions", type=int)
    parser.add_argument("--database-url", default="")
    told = parser.parse_args()
    seconds, packages, versions = seed(told.folder, told.versions, told.database_url)
    print(f"{packages:,} packages, {versions:,} versions in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
