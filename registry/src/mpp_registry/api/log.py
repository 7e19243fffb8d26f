"""Endpoints about the registry itself, its health and its log."""

from __future__ import annotations

import time
from collections.abc import Callable

from mpp.errors import HostFailed, Refused
from mpp.ledger.tiles import LEVELS, TILE_HASHES, Tile
from mpp.model.jsontext import Json
from mpp.protocol.registry.checkpoint import origin_of
from mpp.protocol.registry.documents import ConsistencyDoc, LogPage, RegistryInfo
from mpp_registry.api.answering import Answer, document, IMMUTABLE, NEVER, OCTETS, SHORT, TEXT
from mpp_registry.api.asking import Ask, not_found
from mpp_registry.api.limits import HEALTH_SECONDS
from mpp_registry.log.witnessing import take_cosignatures


def registry(ask: Ask) -> Answer:
    settings = ask.services.settings
    info = RegistryInfo(
        registry_id=settings.registry_id, name=settings.name, url=settings.url, origin=origin_of(settings.registry_id), roots=settings.roots,
        is_public=settings.is_public, require_namespace=settings.require_namespace, staging=settings.staging,
    )  # fmt: skip
    return document(info.to_json())


class Health:
    """Each part is asked, once in a while; what is wrong with one stands in the registry's own log."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: tuple[float, Answer] | None = None

    def __call__(self, ask: Ask) -> Answer:
        # Attack: questions about health without end, each of which asks the database and the storage. Two threads may both ask; that does no harm.
        kept = self._kept
        if kept is None or self._now() - kept[0] > HEALTH_SECONDS:
            kept = self._kept = self._now(), _health(ask)
        return kept[1]


def _health(ask: Ask) -> Answer:
    database, blobs, size, at = True, True, 0, 0
    try:
        with ask.services.database.read() as rows:
            checkpoint = ask.services.ledger.checkpoint(rows)
        size, at = checkpoint.size, checkpoint.at
    except HostFailed:
        database = False
    try:
        ask.services.blobs.size("0" * 64)
    except HostFailed:
        blobs = False
    is_well = database and blobs
    found: Json = {"status": "ok" if is_well else "failing", "database": database, "blobs": blobs, "log_size": size, "checkpoint_at": at}
    return document(found, status=200 if is_well else 503, cache=NEVER)


def checkpoint(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        return Answer(data=ask.services.ledger.checkpoint(rows).note, media=TEXT)


def entries(ask: Ask) -> Answer:
    start = ask.count("start")
    with ask.services.database.read() as rows:
        size = ask.services.ledger.size(rows)
        if start > size:
            raise Refused("registry.parameter", f"the log has {size} leaves", where="?start", hint=f"begin at {size} at most")
        leaves = ask.services.ledger.entries(rows, start, ask.count("count"))
    return document(LogPage(start=start, size=size, leaves=tuple(leaves)).to_json())


def consistency(ask: Ask) -> Answer:
    begin, end = ask.count("from"), ask.count("to")
    with ask.services.database.read() as rows:
        size = ask.services.ledger.size(rows)
        if not begin <= end <= size:
            raise Refused("registry.parameter", f"the log has {size} leaves", where="?to", hint="from <= to <= its size")
        hashes = ask.services.ledger.consistency(rows, begin, end)
    return document(ConsistencyDoc(begin=begin, end=end, hashes=tuple(hashes)).to_json(), cache=IMMUTABLE)


def tile(ask: Ask) -> Answer:
    """C2SP tlog-tiles: ``<L>/<N>`` and ``<L>/<N>.p/<W>``."""
    found = read_tile(int(ask.path["level"]), ask.path["place"])
    with ask.services.database.read() as rows:
        data = ask.services.ledger.tile(rows, found.level, found.number, found.width)
    return Answer(data=data, media=OCTETS, cache=IMMUTABLE if found.width == TILE_HASHES else SHORT)


def read_tile(level: int, place: str) -> Tile:
    """The tile of that name. Attack: two names of one tile, so that caches keep it twice."""
    name, _, partial = place.partition(".p/")
    groups = name.split("/")
    digits = "".join(group.removeprefix("x") for group in groups)
    if level < LEVELS and digits.isdecimal() and len(digits) <= 18 and (not partial or (partial.isdecimal() and len(partial) <= 3)):
        found = Tile(level, int(digits), int(partial) if partial else TILE_HASHES)
        if found.path == f"{level}/{place}" and 0 < found.width <= TILE_HASHES:
            return found
    raise not_found("this is no name of a tile")


def post_cosignatures(ask: Ask) -> Answer:
    """Lines of witnesses under the newest checkpoint. Only those of keys that the operator named are kept, and only if they hold."""
    services = ask.services
    take_cosignatures(services.database, services.ledger, services.settings.witnesses, ask.body)
    return Answer(status=204, cache=NEVER)
