"""One layer of policy from its files: a document, or the newest of the signed bundles. Spec: policy-bundle B-34 to B-39.

A layer that is there and cannot be read is never left out. In a process that has read it before, what it said then still holds;
else it is closed: one rule that denies everything, and says why.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from mpp.crypto.roots import RootChain
from mpp.errors import Fault, MppError, Refused
from mpp.files import PRIVATE, make_private_folder, write_atomic
from mpp.host.policy_files import check_folder, look, read_owned
from mpp.host.policy_memory import PolicyMemory
from mpp.model.jsontext import Json, canonical, shown
from mpp.model.value import value
from mpp.stages.policy import (
    BUNDLE_BYTES_MAX,
    EXPIRED,
    IN_FORCE,
    IN_GRACE,
    judge_time,
    parse_policy,
    pattern_fault,
    Policy,
    policy_json,
    PolicyBundle,
    preset,
    read_policy,
    Remembered,
    verify_bundle,
)
from mpp.stages.policy.limits import POLICY_BYTES_MAX, WHY_MAX

DOCUMENT, BUNDLE, PRESET, CLOSED = "document", "bundle", "preset", "closed"
OUTDATED = ("policy.rollback", "policy.expired", "policy.roots_behind")
"""Why a copy of a bundle is passed over in silence where a newer one is there."""


@value
class LayerInfo:
    """What is in force in one layer, and where it came from."""

    layer: str
    kind: str
    """document, bundle, preset or closed."""
    source: str
    """A path, or the name of a preset; of a closed layer, the file that could not be read."""
    policy: Policy
    digest: str
    """Of the document's canonical form: equal texts have one, however they are written."""
    state: str = IN_FORCE
    version: int = 0
    """Of a bundle; 0 of everything else."""
    expires: int | None = None
    ends: int | None = None
    publisher: str = ""
    """The full id of whoever signed a bundle."""

    @property
    def name(self) -> str:
        return self.policy.name


def closed(layer: str, fault: Fault) -> LayerInfo:
    """A layer that denies everything, because nobody knows what it would have said."""
    why = shown(f"the {layer} policy cannot be used: {fault.message}", WHY_MAX)
    rule: Json = {"id": "closed", "effect": "deny", "why": why}
    policy = read_policy({"mpp_policy": 1, "name": "closed", "rules": [rule]}, layer)
    return LayerInfo(layer=layer, kind=CLOSED, source=fault.where, policy=policy, digest=policy_digest(policy), state="closed")


def standing_in(layer: str, name: str) -> LayerInfo:
    """A preset in the place of policies that nobody wrote."""
    policy = preset(name)
    return LayerInfo(layer=layer, kind=PRESET, source=name, policy=policy, digest=policy_digest(policy))


def beside(layers: tuple[LayerInfo, ...], faults: list[Fault]) -> tuple[LayerInfo, ...]:
    """The layers in the order in which they bind. One that cannot hold beside those above it is closed. Spec: 3-policy P-94."""
    found: list[LayerInfo] = []
    for one in layers:
        fault = pattern_fault([above.policy.privacy for above in found], one.policy.privacy, one.source)
        faults.extend([fault] if fault is not None else [])
        found.append(one if fault is None else closed(one.layer, fault))
    return tuple(found)


def policy_digest(policy: Policy) -> str:
    return sha256(canonical(policy_json(policy))).hexdigest()


@value
class _Written:
    """A document that was read, and the digest of the bytes it came as."""

    read: str
    info: LayerInfo


class DocumentLayer:
    """A policy that somebody wrote into one of a few files, of which one may be there."""

    def __init__(self, layer: str, folders: tuple[str, ...], names: tuple[str, ...], owners: tuple[int, ...]) -> None:
        """``folders``: the one with the document last, before it those above whose writers could exchange it."""
        self.layer, self._folders, self._owners = layer, folders, owners
        self.paths = tuple(os.path.join(folders[-1], name) for name in names)
        self._good: _Written | None = None

    def load(self, faults: list[Fault]) -> LayerInfo | None:
        try:
            self._good = self._read()
        except MppError as fault:
            faults.extend(fault.faults)
            if self._good is None:
                return closed(self.layer, fault.faults[0])
            faults.append(kept(self.layer, self._good.info.source))
        return self._good.info if self._good is not None else None

    def refuse_any(self) -> None:
        """For a layer that has a signed policy: a document beside it would be believed in, and would not count."""
        for path in self.paths:
            if look(path) is not None:
                hint = "keep one of them: mpp policy use --remove"
                raise Refused("policy.two", "there is a policy beside the signed one that was pulled", where=path, hint=hint)

    def _read(self) -> _Written | None:
        if not all(check_folder(folder, self._owners) for folder in self._folders):
            return None
        found = [(path, data) for path in self.paths if (data := read_owned(path, POLICY_BYTES_MAX, self._owners)) is not None]
        if not found:
            return None
        if len(found) > 1:
            raise Refused(
                "policy.two", "there are two policies of one layer", where=found[1][0], hint=f"keep one of them: {', '.join(path for path, _ in found)}"
            )
        path, data = found[0]
        read = sha256(data).hexdigest()
        # The same bytes mean the same: they are not parsed again because something beside them changed.
        if self._good is not None and (self._good.info.source, self._good.read) == (path, read):
            return self._good
        policy = parse_policy(data, where=path)
        return _Written(read=read, info=LayerInfo(layer=self.layer, kind=DOCUMENT, source=path, policy=policy, digest=policy_digest(policy)))


