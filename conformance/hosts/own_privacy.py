"""Messages through our own privacy filter. HOST-CLI.md section 8."""

from __future__ import annotations

import json
import tempfile
from functools import cache

from conformance.hosts.own_identity import text_of
from mpp.errors import Refused
from mpp.host.filtering import Filters, Whose
from mpp.host.home import Home
from mpp.host.opening import open_filters
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.fields import Fields
from mpp.model.jsontext import Json
from mpp.model.manifest import CustomPattern, PrivacyFilters
from mpp.stages.policy import compile_policies, parse_policy, privacy_for, read_facts
from mpp.stages.privacy import read_message

WORDS_MAX = 64
"""Patterns of one vector. Reason: as many as a manifest may have."""

FACTS: dict[str, Json] = {
    "tenant": "local", "publisher_name": "Example", "version": "1.0.0", "content_hash": "cd" * 32, "security_level": "low",
    "agent": {"name": "", "level": "anonymous", "key": "", "issuer": ""}, "user": "", "origin": "model", "now": 1_800_000_000,
    "risk": {"score": 0, "band": "low", "reasons": []}, "consented": True, "scope": None, "internal_hosts": [],
}  # fmt: skip
"""What a call has that the filter does not ask for."""


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A home that is gone when the adapter ends."""
    return tempfile.TemporaryDirectory(prefix="mpp-conformance-home-")


@cache
def _filters() -> Filters:
    return open_filters(Home(path=_folder().name), SystemClock(), SystemRandom())


def message(data: bytes, context: Fields, _: str) -> Json:
    """What may be shown of the message."""
    policy, asked = context.raw("policy", required=False), _asked(context)
    layers = {"user": parse_policy(json.dumps(policy).encode(), where="policy")} if policy is not None else {}
    demanded = context.texts("privacy_patterns", most=WORDS_MAX, each_most=WORDS_MAX)
    said = privacy_for(compile_policies(layers).privacy, read_facts(asked, "context"), demanded)
    through = _filters().bind(said, _wanted(context), Whose(tenant="local", agent=""))
    try:
        given = read_message(data)
    except Refused as fault:
        # What cannot be read cannot be shown.
        return {"message": None, "counts": {}, "withheld": fault.code}
    found = through(given)
    counts: dict[str, Json] = dict(found.report.counts)
    return {"message": found.message, "counts": {} if found.is_withheld else counts, "withheld": found.report.withheld}


def _asked(context: Fields) -> dict[str, Json]:
    mine: dict[str, Json] = {name: text_of(context, name) if context.has(name) else "" for name in ("package_id", "tool")}
    publisher = text_of(context, "publisher_id") if context.has("publisher_id") else "ab" * 32
    return {**FACTS, **mine, "publisher_id": publisher, "bound": context.flag("bound", default=False)}


def _wanted(context: Fields) -> PrivacyFilters:
    """What the manifest says."""
    table = context.object("privacy_filters", required=False)
    if table is None:
        return PrivacyFilters(enabled=True, patterns=(), custom_patterns=())
    rows = table.items("custom_patterns", most=WORDS_MAX, required=False)
    patterns = tuple(CustomPattern(id=str(one["id"]), regex=str(one["regex"]), description="") for one in rows if isinstance(one, dict))
    found = PrivacyFilters(enabled=table.flag("enabled", default=True), patterns=(), custom_patterns=patterns)
    table.end()
    return found
