"""A registry for tests of its log and catalog: real stores, a clock that is set, randomness that repeats itself."""

from __future__ import annotations

from hashlib import sha256

from mpp.protocol.registry.events import Change, Owner, PackageOwners, VersionPublished, VersionStatusChanged

ALICE, BOB, EVE = ("".join(letter * 64) for letter in "abe")
NOW = 1_795_000_000


class SetClock:
    def __init__(self, moment: int = NOW) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment


class SameRandom:
    def __init__(self, seed: str = "registry") -> None:
        self._seed, self._count = seed, 0

    def bytes(self, count: int) -> bytes:
        self._count += 1
        return sha256(f"{self._seed} {self._count}".encode()).digest()[:count]


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def owned(package_id: str, *owners: str, by: str = "") -> Change:
    return PackageOwners(package_id=package_id, owners=tuple(Owner(publisher_id=one, role="owner") for one in owners), by=by or owners[0])


def published(package_id: str, version: str, publisher_id: str = ALICE) -> VersionPublished:
    name = f"{package_id}@{version}"
    return VersionPublished(
        package_id=package_id, version=version, publisher_id=publisher_id, content_hash=digest(name), file_hash=digest(name + " file"), size=100
    )


def status(package_id: str, version: str, what: str, by: str = ALICE) -> Change:
    return VersionStatusChanged(package_id=package_id, version=version, status=what, reason="because", by=by)  # type: ignore[arg-type] # any word of the list
