"""Pulling a policy bundle: from a file or the web, judged before anything is written. Spec: policy-bundle section 6.

A bundle for the fleet layer is judged by the root documents of the machine, one for the user layer by those that a person
confirmed once. What is refused changes nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace

from mpp.crypto.roots import RootChain
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.host.fleet import FleetSettings, System, enrolled_root, fleet_settings
from mpp.host.policy_files import read_owned
from mpp.host.policy_http import check_address, fetch, is_address
from mpp.host.policy_memory import PolicyMemory
from mpp.model.value import value
from mpp.stages.policy import BUNDLE_BYTES_MAX, Policy, PolicyBundle, read_bundle, verify_bundle


@value
class Pulled:
    """What one pull did. ``before`` is the policy that it replaces, with its version; None and 0 where there was none."""

    layer: str
    source: str
    path: str
    bundle: PolicyBundle
    before: Policy | None
    before_version: int


@value
class Fetched:
    """A bundle as it came, and from where. Nothing of it is verified."""

    source: str
    data: bytes
    layer: str
    chain: RootChain


def get(source: str) -> Fetched:
    """The bundle behind a path or an address."""
    if is_address(source):
        check_address(source)
        data = fetch(source, BUNDLE_BYTES_MAX)
    else:
        source = os.path.abspath(source)
        try:
            data = read_bounded(source, BUNDLE_BYTES_MAX)
        except Refused:
            raise Refused("policy.length", f"a policy bundle has at most {BUNDLE_BYTES_MAX} bytes", where=source, hint="give a bundle") from None
    found = read_bundle(data, where=source)
    return Fetched(source=source, data=data, layer=found.body.layer, chain=found.chain)


class Puller:
    """Puts bundles in their places in one home."""

    def __init__(self, paths: dict[str, str], memory: PolicyMemory, *, system: System | None = None, admit: Callable[[Policy], None] | None = None) -> None:
        """``admit`` raises for a policy that this machine could not keep, such as one with an expression that is too slow; then the one before stays."""
        self._paths, self.memory, self._system, self._admit = paths, memory, system, admit

    def sources(self) -> tuple[str, ...]:
        """Where to pull from when nobody says: the machine's settings, else the last time; and the user's own."""
        settings, pulls = fleet_settings(self._system), self.memory.pulls()
        fleet = settings.policy_url or pulls.fleet_source if settings.policy_root else ""
        user = pulls.user_source if pulls.user_chain is not None else ""
        found = tuple(one for one in (fleet, user) if one)
        if not found:
            raise Refused("policy.source", "nobody has said yet where policies are pulled from", hint="give a file or an address: mpp policy pull SOURCE")
        return found

    def needs_enrolment(self, fetched: Fetched) -> bool:
        """Has a person still to say whose policies this home takes? For the fleet layer nobody is ever asked."""
        if fetched.layer == "fleet":
            self._fleet_chain(fleet_settings(self._system))
            return False
        if fetched.layer != "user":
            raise Refused(
                "policy.layer", f"a bundle for the {fetched.layer} layer is not pulled", where=fetched.source, hint="put its policy into /etc/mpp/policy.toml"
            )
        known = self.memory.pulls().user_chain
        if known is not None and known.publisher_id != fetched.chain.publisher_id:
            message = f"the bundle is of publisher {fetched.chain.publisher_id[:16]}, this home is enrolled for {known.publisher_id[:16]}"
            raise Refused("policy.publisher", message, where=fetched.source, hint="leave the other one first: mpp policy use --remove")
        return known is None

    def install(self, fetched: Fetched, now: int, *, enrol: RootChain | None = None) -> Pulled:
        """Verify the bundle and put it in force. ``enrol``: the root documents that a person confirmed just now."""
        layer, path = fetched.layer, self._paths[fetched.layer]
        settings = fleet_settings(self._system)
        chain = self._fleet_chain(settings) if layer == "fleet" else self._user_chain(enrol)
        name = settings.policy_name if layer == "fleet" else ""
        make_private_folder(self.memory.folder)
        if self._admit is not None:
            # Judged before the lock, because it may take seconds; only what is signed is worth that.
            self._admit(verify_bundle(fetched.data, self.memory.seen().recall(chain, layer, name), now, layer=layer, where=fetched.source).body.policy)
        with locked(path + ".lock", "the policy"):
            known = self.memory.seen().recall(chain, layer, name)
            bundle = verify_bundle(fetched.data, known, now, layer=layer, where=fetched.source)
            before, version = self._before(path)
            # In this order: after a crash between the two, the next look remembers what it finds.
            write_atomic(path, fetched.data, PRIVATE)
            self.memory.note(layer, bundle)
        self._remember_source(layer, fetched.source, enrol)
        return Pulled(layer=layer, source=fetched.source, path=path, bundle=bundle, before=before, before_version=version)

    def leave(self) -> bool:
        """End the enrolment of the user layer, and take its bundle away. True if there was one."""
        was = self.memory.pulls().user_chain is not None
        if was:
            self.memory.change_pulls(lambda pulls: replace(pulls, user_source="", user_chain=None))
        for path in (self._paths["user"], self._paths["user"] + ".last"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return was

    def _fleet_chain(self, settings: FleetSettings) -> RootChain:
        chain = enrolled_root(settings, self._system)
        if chain is None:
            # Attack: whoever may call commands here makes this machine part of a fleet of their own.
            hint = "an administrator enrols a machine: see docs/how-to/fleet-mode.md"
            raise Refused("policy.enrolment", "this machine is not enrolled for the policies of a fleet", where="policy_root", hint=hint)
        return chain

    def _user_chain(self, enrol: RootChain | None) -> RootChain:
        known = self.memory.pulls().user_chain
        if known is not None:
            return known
        if enrol is None:
            hint = "run in a terminal and compare the fingerprint, or give --fingerprint"
            raise Refused("policy.enrolment", "this home is not enrolled for the policies of this signer", where="user", hint=hint)
        return enrol

    def _before(self, path: str) -> tuple[Policy | None, int]:
        with contextlib.suppress(Refused, HostFailed):
            data = read_owned(path, BUNDLE_BYTES_MAX, None)
            if data is not None:
                body = read_bundle(data, where=path).body
                return body.policy, body.version
        return None, 0

    def _remember_source(self, layer: str, source: str, enrol: RootChain | None) -> None:
        if layer == "fleet":
            self.memory.change_pulls(lambda pulls: replace(pulls, fleet_source=source))
        else:
            self.memory.change_pulls(lambda pulls: replace(pulls, user_source=source, user_chain=pulls.user_chain or enrol))
