"""A registry with a fleet, and hosts of it, in one process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from mpp.errors import MppError
from mpp.host.enrolment.asking import Asking
from mpp.host.enrolment.documents import read_code
from mpp.host.enrolment.following import Following
from mpp.host.enrolment.joining import join
from mpp.host.enrolment.machine import install_machine, machine_files
from mpp.host.enrolment.reporting import make_report, send_report
from mpp.host.enrolment.state import Enrolled, EnrolmentFile
from mpp.host.enrolment.trust_bundle import RegistryPin, sign_trust, TrustBody
from mpp.host.enrolment.wire import Answer, Patience, Sent, Web
from mpp.host.fleet import System
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.model.jsontext import canonical, Json
from mpp.stages.gatekeeper import TrustedPublisher
from mpp.testing.keys import publisher, TestPublisher
from mpp.testing.packages import NOW, TestClock
from mpp.testing.policies import body, bundle, DAY
from mpp_registry.api.problems import problem_bytes, problem_of, status_of
from mpp_registry.fleet.local import call
from mpp_registry.opening import Options, open_services
from tests.registry.federation.worlds import SeededRandom

ORG = publisher("Example Org")
URL = "http://127.0.0.1:9"


def trust_body(version: int = 1, *trusted: TestPublisher, **more: object) -> TrustBody:
    made = TrustBody(
        name="org", version=version, issued=NOW, expires=NOW + 10 * DAY,
        publishers={one.id: TrustedPublisher(chain=one.chain, any_package=False, until=None) for one in trusted},
        pins={}, prefixes={}, revoked_publishers=frozenset(), revoked_content=frozenset(), registries=(),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def pin(namespace: str, registry_id: str = "ab" * 32) -> RegistryPin:
    return RegistryPin(namespace=namespace, url="https://registry.example.com", registry_id=registry_id)


class Wire(Web):
    """The way to the registry of this process. ``twist`` stands in it and changes what comes back."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.sent: list[Sent] = []
        self.twist: Callable[[Answer], Answer] = lambda answer: answer

    def send(self, sent: Sent, most: int, patience: Patience) -> Answer:
        self.sent.append(sent)
        return self.twist(self.world.answer(sent))


class World:
    def __init__(self, folder: Path, name: str = "registry", database_url: str = "") -> None:
        self.folder, self.clock = folder, TestClock()
        options = Options(data=str(folder / "registry"), name="Example registry", url=URL, require_namespace=False, database_url=database_url)
        self.services = open_services(options, clock=self.clock, random=SeededRandom(name), environment={})
        self.hosts = 0

    def close(self) -> None:
        self.services.close()

    def answer(self, sent: Sent) -> Answer:
        parts = urlsplit(sent.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            found = call(self.services, sent.method, target, sent.body, headers=_lower(sent, target), is_admin=False)
        except MppError as fault:
            return Answer(status=status_of(fault), kind="application/problem+json", body=problem_bytes(problem_of(fault, "1")))
        return Answer(status=found.status, kind=found.media, body=found.data)

    def admin(self, method: str, target: str, body: bytes = b"") -> dict[str, Json]:
        found: dict[str, Json] = json.loads(call(self.services, method, target, body, is_admin=True).data)
        return found

    def code(self, *, policy: str = "org", trust: str = "org", seconds: int = 3600, label: str = "laptops") -> str:
        wanted = {"label": label, "policy_name": policy, "trust_name": trust, "seconds": seconds}
        return str(self.admin("POST", "/v1/fleet/codes", canonical(wanted))["code"])  # type: ignore[arg-type]

    def ready(self, version: int = 1) -> None:
        """A signer, a policy and a trust bundle are here."""
        self.admin("PUT", "/v1/fleet/root", ORG.chain.data)
        self.admin("PUT", "/v1/fleet/policies/org", bundle(ORG, body(version)))
        self.admin("PUT", "/v1/fleet/trust/org", sign_trust(trust_body(version), ORG.chain, ORG.release))

    def host(self, name: str = "") -> Machine:
        self.hosts += 1
        return Machine(self, name or f"host-{self.hosts}")


def _lower(sent: Sent, target: str) -> dict[str, str]:
    return {key.lower(): text for key, text in sent.headers.items()}


class Machine:
    """One machine with one home."""

    def __init__(self, world: World, name: str) -> None:
        folder = world.folder / name
        self.world, self.name, self.clock = world, name, world.clock
        self.home = Home(path=str(folder / "home"))
        os.makedirs(self.home.path, 0o700)
        self.system = System(folder=str(folder / "etc-mpp"), owner=os.getuid())
        self.random = SeededRandom(name)
        self.web = Wire(world)
        self.key = host_key(self.home, self.random)

    def join(self, code: str) -> Enrolled:
        return join(self.home, URL, read_code(code), self.name, clock=self.clock, random=self.random, web=self.web)

    def become_fleet(self, mode: str = "fleet") -> None:
        """What its administrator does."""
        state = self.state
        os.makedirs(self.system.folder, 0o755, exist_ok=True)
        install_machine(machine_files(state.fleet, state.policy_name, self.system, mode=mode), self.system)

    @property
    def state(self) -> Enrolled:
        return EnrolmentFile(self.home).need()

    @property
    def asking(self) -> Asking:
        state = self.state
        return Asking(state.url, state.registry_id, self.key, self.clock, self.random, self.web)

    @property
    def following(self) -> Following:
        return Following(self.home, self.clock, self.system)

    def report(self) -> None:
        send_report(self.home, self.asking, make_report(self.home, self.state, self.clock.now(), "0.1.0", (os.getuid(), 0)))
