"""Policy bundles: a policy that its signer vouches for, with a version that only rises and an end. Spec: spec/policy-bundle.md.

Pure: what a host has seen before and the time are given. A bundle names its signer by root documents, as packages do; whom a
host believes is decided before, by enrolment.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

from mpp.crypto.ed25519 import short_id
from mpp.crypto.envelope import Envelope, read_envelope, verify_all, write_envelope
from mpp.crypto.roots import RootChain, is_plain_line, read_chain
from mpp.errors import Refused
from mpp.model.events import Event
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical, shown
from mpp.model.value import value
from mpp.stages.policy.bundle_limits import (
    BUNDLE_BYTES_MAX,
    BUNDLE_NAME_MAX,
    BUNDLE_POLICY_BYTES_MAX,
    BUNDLE_TIME_MAX,
    BUNDLE_VERSION_MAX,
    CLOCK_SKEW_SECONDS_MAX,
    EVENT_TEXT_MAX,
    GRACE_SECONDS_MAX,
)
from mpp.stages.policy.document import Policy, policy_json
from mpp.stages.policy.privacy_rules import PrivacyRules
from mpp.stages.policy.reading import read_policy
from mpp.stages.policy.types import LAYERS

POLICY_TYPE = "application/vnd.mpp.policy+json"
"""The type that stands inside what is signed, so that no other signature of the same key is one over a policy."""

IN_FORCE, IN_GRACE, EXPIRED = "in force", "in its grace", "expired"
EVERYBODY = "local"
"""The tenant of what concerns a whole host."""


@value
class BundleBody:
    """What is signed."""

    name: str
    layer: str
    version: int
    issued: int
    expires: int
    """The last second, since 1970, at which it is in force without a warning."""
    grace_seconds: int
    """How long it still holds after that."""
    policy: Policy

    @property
    def ends(self) -> int:
        """The last second at which it holds at all."""
        return self.expires + self.grace_seconds

    def state(self, now: int) -> str:
        return IN_FORCE if now <= self.expires else IN_GRACE if now <= self.ends else EXPIRED


@value
class FoundBundle:
    """A bundle as found: its root documents hold in themselves, nothing else of it is verified."""

    chain: RootChain
    envelope: Envelope
    body: BundleBody

    @property
    def digest(self) -> str:
        """Of what is signed: two bundles with the same one say the same."""
        return sha256(self.envelope.payload).hexdigest()


@value
class PolicyBundle:
    """A bundle that was verified against a publisher that this host was enrolled for. Only ``verify_bundle`` makes one."""

    chain: RootChain
    """The longest that is known, never shorter than what was remembered."""
    signers: tuple[str, ...]
    digest: str
    body: BundleBody


@value
class Remembered:
    """What a host keeps of one publisher's bundles for one layer. Enrolment alone makes one; ``remember`` carries it on."""

    chain: RootChain
    name: str = ""
    """Empty: none has been seen yet."""
    version: int = 0
    digest: str = ""


def read_bundle(data: bytes, *, where: str) -> FoundBundle:
    """Parse a bundle strictly; says nothing yet of whether to believe it. Spec: policy-bundle B-1 to B-5."""
    if len(data) > BUNDLE_BYTES_MAX:
        raise Refused("policy.length", f"a policy bundle has at most {BUNDLE_BYTES_MAX} bytes", where=where, hint="give a bundle that `mpp policy sign` made")
    faults = Faults("policy")
    fields = Fields(read_canonical(data.removesuffix(b"\n"), family="policy", where=where), where, faults)
    roots, envelope = fields.raw("roots"), fields.raw("envelope")
    fields.end()
    faults.stop()
    with _of_bundle():
        chain = read_chain(canonical({"roots": roots}), where=f"{where}/roots")
        found = read_envelope(canonical(envelope), where=f"{where}/envelope", payload_type=POLICY_TYPE, payload_most=BUNDLE_POLICY_BYTES_MAX)
    return FoundBundle(chain=chain, envelope=found, body=_read_body(found.payload, f"{where}/payload"))


