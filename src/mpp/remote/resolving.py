"""From a name and a range to one proven version. A registry says what there is; only what its log proves is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from mpp.errors import MppError, Refused, RemoteFailed
from mpp.model.jsontext import shown
from mpp.model.names import PACKAGE_ID, PACKAGE_NAME, version_key
from mpp.model.value import value
from mpp.protocol.registry.documents import PackageDoc, VersionDoc
from mpp.protocol.registry.state import order_of
from mpp.remote.client import RegistryClient
from mpp.remote.config import Config
from mpp.remote.limits import CHOICES_MAX
from mpp.remote.memory import MemoryFile
from mpp.remote.proofs import judge_absence, judge_bundle, judge_list, LIVE, Proof, Terms
from mpp.remote.ranges import Range, read_range

ATTEMPTS = 2
"""Attempts where what a registry says and what it proves differ. Reason: a version may be published between two questions; not twice in a row."""


@value
class Wish:
    """What was written: a package id or a short name, and a range of versions."""

    name: str
    range: Range

    @property
    def is_id(self) -> bool:
        return "." in self.name


@value
class Chosen:
    """One version, proven."""

    registry: str
    registry_id: str
    url: str
    package_id: str
    version: str
    proof: Proof
    remarks: tuple[str, ...] = ()
    """What a person should hear of it."""


def read_wish(text: str) -> Wish | None:
    """None: this is no name of a package, with or without a range."""
    name, at, rest = text.partition("@")
    if PACKAGE_ID.fullmatch(name) is None and (PACKAGE_NAME.fullmatch(name) is None or "." in name or "_" in name):
        return None
    return Wish(name=name, range=read_range(rest) if at else read_range("*"))


@value
class Asked:
    """What is asked of a version."""

    package_id: str
    range: Range
    terms: Terms
    cooldown: int
    """Seconds that it must have been public."""


def resolve(client: RegistryClient, memory: MemoryFile, asked: Asked) -> Chosen:
    """The highest version that fits, is allowed, and whose place in the log is proven."""
    for left in range(ATTEMPTS - 1, -1, -1):
        try:
            return _resolve(client, memory, asked)
        except Refused as fault:
            if left == 0 or fault.code not in {"registry.incomplete", "registry.rollback"}:
                raise
    raise RemoteFailed("remote.answer", "the registry changes its answer each time", where=client.registry.url, hint="try again")


def _resolve(client: RegistryClient, memory: MemoryFile, asked: Asked) -> Chosen:
    versions = _versions(client, memory, asked)
    one = pick(versions, asked)
    return _proven(client, memory, one, asked, versions)


def _proven(client: RegistryClient, memory: MemoryFile, one: VersionDoc, asked: Asked, versions: Sequence[VersionDoc]) -> Chosen:
    """The proof decides, whatever the documents said: hashes, status, age, and whether the list was whole."""
    proof = judge_bundle(_bundle(client, one), memory, client.consistency, asked.terms)
    found = proof.proven
    said = (one.package_id, one.version, one.content_hash, one.file_hash, one.publisher_id, one.status)
    if said != (found.package_id, found.version, found.content_hash, found.file_hash, found.publisher_id, found.status):
        # Attack: proofs of one version beside the file of another.
        message = "the registry says one thing of the version and proves another"
        raise Refused("registry.incomplete", message, where=f"{one.package_id} {one.version}", hint="try again; if it stays so, tell who runs the registry")
    judge_list(proof, versions)
    judge_status(found.package_id, found.version, found.status, asked.range, reason=one.reason)
    judge_age(f"{found.package_id} {found.version}", found.published_at, asked)
    return Chosen(
        registry=client.registry.name, registry_id=client.registry.registry_id, url=client.registry.url, package_id=found.package_id, version=found.version,
        proof=proof, remarks=tuple(_remarks(one, proof, asked.range)),
    )  # fmt: skip


def _remarks(one: VersionDoc, proof: Proof, wanted: Range) -> Iterable[str]:
    found, reason = proof.proven, f": {shown(one.reason)}" if one.reason else ""
    if found.status == "yanked":
        yield f"version {found.version} was yanked by its publisher{reason}; it is taken because it was named exactly"
    if found.status == "deprecated":
        yield f"version {found.version} is deprecated{reason}"
    if found.package_status not in LIVE:
        yield f"the package is {found.package_status}"
    if found.latest and found.latest != found.version and order_of(found.latest) > order_of(found.version):
        yield f"{found.latest} is the newest version" + ("" if wanted.exact else "; it does not fit, or is too new to be taken by itself")


def _versions(client: RegistryClient, memory: MemoryFile, asked: Asked) -> list[VersionDoc]:
    package_id = asked.package_id
    try:
        found = client.versions(package_id)
    except Refused as fault:
        if fault.code != "registry.absent":
            raise
        found = []
    if not found:
        hint = _remedy(client, package_id)
        words = f"the registry {client.registry.name!r} has no package {package_id}{_absent(client, memory, asked)}"
        raise Refused("registry.absent", words, where=client.registry.url, hint=hint)
    return found


def _remedy(client: RegistryClient, package_id: str) -> str:
    near = _near(client, package_id)
    return f"did you mean {', '.join(near)}?" if near else "check the id; see `mpp search`"


def _absent(client: RegistryClient, memory: MemoryFile, asked: Asked) -> str:
    """Does its log prove that there is none, or does it only say so? A private one is hidden from strangers, and its absence is not proven."""
    try:
        found = judge_absence(client.absence(asked.package_id), memory, client.consistency, asked.terms, asked.package_id)
    except (RemoteFailed, Refused):
        return ", or does not show it to you"
    return f", as its log of {found.size} entries proves"


def _bundle(client: RegistryClient, one: VersionDoc) -> bytes:
    """From the registry; where it is silent, a mirror's is as good: it proves itself."""
    first: MppError | None = None
    for base in ("", *client.registry.mirrors):
        try:
            return client.bundle(one.package_id, one.version, base)
        except (RemoteFailed, Refused) as fault:
            first = first or fault
    raise first if first is not None else RemoteFailed("remote.answer", "no proof was given", where=client.registry.url)


