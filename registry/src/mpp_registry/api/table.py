"""The table of endpoints: the one place that says which there are. Routes, the OpenAPI document and the reference page are made of it."""

from __future__ import annotations

import re

from mpp.ledger.tiles import LEVELS
from mpp_registry.api import log
from mpp_registry.api.answering import TEXT
from mpp_registry.api.asking import COUNT, number, Parameter, START
from mpp_registry.api.endpoint import Endpoint, Reply
from mpp_registry.api.log import OCTETS

LEVEL = number("level", "The level of the tile.", most=LEVELS - 1)
PLACE = Parameter(
    name="place", words="Its number in groups of three digits, with `.p/` and its width where it is not full.", most=60,
    pattern=re.compile(r"(?:x[0-9]{3}/){0,5}[0-9]{3}(?:\.p/[0-9]{1,3})?"), form="the name of a tile", example="000",
)  # fmt: skip


def ok(words: str, schema: str = "", media: str = "application/json", status: int = 200) -> tuple[Reply, ...]:
    return (Reply(status=status, words=words, schema=schema, media=media),)


_ABOUT = (
    Endpoint(
        method="GET", path="/health", name="health", words="Is the registry well?", tag="about", handle=log.health, auth="open",
        replies=(*ok("It is.", "Health"), *ok("A part of it does not answer.", "Health", status=503)),
    ),
    Endpoint(
        method="GET", path="/v1/registry", name="registry", words="Which registry this is.", tag="about", handle=log.registry, auth="open",
        replies=ok("Its id, name and root document.", "Registry"),
    ),
)  # fmt: skip

_LOG = (
    Endpoint(
        method="GET", path="/v1/log/checkpoint", name="checkpoint", words="The newest signed checkpoint.", tag="log", handle=log.checkpoint,
        replies=ok("A signed note, with cosignatures of witnesses.", media=TEXT),
    ),
    Endpoint(
        method="GET", path="/v1/log/tile/{level}/{place:path}", name="tile", words="Hashes of the tree, as C2SP tlog-tiles lays them out.", tag="log",
        handle=log.tile, places=(LEVEL, PLACE), replies=ok("32 bytes for each hash.", media=OCTETS),
    ),
    Endpoint(
        method="GET", path="/v1/log/entries", name="entries", words="Leaves of the log.", tag="log", handle=log.entries, query=(START, COUNT),
        replies=ok("The leaves, each as its canonical text.", "Log"),
    ),
    Endpoint(
        method="GET", path="/v1/log/consistency", name="consistency", words="That an earlier log is a beginning of a later one.", tag="log",
        handle=log.consistency, query=(number("from", "The earlier size.", required=True), number("to", "The later size.", required=True)),
        replies=ok("The hashes of the proof.", "Consistency"),
    ),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (*_ABOUT, *_LOG)
