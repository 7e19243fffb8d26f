"""A registry on this machine and publishers that talk to it as the network would: by signed headers and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from mpp.crypto.ed25519 import SeedSigner
from mpp.host.system import SystemRandom
from mpp.protocol.registry.events import Change, read_leaf
from mpp.protocol.registry.requests import sign_request
from mpp.testing.keys import TestPublisher, publisher
from mpp.testing.packages import TestClock, signed
from mpp_registry.opening import Options, open_services
from mpp_registry.publishers import Registered, register
from mpp_registry.publishing import Actor, Published, authenticate, authenticate_new, publish
from mpp_registry.services import Services

ALICE = publisher("Alice Tools")
BOB = publisher("Bob Works")
EVE = publisher("Eve Limited")


class World:
    """One registry; everything that a test does goes the way of a request."""

    def __init__(
        self,
        folder: Path,
        *,
        require_namespace: bool = False,
        staging: bool = False,
        database_url: str = "",
        blobs: str = "",
        environment: Mapping[str, str] | None = None,
        clock: TestClock | None = None,
    ) -> None:
        self.clock, self.folder = clock or TestClock(), folder / "registry"
        options = Options(
            data=str(self.folder), name="Test Registry", require_namespace=require_namespace, staging=staging, database_url=database_url, blobs=blobs
        )
        self.services: Services = open_services(options, clock=self.clock, random=SystemRandom(), environment=environment or {})
        self._nonces = 0

    def close(self) -> None:
        self.services.close()

    def restaged(self, *, staging: bool) -> None:
        self.services = replace(self.services, settings=replace(self.services.settings, staging=staging))

    def header(self, signer: SeedSigner, method: str = "POST", target: str = "/v1/packages", body: bytes = b"", **other: object) -> str:
        self._nonces += 1
        given: dict[str, object] = {
            "method": method, "target": target, "body_sha256": sha256(body).hexdigest(), "audience": self.services.settings.registry_id,
            "at": self.clock.now(), "nonce": f"{self._nonces:032x}", **other,
        }  # fmt: skip
        return sign_request(signer, **given)  # type: ignore[arg-type] # what a test changes is of the right type

    def actor(self, who: TestPublisher, signer: SeedSigner | None = None) -> Actor:
        """By a release key, unless another signer is given."""
        return authenticate(self.services, self.header(signer or who.release[0]), "POST", "/v1/packages", sha256(b"").hexdigest())

    def join(self, who: TestPublisher) -> Registered:
        return register(self.services, who.chain.data, self.newcomer(who))

    def newcomer(self, who: TestPublisher, signer: SeedSigner | None = None, target: str = "/v1/publishers") -> Actor:
        header = self.header(signer or who.release[0], target=target, body=who.chain.data)
        return authenticate_new(self.services, header, "POST", target, who.chain.data)

    def publish(self, who: TestPublisher, package_id: str = "com.example.hello", version: str = "1.0.0", **changes: object) -> Published:
        return publish(self.services, package(who, package_id, version, **changes), self.actor(who))

    def leaves(self) -> list[Change]:
        """What the log says, from the first leaf on."""
        with self.services.database.read() as rows:
            return [read_leaf(bytes(row[0]), where="log").change for row in rows.all("SELECT leaf FROM log_leaves ORDER BY idx")]  # type: ignore[arg-type]

    def kinds(self) -> list[str]:
        with self.services.database.read() as rows:
            return [str(row[0]) for row in rows.all("SELECT kind FROM log_leaves ORDER BY idx")]

    def cell(self, sql: str, *parameters: str | int) -> object:
        with self.services.database.read() as rows:
            row = rows.one(sql, *parameters)
        return None if row is None else row[0]


def package(who: TestPublisher, package_id: str = "com.example.hello", version: str = "1.0.0", **changes: object) -> bytes:
    """A sound signed package."""
    members = {"README.md": b"# words of its own: " + version.encode()}
    table = {"package_id": package_id, "version": version, **changes}
    return signed(who, table, members)  # type: ignore[arg-type] # what a test changes is JSON
