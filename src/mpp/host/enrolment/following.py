"""Following a fleet: its policy, its trust, and the reports that say what runs here.

What comes is judged by the root documents that an administrator put into ``/etc/mpp``, and by nothing that the registry says of itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from mpp.crypto.roots import RootChain
from mpp.errors import MppError, Refused
from mpp.files import make_private_folder, PRIVATE, read_bounded, write_atomic
from mpp.host.enrolment.asking import Asking
from mpp.host.enrolment.state import Enrolled, EnrolmentFile
from mpp.host.enrolment.trust_bundle import judge_trust, read_trust_bundle, TRUST_BUNDLE_BYTES_MAX, TrustBody, TrustMark
from mpp.host.fleet import enrolled_root, fleet_settings, System
from mpp.host.home import Home
from mpp.host.policy_memory import PolicyMemory
from mpp.host.policy_patterns import admit_patterns
from mpp.host.policy_pull import Fetched, Pulled, Puller
from mpp.host.policy_store import PolicyStore
from mpp.host.trust_store import TrustStore, without_publisher
from mpp.model.value import value
from mpp.ports import Clock
from mpp.stages.gatekeeper import newest_chain, TrustedPublisher, TrustState
from mpp.stages.policy import BUNDLE_BYTES_MAX, read_bundle


@value
class TookTrust:
    """What one trust bundle did."""

    body: TrustBody
    digest: str
    changed: bool
    kept_back: tuple[str, ...]
    """Publishers whose root documents part from those that are known here; they stay as they were, and a person looks at it."""


class Following:
    """One home on one machine."""

    def __init__(self, home: Home, clock: Clock, system: System) -> None:
        self.home, self._clock, self._system = home, clock, system
        self.file = EnrolmentFile(home)

    def _signer(self) -> RootChain:
        """Whose signatures hold here: what ``/etc/mpp`` says, and the longest of it that was seen. Spec: fleet Q-22.

        Attack: a user who enrols the home with a fleet of their own, to be trusted by its trust.
        """
        settings = fleet_settings(self._system)
        chain = enrolled_root(settings, self._system)
        if chain is None or not settings.is_fleet:
            hint = "an administrator puts the files of `mpp registry fleet enroll` into /etc/mpp"
            raise Refused("policy.enrolment", "this machine is not in fleet mode", where=self._system.folder, hint=hint)
        state = self.file.need()
        if state.fleet_id != chain.publisher_id:
            raise Refused("policy.publisher", "this home is in another fleet than its machine", where=self.file.path, hint="enrol the home anew")
        memory = PolicyMemory(self.home.policy, (os.getuid(), 0)).seen().recall(chain, "fleet").chain
        return max(chain, memory, key=lambda one: len(one.roots))

    # -- policy

    def take_policy(self, asking: Asking, name: str) -> Pulled:
        """The newest bundle of the registry, put in force as every other that is pulled."""
        data, _ = asking.ask("GET", f"/v1/fleet/policies/{name}", BUNDLE_BYTES_MAX)
        found = read_bundle(data, where=name)
        if found.body.layer != "fleet":
            raise Refused("policy.layer", f"the registry gives a bundle for the {found.body.layer} layer", where=name, hint="ask the administrator")
        store = PolicyStore(self.home, self._clock, system=self._system)
        puller = Puller(store.bundle_paths, store.memory, system=self._system, admit=partial(admit_patterns, home=self.home))
        done = puller.install(Fetched(source=self.file.policy_path, data=data, layer="fleet", chain=found.chain), self._clock.now())
        # Kept as well where `mpp policy pull` looks for it from now on.
        make_private_folder(self.file.folder)
        write_atomic(self.file.policy_path, data, PRIVATE)
        return done

    # -- trust

    def take_trust(self, asking: Asking, name: str) -> TookTrust:
        data, _ = asking.ask("GET", f"/v1/fleet/trust/{name}", TRUST_BUNDLE_BYTES_MAX)
        return self.apply_trust(data, name)

    def apply_trust(self, data: bytes, name: str) -> TookTrust:
        """Judge a trust bundle and put it in force. What is refused changes nothing."""
        state, known = self.file.need(), self._signer()
        before = self._before()
        known = max(known, before[1], key=lambda one: len(one.roots)) if before is not None else known
        mark = state.trust if state.trust.name else TrustMark(name=name)
        bundle, _ = judge_trust(data, known, mark, self._clock.now(), where=name)
        # Remembered first: after a crash the same bundle is applied once more, and never an older one.
        write_atomic(self.file.trust_path + ".next", data, PRIVATE)
        self.file.change(lambda now: _marked(now, TrustMark(name=bundle.body.name, version=bundle.body.version, digest=bundle.digest)))
        kept_back: list[str] = []
        changed: list[bool] = []

        def step(old: TrustState) -> TrustState:
            made, kept_back[:] = merged(old, before[0] if before is not None else None, bundle.body)
            changed.append(made != old)
            return made if made != old else old

        TrustStore(self.home.trust, known_only=True).change(step)
        os.replace(self.file.trust_path + ".next", self.file.trust_path)
        return TookTrust(body=bundle.body, digest=bundle.digest, changed=changed[-1], kept_back=tuple(kept_back))

    def _before(self) -> tuple[TrustBody, RootChain] | None:
        """The bundle that was put in force last: what it gave and the next one does not give is taken away."""
        if not os.path.lexists(self.file.trust_path):
            return None
        found = read_trust_bundle(read_bounded(self.file.trust_path, TRUST_BUNDLE_BYTES_MAX), where=self.file.trust_path)
        return found.body, found.chain


def _marked(state: Enrolled | None, mark: TrustMark) -> Enrolled:
    if state is None:
        raise Refused("policy.enrolment", "this home is in no fleet any more", hint="enrol it anew")
    return replace(state, trust=mark)


def merged(state: TrustState, before: TrustBody | None, after: TrustBody) -> tuple[TrustState, list[str]]:
    """``state`` with what the fleet trusts now, and the publishers that were left as they are. Pure.

    Spec: fleet Q-23. Revocations are only added. Root documents never go back (keys K-46).
    """
    kept_back: list[str] = []
    made = replace(state, revoked_publishers=state.revoked_publishers | after.revoked_publishers, revoked_content=state.revoked_content | after.revoked_content)
    for gone in set(before.publishers if before is not None else ()) - set(after.publishers):
        made = without_publisher(made, gone)
    publishers = dict(made.publishers)
    for publisher_id, one in after.publishers.items():
        try:
            publishers[publisher_id] = TrustedPublisher(chain=newest_chain(one.chain, made), any_package=one.any_package, until=one.until)
        except MppError:
            # Attack: one forked publisher in a bundle would keep every revocation beside it from taking effect.
            kept_back.append(publisher_id)
    pins = _bound(made.pins, before.pins if before is not None else {}, after.pins)
    prefixes = _bound(made.prefixes, before.prefixes if before is not None else {}, after.prefixes)
    return replace(made, publishers=publishers, pins=pins, prefixes=prefixes), kept_back


def _bound(now: Mapping[str, str], before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    return {**{name: owner for name, owner in now.items() if name not in before}, **after}
