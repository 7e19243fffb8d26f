"""A package from a registry, for the commands that install: found, proven, downloaded, compared with its proof."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from mpp.cli.options import home, is_fleet, quoted, show_time, trust_store
from mpp.cli.screen import note
from mpp.cli.store.introduced import Follow, followed, still
from mpp.cli.store.progress import Bar
from mpp.cli.store.registries import client_of, cooldown_of, load_config, memory_of, terms_of
from mpp.errors import MppError, Refused
from mpp.files import read_bounded
from mpp.host.store import Installed
from mpp.host.store.disk import BUNDLE_ENDING
from mpp.host.store.lockfile import order
from mpp.host.store.sources import check_hash, Found, from_file
from mpp.host.trust_store import with_pin, with_publisher
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.registry.bundle import read_bundle
from mpp.protocol.registry.documents import NamespaceDoc
from mpp.protocol.registry.limits import BUNDLE_BYTES_MAX
from mpp.crypto.roots import read_chain
from mpp.remote.client import RegistryClient
from mpp.remote.config import Config, Registry
from mpp.remote.downloading import download, File
from mpp.remote.proofs import judge_bundle, Proof
from mpp.remote.ranges import ANY, Range
from mpp.remote.resolving import Asked, Chosen, Hit, meant, resolve, Wish
from mpp.stages.archive import Buffer, read_archive
from mpp.stages.gatekeeper import authenticate, read_seal, TrustState, VerifiedPackage

DAY = 24 * 3600


@value
class Origin:
    """Where a package was found, and what proves it."""

    chosen: Chosen
    namespace: NamespaceDoc | None
    """Who holds the name space of the package, as the registry says; None: nobody has proven it, or nobody could be asked."""
    trust: str
    """What its user configured: ``ask``, or ``namespaces``."""
    now: int

    @property
    def proof(self) -> Proof:
        return self.chosen.proof

    def said(self) -> tuple[str, ...]:
        """For a person who is asked about the publisher."""
        found, one = self.proof.proven, self.namespace
        lines = [f"{self.chosen.registry} ({self.chosen.registry_id[:16]}) published it as entry {found.index} of its log"]
        if one is None:
            return (*lines, "nobody has proven there that the name space is theirs")
        if one.publisher_id != found.publisher_id:
            return (*lines, f"the name space {one.namespace} is ANOTHER publisher's: {one.publisher_id[:16]}")
        return (*lines, f"it says: {one.namespace} was proven by {one.method} to be this publisher's, first on {show_time(one.proven_at)}")

    def line(self) -> str:
        """One line of proof for the screen."""
        found = self.proof.proven
        seen = f", seen by {', '.join(found.witnesses)}" if found.witnesses else ""
        latest = "the latest" if found.latest == found.version else f"the latest is {found.latest}" if found.latest else "no version is the latest"
        place = f"{self.chosen.registry} ({self.chosen.registry_id[:16]}), log entry {found.index} of {found.size}"
        return f"{place}, state of {age_words(self.now - found.at)} ago{seen}; {latest}; {found.status}"

    def to_json(self) -> Json:
        found = self.proof.proven
        witnesses: list[Json] = [*found.witnesses]
        return {
            "name": self.chosen.registry, "registry_id": self.chosen.registry_id, "log_index": found.index, "log_size": found.size, "at": found.at,
            "published_at": found.published_at, "status": found.status, "latest": found.latest, "package_status": found.package_status,
            "witnesses": witnesses, "namespace": None if self.namespace is None else self.namespace.namespace,
        }  # fmt: skip


def age_words(seconds: int) -> str:
    for size, word in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'s' if count > 1 else ''}"
    return f"{max(seconds, 0)} seconds"


@value
class Ways:
    """How a command wants packages of registries."""

    registry: str = ""
    """The one that was named; empty: the one of the name space, or the usual one."""
    min_age: float | None = None
    quiet: bool = False
    follow: Follow = Follow()
    """Introductions by the registry that is asked."""


def fetch(wish: Wish, ways: Ways, *, content_hash: str = "") -> tuple[Found, Origin]:
    """Spec: store D-82 to D-90. One proven version, and its bytes."""
    config = load_config()
    package_id = wish.name if wish.is_id else short_name(wish.name, config, ways.registry).doc.package_id
    if not wish.is_id and not ways.quiet:
        note(f"{wish.name} is {package_id}")
    registry = config.for_package(package_id, ways.registry)
    try:
        return fetch_from(registry, package_id, wish.range, ways, content_hash=content_hash)
    except Refused as fault:
        # Whoever names a registry, or a package by its short name, means what is there.
        if fault.code != "registry.absent" or ways.registry or not wish.is_id:
            raise
        other = followed(registry, config, package_id, ways.follow, fault)
    if not ways.quiet:
        note(f"{package_id} is in {other.name} ({other.registry_id[:16]}), which {registry.name} introduces")
    return fetch_from(other, package_id, wish.range, ways, content_hash=content_hash)


def fetch_from(registry: Registry, package_id: str, wanted: Range, ways: Ways, *, content_hash: str = "") -> tuple[Found, Origin]:
    """``content_hash``: the one that is meant; another is not even downloaded."""
    registry = still(registry, load_config(), package_id)
    client = client_of(registry)
    origin = find(client, package_id, wanted, ways)
    if content_hash and origin.proof.proven.content_hash != content_hash:
        message = f"the registry's {package_id} {origin.chosen.version} has other content than the one that is meant"
        raise Refused("registry.contradiction", message, where=registry.url, hint="its publisher builds the tool again, on the layer that is published")
    for remark in origin.chosen.remarks:
        note(f"note: {remark}")
    return _downloaded(client, origin.chosen, ways), origin


def find(client: RegistryClient, package_id: str, wanted: Range, ways: Ways) -> Origin:
    """Proven, and not downloaded yet."""
    registry = client.registry
    terms = terms_of(registry)
    asked = Asked(package_id=package_id, range=wanted, terms=terms, cooldown=cooldown_of(registry, ways.min_age))
    chosen = resolve(client, memory_of(registry.registry_id), asked)
    return Origin(chosen=chosen, namespace=namespace_of(client, package_id), trust=registry.trust, now=terms.now)


def namespace_of(client: RegistryClient, package_id: str) -> NamespaceDoc | None:
    """The longest proven name space above the package."""
    parts = package_id.split(".")[:-1]
    for count in range(len(parts), 1, -1):
        with suppress(MppError):
            found = client.namespace(".".join(parts[:count]))
            # Attack: an answer about another name space than the one that was asked for.
            if found.state == "proven" and found.namespace == ".".join(parts[:count]):
                return found
    return None


def _downloaded(client: RegistryClient, chosen: Chosen, ways: Ways) -> Found:
    found = chosen.proof.proven
    wanted = File(package_id=found.package_id, version=found.version, file_hash=found.file_hash, size=chosen.proof.size)
    bar = Bar(f"downloading {found.package_id} {found.version}", quiet=ways.quiet)
    if not ways.quiet:
        note(f"fetching {found.package_id} {found.version} ({chosen.proof.size / 1e6:.2f} MB) from {chosen.registry}")
    try:
        path = download(client, wanted, os.path.join(home().cache, "downloads"), progress=bar, told=lambda line: note(f"note: {line}"))
    finally:
        bar.end()
    data = from_file(path).data
    source = f"{chosen.url}/packages/{found.package_id}/versions/{found.version}"
    taken = Found(data=data, source=source)
    # Attack: a file that is exchanged between the download and the reading of it.
    check_hash(taken, found.file_hash)
    os.unlink(path)
    return taken


def short_name(name: str, config: Config, registry: str) -> Hit:
    """Spec: store D-84. Every registry that this home knows is asked; two packages of the name are a choice for a person."""
    asked = [config.named(registry)] if registry else list(config.asked)
    if not asked:
        config.usual  # noqa: B018 - it says that there is none
    return meant(name, hits(name, asked), config)


def hits(text: str, asked: Sequence[Registry]) -> list[Hit]:
    """One registry that is silent must not hide what the others have, nor decide a choice alone."""
    found: list[Hit] = []
    for one in asked:
        found += [Hit(registry=one.name, doc=doc) for doc in client_of(one).search(text).packages]
    return found


def same_as_proven(package: VerifiedPackage, origin: Origin) -> None:
    """Attack: a file whose seal says another package or publisher than the log."""
    found = origin.proof.proven
    said = (package.package_id, package.version, package.publisher_id, package.content_hash, package.file_hash)
    if said != (found.package_id, found.version, found.publisher_id, found.content_hash, found.file_hash):
        message = "the file says another package, publisher or content than the registry's log"
        raise Refused("registry.contradiction", message, where=found.package_id, hint="tell who runs the registry")


def pin_by_namespace(data: Buffer, origin: Origin) -> bool:
    """Spec: store D-91, keys K-58. Where an administrator chose so, a proven name space pins its publisher, for packages below it."""
    one, found = origin.namespace, origin.proof.proven
    if origin.trust != "namespaces" or one is None or one.publisher_id != found.publisher_id or is_fleet():
        return False
    prefix = f"{one.namespace}."
    if not found.package_id.startswith(prefix):
        return False
    store, now = trust_store(), origin.now
    trust = store.load()
    if trust.owner(found.package_id) is not None:
        # What is bound already is never moved by a registry.
        return False
    try:
        authenticate(data, trust, now)
    except Refused as fault:
        if fault.code not in {"publisher.unknown", "publisher.package_unpinned"}:
            raise
    seal = read_seal(read_archive(data))
    if isinstance(seal, Refused) or (seal.chain.publisher_id, seal.statement.package_id) != (found.publisher_id, found.package_id):
        return False

    def step(state: TrustState) -> TrustState:
        return state if state.owner(found.package_id) is not None else with_pin(with_publisher(state, seal.chain), prefix, found.publisher_id)

    store.change(step)
    note(f"trusted publisher {quoted(seal.chain.newest.name)} ({found.publisher_id[:16]}) for {prefix} by the registry's proof of the name space")
    return True


def beside(path: str, *, needed: bool) -> Origin | None:
    """The bundle beside a file, judged without a network. ``needed``: nothing else is accepted."""
    place = path + BUNDLE_ENDING
    if not os.path.isfile(place):
        if needed:
            raise Refused(
                "registry.proof", "there is no bundle beside the file", where=place, hint="copy it with the file: `mpp publish` and `mpp install` keep one"
            )
        return None
    data = read_bounded(place, BUNDLE_BYTES_MAX)
    registry_id = read_chain(read_bundle(data, where=place).roots, where=place).publisher_id
    registry = load_config().by_id(registry_id)
    if registry is None:
        if needed:
            raise Refused(
                "registry.unknown", f"the bundle is of registry {registry_id[:16]}, which this home does not know", where=place, hint="add the registry first"
            )
        note(f"note: the bundle beside the file is of registry {registry_id[:16]}, which this home does not know; it proves nothing here")
        return None
    terms = terms_of(registry)
    proof = judge_bundle(data, memory_of(registry_id), None, replace(terms, max_age=None))
    chosen = Chosen(
        registry=registry.name, registry_id=registry_id, url=registry.url, package_id=proof.proven.package_id, version=proof.proven.version, proof=proof
    )
    _not_withdrawn(chosen)
    return Origin(chosen=chosen, namespace=None, trust="ask", now=terms.now)


def _not_withdrawn(chosen: Chosen) -> None:
    if chosen.proof.proven.status in {"revoked", "quarantined"}:
        message = f"version {chosen.version} is {chosen.proof.proven.status}"
        raise Refused("registry.withdrawn", message, where=chosen.package_id, hint="take another version")


def again(row: Installed, ways: Ways, wanted: Range = ANY) -> tuple[RegistryClient, Origin]:
    """What the registry of an installed package has for it now."""
    config = load_config()
    registry = config.by_id(row.registry_id)
    if registry is None:
        message = f"it came from registry {row.registry_id[:16]}, which this home does not know any more"
        raise Refused("registry.unknown", message, where=row.package_id, hint="add the registry again, or say where to look: --from FOLDER")
    # Attack: a name space that is private by now, and a package of it that still comes from elsewhere.
    config.for_package(row.package_id, registry.name)
    client = client_of(still(registry, config, row.package_id))
    return client, find(client, row.package_id, wanted, ways)


def newer(row: Installed, ways: Ways) -> tuple[Found, Origin] | None:
    """A version above the installed one and not below the mark; None: there is none that may be taken by itself."""
    try:
        client, origin = again(row, ways)
    except Refused as fault:
        if fault.code != "registry.cooldown":
            raise
        note(f"note: {fault.message} ({fault.where})")
        return None
    version = origin.chosen.version
    if order(version) <= order(row.version) or order(version) < order(row.mark):
        return None
    for remark in origin.chosen.remarks:
        note(f"note: {remark}")
    return _downloaded(client, origin.chosen, ways), origin
