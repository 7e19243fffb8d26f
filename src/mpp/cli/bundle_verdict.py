"""What the bundle beside a file proves of it, without a network: whose registry, which place in its log, which status at which time."""

from __future__ import annotations

from mpp.cli.options import quoted, show_time
from mpp.cli.screen import note, say
from mpp.crypto.ed25519 import KEY_ID, fingerprint
from mpp.crypto.roots import read_chain
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.limits import DAY_SECONDS
from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.protocol.registry.bundle import Proven, proven, read_bundle
from mpp.protocol.registry.limits import BUNDLE_BYTES_MAX
from mpp.stages.gatekeeper import VerifiedPackage

OLD_SECONDS = DAY_SECONDS
"""Seconds after which the age of a bundle is worth a warning. Reason: registries sign a new checkpoint at least hourly."""

WITHDRAWN = frozenset(("quarantined", "revoked"))


@value
class Asked:
    """What the command line says about a bundle."""

    path: str
    registry: str
    """Id or name; empty: whichever registry this home knows."""
    max_age: int | None
    now: int


@value
class Sealed:
    """The file that the bundle must be about."""

    package_id: str
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str


def of_package(package: VerifiedPackage) -> Sealed:
    return Sealed(
        package_id=package.package_id, version=package.version, publisher_id=package.publisher_id, content_hash=package.content_hash,
        file_hash=package.file_hash,
    )  # fmt: skip


def judge(asked: Asked, file: Sealed) -> Proven:
    """Raises Refused: what the bundle says does not hold, is about another file, or is that the version was withdrawn."""
    found = _proven(asked, read_bounded(asked.path, BUNDLE_BYTES_MAX))
    said = (found.package_id, found.version, found.publisher_id, found.content_hash, found.file_hash)
    # Attack: the sound bundle of a good version beside another file.
    if said != (file.package_id, file.version, file.publisher_id, file.content_hash, file.file_hash):
        message = f"the bundle is about {found.package_id} {found.version}, and not about this very file"
        raise Refused("registry.other_file", message, where=asked.path, hint="get file and bundle from one place; a file that was sealed again is another one")
    if found.status in WITHDRAWN:
        message = f"the registry says that version {found.version} is {found.status}"
        raise Refused("registry.withdrawn", message, where=found.package_id, hint=_instead(found))
    return found


def _instead(found: Proven) -> str:
    return f"the registry's latest is {found.latest}" if found.latest else "the registry has no other version that may be installed"


def _proven(asked: Asked, data: bytes) -> Proven:
    bundle = read_bundle(data, where=asked.path)
    digits = asked.registry.replace(" ", "").replace(":", "").lower()
    if KEY_ID.fullmatch(digits):
        # The caller has the id from elsewhere, so nothing of this home is asked.
        return proven(bundle, digits, now=asked.now, max_age=asked.max_age)
    from mpp.cli.store.registries import load_config, memory_of, terms_of  # noqa: PLC0415 - brings the client, which a file with an id does without
    from mpp.remote.proofs import Terms, judge_bundle  # noqa: PLC0415

    config = load_config()
    claimed = read_chain(bundle.roots, where=f"{asked.path}/roots").publisher_id
    registry = config.named(asked.registry) if asked.registry else config.by_id(claimed)
    if registry is None:
        message = "the bundle is of a registry that this home does not know"
        hint = f"compare its fingerprint with one from elsewhere, then give --registry {claimed}"
        raise Refused("registry.unknown", message, where=fingerprint(claimed), hint=hint)
    known = terms_of(registry, now=asked.now)
    terms = Terms(now=asked.now, max_age=asked.max_age, witnesses=known.witnesses, quorum=known.quorum)
    return judge_bundle(data, memory_of(registry.registry_id), None, terms).proven


def show(found: Proven, now: int) -> None:
    say(f"registry:  {quoted(found.chain.newest.name)}, fingerprint {fingerprint(found.registry_id)[:39]} ...")
    say(f"  log      entry {found.index} of {found.size}, {show_time(found.published_at)}, for publisher {found.publisher_id[:16]}")
    newest = "it is the latest version" if found.latest == found.version else f"the latest is {found.latest}" if found.latest else "no version may be installed"
    say(f"  status   {found.status}; {newest}; of {show_time(found.at)}")
    say(f"  witness  {', '.join(shown(name) for name in found.witnesses) or 'none that this home knows'}")
    if found.status == "yanked":
        note(f"warning: the version was yanked: nobody should begin to use it; {_instead(found)}")
    if now - found.at > OLD_SECONDS:
        note(f"warning: the bundle is {(now - found.at) // DAY_SECONDS} days old; what has happened since does not show. Give --max-age to refuse it.")


def to_json(found: Proven) -> dict[str, Json]:
    return {
        "id": found.registry_id, "name": found.chain.newest.name, "index": found.index, "published_at": found.published_at, "size": found.size,
        "as_of": found.at, "status": found.status, "latest": found.latest, "package_status": found.package_status,
        "witnesses": list(found.witnesses),
    }  # fmt: skip