def pick(versions: Sequence[VersionDoc], asked: Asked) -> VersionDoc:
    """The highest that fits and may be taken by itself; of an exact one, that one, whatever it is."""
    package_id, wanted = asked.package_id, asked.range
    fitting = sorted((one for one in versions if wanted.fits(one.version)), key=lambda one: order_of(one.version), reverse=True)
    if not fitting:
        known = sorted({one.version for one in versions if one.status in LIVE}, key=order_of, reverse=True)[:CHOICES_MAX]
        hint = f"there are: {', '.join(known)}" if known else "it has no version that may be installed"
        raise Refused("registry.no_version", f"no version of {package_id} fits {wanted.text}", where=package_id, hint=hint)
    if wanted.exact:
        return fitting[0]
    live = [one for one in fitting if one.status in LIVE]
    ripe = [one for one in live if _is_ripe(one.published_at, asked)]
    if ripe:
        return ripe[0]
    if live:
        judge_age(f"{package_id} {live[0].version}", live[0].published_at, asked)
        return live[0]
    judge_status(package_id, fitting[0].version, fitting[0].status, wanted, reason=fitting[0].reason)
    return fitting[0]


def judge_status(package_id: str, version: str, status: str, wanted: Range, *, reason: str = "") -> None:
    """Revoked and quarantined: never. Yanked: only by its exact number."""
    if status in LIVE or (status == "yanked" and wanted.exact):
        return
    words = f"version {version} is {status}" + (f": {shown(reason)}" if reason else "")
    hint = "name it exactly to take it all the same" if status == "yanked" else "take another version"
    raise Refused("registry.withdrawn", words, where=package_id, hint=hint)


def _is_ripe(published_at: int, asked: Asked) -> bool:
    """Where nothing is waited for, the clocks need not agree: one that is a second behind must not refuse what was published just now."""
    return asked.cooldown == 0 or published_at + asked.cooldown <= asked.terms.now


def judge_age(where: str, published_at: int, asked: Asked) -> None:
    """Attack: a release that was made with a stolen key an hour ago, before anybody has looked at it."""
    if _is_ripe(published_at, asked):
        return
    age = asked.terms.now - published_at
    when = f"{age // 3600} hours ago" if age >= 0 else "later than the clock of this machine says"
    hint = "take an older version, wait, or say how long is enough: --min-age HOURS" if age >= 0 else "look at the clock of this machine"
    raise Refused("registry.cooldown", f"it was published {when}, and {asked.cooldown // 3600} hours are waited for", where=where, hint=hint)


def _near(client: RegistryClient, package_id: str) -> list[str]:
    """A likeness that is only named, never taken."""
    try:
        names = [one.package_id for one in client.search(package_id.rpartition(".")[2]).packages]
    except MppError:
        return []
    return get_close_matches(package_id, names, n=3, cutoff=0.6)


@value
class Hit:
    """A package that a registry knows, as it says."""

    registry: str
    doc: PackageDoc


def meant(name: str, hits: Sequence[Hit], config: Config) -> Hit:
    """The one package that a short name means. Two are none: the choices are shown.

    Attack: somebody publishes a package whose id ends like a known one; whoever types the short name gets that.
    """
    own = [one for one in hits if is_at_home(one, config)]
    found = {one.doc.package_id: one for one in own if one.doc.package_id.rpartition(".")[2] == name}
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        near = get_close_matches(name, sorted({one.doc.package_id.rpartition(".")[2] for one in own}), n=3, cutoff=0.6)
        hint = f"did you mean {', '.join(near)}?" if near else "see `mpp search`, and give the whole id"
        raise Refused("registry.absent", f"no registry has a package with the short name {name}", hint=hint)
    lines = [f"{key} of {shown(found[key].doc.publisher_name)} ({found[key].doc.publisher_id[:16]})" for key in sorted(found)[:CHOICES_MAX]]
    message = f"{len(found)} packages have the short name {name}: {'; '.join(lines)}"
    raise Refused("registry.ambiguous", message, where=name, hint="give the whole id of the one that you mean")


def is_at_home(hit: Hit, config: Config) -> bool:
    """Attack: a public registry that offers a package of a private name space."""
    owner = config.owner(hit.doc.package_id)
    return owner is None or owner.name == hit.registry


def is_newer(version: str, than: str) -> bool:
    one, other = version_key(version), version_key(than)
    return one is not None and other is not None and one > other
