"""What is signed for a fleet: the root documents of its signer, policies and trust. Each is judged as a host would, and kept; none is made here.

Attack: whoever runs the registry, or takes it over, wants to loosen a thousand machines. It has no key for that; it can only withhold, and old
versions are refused here and by each host.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from mpp.crypto.roots import named_by_hand, read_chain, RootChain
from mpp.errors import Refused
from mpp.host.enrolment.trust_bundle import FLEET_NAME, FLEET_NAME_FORM, judge_trust, TrustMark
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.protocol.registry.events import FleetChanged
from mpp.stages.policy import read_bundle, Remembered, verify_bundle

from hashlib import sha256

from mpp_registry.fleet.limits import DOCUMENTS_KEPT, ROOTS_BYTES_MAX
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

Kind: TypeAlias = Literal["policy", "trust"]
ROOT = "root"


@value
class Paper:
    kind: str
    name: str
    version: int
    digest: str
    document: bytes
    at: int


def newest(rows: Rows, kind: str, name: str) -> Paper | None:
    found = rows.one(
        "SELECT kind, name, version, digest, document, at FROM fleet_documents WHERE kind = ? AND name = ? ORDER BY version DESC LIMIT 1", kind, name
    )
    if found is None:
        return None
    document = found[4]
    return Paper(
        kind=str(found[0]), name=str(found[1]), version=int(str(found[2])), digest=str(found[3]),
        document=bytes(document) if isinstance(document, bytes | memoryview) else b"", at=int(str(found[5])),
    )  # fmt: skip


def papers(rows: Rows) -> tuple[Paper, ...]:
    """The newest of each, without its bytes."""
    found = rows.all("SELECT kind, name, version, digest, at FROM fleet_documents ORDER BY kind, name, version DESC LIMIT 1000")
    first: dict[tuple[str, str], Paper] = {}
    for kind, name, version, digest, at in found:
        paper = Paper(kind=str(kind), name=str(name), version=int(str(version)), digest=str(digest), document=b"", at=int(str(at)))
        first.setdefault((paper.kind, paper.name), paper)
    return tuple(first.values())


def need(rows: Rows, kind: str, name: str) -> Paper:
    found = newest(rows, kind, name)
    if found is None:
        raise Refused("registry.absent", f"there is no {kind} {shown(name)!r} of the fleet here", hint="its administrator puts it here: mpp registry fleet")
    return found


def fleet_root(rows: Rows) -> RootChain:
    """Whose signatures hold for the fleet."""
    found = newest(rows, ROOT, "")
    if found is None:
        raise Refused("registry.fleet", "nobody was named yet who signs for the fleet", hint="mpp registry fleet root put publisher.json")
    return read_chain(found.document, where="fleet root")


def put_root(services: Services, data: bytes) -> RootChain:
    """The first one decides who signs for the fleet; later ones must go on from it."""
    if len(data) > ROOTS_BYTES_MAX:
        raise Refused("registry.length", f"root documents have at most {ROOTS_BYTES_MAX} bytes", hint="give publisher.json as it is")
    with named_by_hand():
        chain = read_chain(data.removesuffix(b"\n"), where="publisher.json")
    now = services.clock.now()
    with services.database.write() as rows:
        before = newest(rows, ROOT, "")
        if before is not None:
            known = read_chain(before.document, where="fleet root")
            if known.publisher_id != chain.publisher_id:
                message = f"the fleet is signed for by {known.publisher_id[:16]}, and machines were enrolled so"
                raise Refused("policy.publisher", message, hint="another signer needs another registry, and each machine enrolled anew")
            if not chain.begins_with(known):
                code = "policy.roots_behind" if known.begins_with(chain) else "policy.roots_fork"
                raise Refused(code, "the root documents do not go on from those that are here", hint="give the newest publisher.json")
            if len(chain.roots) == len(known.roots):
                return chain
        _keep(services, rows, Paper(kind=ROOT, name="", version=chain.newest.version, digest=chain.newest.digest, document=chain.data, at=now))
    return chain


def put_policy(services: Services, name: str, data: bytes) -> Paper:
    """A bundle that `mpp policy sign` made, for the fleet layer."""
    found = read_bundle(data, where=name)
    now = services.clock.now()
    with services.database.write() as rows:
        before = newest(rows, "policy", judged_name(name))
        known = Remembered(
            chain=fleet_root(rows), name=name, version=before.version if before is not None else 0, digest=before.digest if before is not None else ""
        )
        bundle = verify_bundle(data, known, now, layer="fleet", where=name)
        paper = Paper(kind="policy", name=name, version=bundle.body.version, digest=found.digest, document=data, at=now)
        return _keep_new(services, rows, paper, before, bundle.chain)


def put_trust(services: Services, name: str, data: bytes) -> Paper:
    """A bundle that `mpp registry fleet trust sign` made."""
    now = services.clock.now()
    with services.database.write() as rows:
        before = newest(rows, "trust", judged_name(name))
        mark = TrustMark(name=name) if before is None else TrustMark(name=name, version=before.version, digest=before.digest)
        bundle, _ = judge_trust(data, fleet_root(rows), mark, now, where=name)
        paper = Paper(kind="trust", name=name, version=bundle.body.version, digest=bundle.digest, document=data, at=now)
        return _keep_new(services, rows, paper, before, bundle.chain)


def judged_name(name: str) -> str:
    if FLEET_NAME.fullmatch(name) is None:
        raise Refused("registry.fleet", f"{shown(name)!r} is no name here", hint=f"write {FLEET_NAME_FORM}")
    return name


def _keep_new(services: Services, rows: Rows, paper: Paper, before: Paper | None, chain: RootChain) -> Paper:
    """The same once more changes nothing. Newer root documents in it count from now on, as they do on each host."""
    if before is not None and before.version == paper.version:
        return before
    known = fleet_root(rows)
    if len(chain.roots) > len(known.roots):
        _keep(services, rows, Paper(kind=ROOT, name="", version=chain.newest.version, digest=chain.newest.digest, document=chain.data, at=paper.at))
    _keep(services, rows, paper)
    return paper


def _keep(services: Services, rows: Rows, paper: Paper) -> None:
    rows.run(
        "INSERT INTO fleet_documents (kind, name, version, digest, document, at) VALUES (?, ?, ?, ?, ?, ?)",
        paper.kind, paper.name, paper.version, paper.digest, paper.document, paper.at,
    )  # fmt: skip
    old = rows.all(
        "SELECT version FROM fleet_documents WHERE kind = ? AND name = ? ORDER BY version DESC LIMIT 100 OFFSET ?", paper.kind, paper.name, DOCUMENTS_KEPT
    )
    for (version,) in old:
        rows.run("DELETE FROM fleet_documents WHERE kind = ? AND name = ? AND version = ?", paper.kind, paper.name, version)
    named = f"{paper.kind}-{paper.name}" if paper.name else paper.kind
    services.ledger.append(rows, [FleetChanged(name=named, sha256=sha256(paper.document).hexdigest())], paper.at)