def kept(layer: str, source: str) -> Fault:
    hint = "mend the file; a new process would find no policy, and deny everything"
    return Fault("policy.kept", source, f"the {layer} policy that this process read before still holds", hint)


@value
class Enrolled:
    """Whose bundles hold in a layer, and the name that they must have, if enrolment names it."""

    chain: RootChain
    name: str = ""


@value
class _Sound:
    """A bundle that was verified, and the bytes it came as."""

    path: str
    data: bytes
    digest: str
    policy: str
    """The digest of the policy in it."""
    bundle: PolicyBundle


class BundleLayer:
    """The newest sound bundle out of several files, of one enrolled signer."""

    def __init__(self, layer: str, places: tuple[str, ...], last: str, memory: PolicyMemory) -> None:
        self.layer, self.paths, self._last, self._memory = layer, places, last, memory
        self._good: _Sound | None = None

    def load(self, enrolled: Callable[[], Enrolled | None], now: int, faults: list[Fault]) -> LayerInfo | None:
        """The bundle in force; None where this machine is not enrolled for the layer. Whoever is and has none is denied everything."""
        try:
            who = enrolled()
            if who is None:
                self._good = None
                return None
            self._good = self._newest(who, now, faults)
        except MppError as fault:
            faults.extend(fault.faults)
            if self._good is None or self._good.bundle.body.state(now) == EXPIRED:
                return closed(self.layer, fault.faults[0])
            faults.append(kept(self.layer, self._good.path))
        self._keep(self._good, faults)
        return self._info(self._good, now, faults)

    def _newest(self, who: Enrolled, now: int, faults: list[Fault]) -> _Sound:
        known = self._known(who)
        sound: list[_Sound] = []
        wrong: list[Fault] = []
        for path in (*self.paths, self._last):
            try:
                # Nobody's file is too foreign here: what counts is who signed it.
                data = read_owned(path, BUNDLE_BYTES_MAX, None)
                if data is not None:
                    sound.append(self._verified(path, data, known, now))
            except MppError as fault:
                wrong.extend(fault.faults)
        if not sound:
            hint = "pull one: mpp policy pull"
            raise Refused.of(tuple(wrong)) if wrong else Refused("policy.absent", f"there is no signed {self.layer} policy", where=self.paths[-1], hint=hint)
        best = max(sound, key=lambda one: one.bundle.body.version)
        # An older copy that lies somewhere is no fault. Half a file, a foreign signature or a second truth is.
        faults.extend(one for one in wrong if one.code not in OUTDATED and one.where.split(":")[0] != self._last)
        if any(one.bundle.body.version == best.bundle.body.version and one.bundle.digest != best.bundle.digest for one in sound):
            message = f"there are two different bundles of version {best.bundle.body.version}"
            raise Refused("policy.fork", message, where=best.path, hint="ask the signer; a changed policy needs a higher version")
        return best

    def _known(self, who: Enrolled) -> Remembered:
        known = self._memory.seen().recall(who.chain, self.layer, who.name)
        # Attack: the memory on the disk is removed while we run. What this process has seen it does not forget.
        good = self._good.bundle if self._good is not None else None
        if good is None or good.chain.publisher_id != known.chain.publisher_id or good.body.version <= known.version:
            return known
        return replace(known, version=good.body.version, digest=good.digest, chain=max(known.chain, good.chain, key=lambda one: len(one.roots)))

    def _verified(self, path: str, data: bytes, known: Remembered, now: int) -> _Sound:
        """The same bytes, judged by the same memory, are not verified again; the time is."""
        digest = sha256(data).hexdigest()
        good = self._good
        if good is not None and good.digest == digest and _knows(known, good.bundle):
            judge_time(good.bundle.body, now, path)
            return good
        bundle = verify_bundle(data, known, now, layer=self.layer, where=path)
        return _Sound(path=path, data=data, digest=digest, policy=policy_digest(bundle.body.policy), bundle=bundle)

    def _keep(self, good: _Sound, faults: list[Fault]) -> None:
        """Remember the bundle, and keep a copy for the day on which the file itself is broken.

        A home that cannot be written does not end a call, nor does another process that is a version further: the next look takes that.
        """
        try:
            self._memory.note(self.layer, good.bundle)
            if read_owned(self._last, BUNDLE_BYTES_MAX, None) != good.data:
                make_private_folder(os.path.dirname(self._last))
                write_atomic(self._last, good.data, PRIVATE)
        except MppError as fault:
            faults.extend(fault.faults)

    def _info(self, good: _Sound, now: int, faults: list[Fault]) -> LayerInfo:
        body = good.bundle.body
        state = body.state(now)
        if state == IN_GRACE:
            message = f"the {self.layer} policy has expired; it denies everything from {_day(body.ends)} on"
            faults.append(Fault("policy.grace", good.path, message, "pull the next one: mpp policy pull"))
        return LayerInfo(
            layer=self.layer, kind=BUNDLE, source=good.path, policy=body.policy, digest=good.policy, state=state, version=body.version, expires=body.expires, ends=body.ends,
            publisher=good.bundle.chain.publisher_id,
        )  # fmt: skip


def _knows(known: Remembered, bundle: PolicyBundle) -> bool:
    return (known.version, known.digest, known.name) == (bundle.body.version, bundle.digest, bundle.body.name) and len(known.chain.roots) == len(
        bundle.chain.roots
    )


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