@contextlib.contextmanager
def _of_bundle() -> Iterator[None]:
    """Faults of root documents and envelopes are the policy's here: no package is to blame."""
    try:
        yield
    except Refused as fault:
        raise Refused.of(tuple(one._replace(code="policy.bundle") for one in fault.faults)) from None


def _read_body(payload: bytes, where: str) -> BundleBody:
    faults = Faults("policy")
    fields = Fields(read_canonical(payload, family="policy", where=where), where, faults)
    fields.number("mpp_policy_bundle", least=1, most=1)
    document = fields.raw("policy")
    name = fields.text("name", most=BUNDLE_NAME_MAX)
    if not is_plain_line(name):
        faults.add("form", fields.path("name"), "must be one line without hidden characters and odd spaces", "write plain words, one space between them")
    found = {
        "version": fields.number("version", least=1, most=BUNDLE_VERSION_MAX),
        "issued": fields.number("issued", least=0, most=BUNDLE_TIME_MAX),
        "expires": fields.number("expires", least=0, most=BUNDLE_TIME_MAX),
        "grace_seconds": fields.number("grace_seconds", least=0, most=GRACE_SECONDS_MAX),
    }
    layer = fields.one_of("layer", LAYERS)
    if found["expires"] < found["issued"]:
        faults.add("range", fields.path("expires"), "lies before 'issued'", "give an end that comes after its issue")
    fields.end()
    faults.stop()
    return BundleBody(name=name, layer=layer, policy=read_policy(document, f"{where}/policy"), **found)


def write_body(body: BundleBody) -> bytes:
    """The canonical form that is signed."""
    return canonical(
        {
            "mpp_policy_bundle": 1,
            "name": body.name,
            "layer": body.layer,
            "version": body.version,
            "issued": body.issued,
            "expires": body.expires,
            "grace_seconds": body.grace_seconds,
            "policy": policy_json(body.policy),
        }
    )


def write_bundle(chain: RootChain, envelope: Envelope) -> bytes:
    """The file, without a line end."""
    roots = read_canonical(chain.data, family="policy", where="roots")
    signed = read_canonical(write_envelope(envelope), family="policy", where="envelope")
    return canonical({"roots": roots["roots"] if isinstance(roots, dict) else [], "envelope": signed})


def verify_bundle(data: bytes, known: Remembered, now: int, *, layer: str, where: str = "bundle") -> PolicyBundle:
    """Judge a bundle for ``layer`` by what this host was enrolled for and has seen since. Spec: policy-bundle B-10 to B-26."""
    found = read_bundle(data, where=where)
    chain = _judge_chain(found.chain, known.chain, where)
    signers = _judge_signatures(found, chain, where)
    _judge_meant(found.body, known, layer, where)
    # What the signer says of time and order counts only now that it is surely the signer who says it.
    judge_order(found.body, found.digest, known, where)
    judge_time(found.body, now, where)
    return PolicyBundle(chain=chain, signers=signers, digest=found.digest, body=found.body)


def _judge_chain(found: RootChain, known: RootChain, where: str) -> RootChain:
    if found.publisher_id != known.publisher_id:
        raise Refused(
            "policy.publisher", f"the bundle is of publisher {found.publisher_id[:16]}, this host is enrolled for {known.publisher_id[:16]}",
            where=where, hint="get the bundle of your own organisation, or enrol this host for the other one",
        )  # fmt: skip
    # Attack: a stolen key that was rotated out signs again, with the root documents of its time beside it.
    if not found.begins_with(known):
        if not known.begins_with(found):
            raise Refused(
                "policy.roots_fork", "the root documents part from those seen here", where=where, hint="stop: ask the signer which of the two is true"
            )
        message = f"the bundle has root version {found.newest.version}, this host has seen {known.newest.version}"
        raise Refused("policy.roots_behind", message, where=where, hint="have the policy signed again with the newest publisher.json")
    return found


