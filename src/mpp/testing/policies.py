"""A machine with policies, in folders of a test: what an administrator, a user and a signer put there."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from mpp.crypto.envelope import Envelope, sign
from mpp.host.fleet import System
from mpp.host.home import Home
from mpp.host.policy_pull import Puller
from mpp.host.policy_store import PolicyStore
from mpp.model.agents import ANONYMOUS, AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.scope import NOTHING
from mpp.stages.policy import POLICY_TYPE, BundleBody, read_policy, write_body, write_bundle
from mpp.stages.policy.types import Asked, Risk
from mpp.testing.keys import TestPublisher, publisher
from mpp.testing.packages import NOW, TestClock
from mpp.testing.tokens import KeptEvents

DAY = 86400


def document(name: str, effect: str, **more: Json) -> dict[str, Json]:
    """A policy of one rule."""
    rule: Json = {"id": f"{effect}-all", "effect": effect, **more}
    return {"mpp_policy": 1, "name": name, "rules": [rule]}


def toml(name: str, effect: str) -> bytes:
    """The same as TOML, for everything that asks for nothing special."""
    return f'mpp_policy = 1\nname = "{name}"\n\n[[rules]]\nid = "{effect}-all"\neffect = "{effect}"\n'.encode()


def body(version: int = 5, *, effect: str = "ask", layer: str = "fleet", name: str = "org", **more: int) -> BundleBody:
    made = BundleBody(
        name=name, layer=layer, version=version, issued=NOW, expires=NOW + 10 * DAY, grace_seconds=DAY, policy=read_policy(document(name, effect), "p")
    )
    return replace(made, **more)  # type: ignore[arg-type]


def bundle(by: TestPublisher, of: BundleBody) -> bytes:
    """A bundle file, signed by all release keys; what a signer would refuse to sign too."""
    payload = write_body(of)
    return write_bundle(by.chain, Envelope(payload_type=POLICY_TYPE, payload=payload, signatures=sign(POLICY_TYPE, payload, by.release)))


def asked(*, agent: AgentIdentity = ANONYMOUS, tool: str = "greet", now: int = NOW) -> Asked:
    """A harmless call of a package that is bound here."""
    return Asked(
        publisher_id="0" * 64, package_id="com.example.hello", version="0.1.0", content_hash="1" * 64, bound=True, tool=tool, security_level="low",
        arguments={}, agent=agent, now=now, risk=Risk(score=0, band="low", reasons=()), consented=True, scope=NOTHING,
    )  # fmt: skip


class PolicyMachine:
    """A machine folder and a home, with a store that takes every file for settled."""

    def __init__(self, folder: str) -> None:
        self.system = System(folder=os.path.join(folder, "etc-mpp"), owner=os.getuid())
        self.home = Home(path=os.path.join(folder, "home"))
        self.clock, self.events = TestClock(), KeptEvents()
        self.org = publisher("Example Org")
        self.store = self.new_store()

    def new_store(self) -> PolicyStore:
        """Another process, as far as memory goes."""
        return PolicyStore(
            self.home, self.clock, system=self.system, events=self.events, nanoseconds=lambda: time.time_ns() + 10**9, sleep=lambda _: None, look_ns=0
        )

    @property
    def puller(self) -> Puller:
        return Puller(self.store.bundle_paths, self.store.memory, system=self.system)

    def put(self, path: str, data: bytes, mode: int = 0o644) -> str:
        """A file in its folder, in place: as somebody who does not know of renaming."""
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(data)
        os.chmod(path, mode)
        return path

    def admin(self, name: str, data: bytes | str, mode: int = 0o644) -> str:
        return self.put(self.system.path(name), data.encode() if isinstance(data, str) else data, mode)

    def user(self, name: str, data: bytes) -> str:
        return self.put(os.path.join(self.home.policy, name), data, 0o600)

    def enrol(self, by: TestPublisher | None = None, *, mode: str = "fleet", more: str = "") -> None:
        """What an administrator does once."""
        self.admin("policy-root.json", (by or self.org).chain.data + b"\n")
        self.admin("config.toml", f'mode = "{mode}"\npolicy_root = "policy-root.json"\n{more}')

    def told(self) -> list[tuple[str, str]]:
        """What the record was told: what happened, and to which layer or with which code."""
        return [(str(one.body["what"]), str(one.body.get("layer") or one.body.get("code"))) for one in self.events.events]

    def effect(self, store: PolicyStore | None = None) -> str:
        """What the policies say of a harmless call."""
        return (store or self.store).current().policies.evaluate(asked()).effect
