"""What a registry says, handed to the product."""

from __future__ import annotations

from conformance.hosts.own_identity import ITEMS_MAX, TEXT_MAX, inner, key_of, now_of, text_of
from mpp.crypto import base64text
from mpp.crypto.roots import RootChain, read_chain
from mpp.ledger.keymap import root_of_map
from mpp.ledger.notes import NoteKey, read_key
from mpp.ledger.tree import leaf_hash, root_of
from mpp.limits import MIB
from mpp.model.fields import Fields
from mpp.model.jsontext import Json, read
from mpp.protocol.registry.bundle import proven, proven_absent, read_absence, read_bundle
from mpp.protocol.registry.checkpoint import Seen, check_age, followed, read_signed
from mpp.protocol.registry.events import PublisherRegistered, PublisherRoot, package_of, read_leaf
from mpp.protocol.registry.requests import check_request, read_request
from mpp.protocol.registry.rules import judge_leaf
from mpp.protocol.registry.state import PackageState, applied, map_key, map_value

ROOTS_CHARS_MAX = MIB
SIZE_MAX = 2**53 - 1


def log(data: bytes, context: Fields, _: str) -> Json:
    """All leaves, by the rules, and what follows from them."""
    last = context.number("at", least=0, most=SIZE_MAX)
    packages: dict[str, PackageState] = {}
    versions: dict[str, int] = {}
    at, lines = 0, data.removesuffix(b"\n").split(b"\n")
    for index, line in enumerate(lines):
        leaf = read_leaf(line, where=f"leaf {index}")
        judge_leaf(leaf, index, at_least=at, at_most=last, root_version=lambda who: versions.get(who, 0))
        at, change = leaf.at, leaf.change
        if isinstance(change, PublisherRegistered | PublisherRoot):
            versions[change.publisher_id] = change.root_version
        state = applied(packages.get(package_of(change) or ""), leaf)
        if state is not None:
            packages[state.package_id] = state
    values = {name: map_value(state) for name, state in packages.items()}
    root = root_of([leaf_hash(line) for line in lines])
    shown: dict[str, Json] = {name: read(value, family="registry", where=name) for name, value in values.items()}
    map_root = root_of_map({map_key(name): value for name, value in values.items()})
    return {"size": len(lines), "root": root.hex(), "map_root": map_root.hex(), "packages": shown}


def _age(context: Fields) -> int | None:
    return None if context.raw("max_age", required=False) is None else context.number("max_age", least=0, most=SIZE_MAX)


def _chain(context: Fields) -> RootChain | None:
    text = context.text("roots", most=ROOTS_CHARS_MAX, default="", least=0)
    return read_chain(base64text.decode(text) or b"", where="roots") if text else None


def _witnesses(context: Fields) -> tuple[NoteKey, ...]:
    return tuple(read_key(text) for text in context.texts("witnesses", most=ITEMS_MAX, each_most=TEXT_MAX))


def bundle(data: bytes, context: Fields, _: str) -> Json:
    now, registry, age, known, witnesses = now_of(context), text_of(context, "registry"), _age(context), _chain(context), _witnesses(context)
    found = proven(read_bundle(data), registry, now=now, max_age=age, known=known, witnesses=witnesses)
    return {
        "package_id": found.package_id, "version": found.version, "publisher_id": found.publisher_id, "content_hash": found.content_hash,
        "file_hash": found.file_hash, "status": found.status, "latest": found.latest, "package_status": found.package_status, "index": found.index,
        "published_at": found.published_at, "size": found.size, "at": found.at, "witnesses": [*found.witnesses],
    }  # fmt: skip


def absence(data: bytes, context: Fields, _: str) -> Json:
    now, registry, package, age = now_of(context), text_of(context, "registry"), text_of(context, "package"), _age(context)
    found = proven_absent(read_absence(data), registry, package, now=now, max_age=age, known=_chain(context), witnesses=_witnesses(context))
    return {"package_id": found.package_id, "size": found.size, "at": found.at, "witnesses": [*found.witnesses]}


def checkpoint(data: bytes, context: Fields, _: str) -> Json:
    now, age, chain = now_of(context), _age(context), _chain(context)
    path = [key_of(text) for text in context.texts("path", most=ITEMS_MAX, each_most=TEXT_MAX)]
    seen = inner(context, "seen") if context.has("seen") else None
    found = read_signed(data, chain or read_chain(b"", where="roots"))
    check_age(found, now=now, max_age=age)
    known = None
    if seen is not None:
        size, at = seen.number("size", least=0, most=SIZE_MAX), seen.number("at", least=0, most=SIZE_MAX)
        known = Seen(origin=found.origin, size=size, root=bytes.fromhex(text_of(seen, "root")), at=at)
        seen.end()
    followed(known, found, path)
    return {"origin": found.origin, "size": found.size, "root": found.root.hex(), "map_root": found.map_root.hex(), "at": found.at}


def request(data: bytes, context: Fields, _: str) -> Json:
    now, public = now_of(context), key_of(text_of(context, "public"))
    method, target, body_sha256, audience = (text_of(context, key) for key in ("method", "target", "body_sha256", "audience"))
    found = read_request(data.decode("utf-8", "replace"))
    check_request(found, method=method, target=target, body_sha256=body_sha256, audience=audience, now=now, public=public)
    return {"key": found.key, "nonce": found.nonce, "at": found.at}