def _judge_signatures(found: FoundBundle, chain: RootChain, where: str) -> tuple[str, ...]:
    """Each signature is by a release key of the newest root and verifies; they are at least the threshold."""
    release = chain.newest.role("release")
    signers = tuple(one.key for one in found.envelope.signatures)
    for key in signers:
        if key not in release.keys:
            raise Refused("policy.signer", f"key {short_id(key)} may not sign policies of this publisher", where=where, hint="sign with a release key of it")
    if len(signers) < release.threshold:
        raise Refused(
            "policy.threshold", f"the bundle has {len(signers)} of {release.threshold} signatures", where=where, hint="have it signed by the missing keys"
        )
    try:
        verify_all(POLICY_TYPE, found.envelope.payload, found.envelope.signatures, chain.newest.keys, where)
    except Refused as fault:
        raise Refused("policy.signature", "a signature does not verify", where=fault.where, hint="get the bundle again from its signer") from None
    return signers


def _judge_meant(body: BundleBody, known: Remembered, layer: str, where: str) -> None:
    if body.layer != layer:
        raise Refused("policy.layer", f"the bundle is for the {body.layer} layer, not for the {layer} layer", where=where, hint="use it where it is meant for")
    # Attack: the organisation's loose policy for tests, put in the place of the strict one: signed by the same keys.
    if known.name and body.name != known.name:
        message = f"the bundle is {body.name!r}, this host is enrolled for {known.name!r}"
        raise Refused("policy.name", message, where=where, hint="get the bundle of that name, or enrol this host anew")


def judge_order(body: BundleBody, digest: str, known: Remembered, where: str) -> None:
    """Versions only rise, and one version is one content. Spec: policy-bundle B-20, B-21.

    Attack: an old policy that allowed more is put back; or two are signed under one number, one for each half of a fleet.
    """
    if body.version < known.version:
        message = f"the bundle has version {body.version}, this host has seen version {known.version}"
        raise Refused("policy.rollback", message, where=where, hint="get the newest bundle: mpp policy pull")
    if body.version == known.version and digest != known.digest:
        message = f"there are two different bundles of version {body.version}"
        raise Refused("policy.fork", message, where=where, hint="ask the signer; a changed policy needs a higher version")


def judge_time(body: BundleBody, now: int, where: str) -> None:
    """Spec: policy-bundle B-22, B-23. Attack: whoever can hold back updates keeps a host on an old policy for ever."""
    if body.issued > now + CLOCK_SKEW_SECONDS_MAX:
        raise Refused("policy.future", "the bundle was issued in the future", where=where, hint="set the clock of this machine, or of the signer")
    if body.state(now) == EXPIRED:
        raise Refused("policy.expired", f"version {body.version} of the bundle has expired, and its grace is over", where=where, hint="run: mpp policy pull")


def remember(known: Remembered, bundle: PolicyBundle) -> Remembered:
    """What to keep once ``bundle`` was accepted; ``known`` itself where nothing is new."""
    after = replace(known, chain=bundle.chain, name=bundle.body.name, version=bundle.body.version, digest=bundle.digest)
    same = (after.name, after.version, after.digest, len(after.chain.roots)) == (known.name, known.version, known.digest, len(known.chain.roots))
    return known if same else after


def policy_event(
    what: str, layer: str, *, at: int, source: str = "", form: str = "", name: str = "", digest: str = "", version: int = 0, state: str = "",
    publisher: str = "", code: str = "", why: str = "", privacy: PrivacyRules | None = None,
) -> Event:  # fmt: skip
    """``what``: loaded, changed, removed, refused, kept, used, pulled or enrolled. Empty and absent mean the same.

    ``privacy``: of a layer that speaks of the filter, its digest and how many exceptions it grants.
    """
    texts = {"layer": layer, "source": source, "form": form, "name": name, "digest": digest, "state": state, "publisher": publisher, "code": code, "why": why}
    body: dict[str, Json] = {"what": what, **{key: shown(text, EVENT_TEXT_MAX) for key, text in texts.items() if text}}
    if version:
        body["version"] = version
    if privacy is not None:
        body["privacy"] = {"digest": privacy.digest, "exceptions": privacy.grants}
    return Event(kind="policy", at=at, tenant=EVERYBODY, invocation="", body=body)
