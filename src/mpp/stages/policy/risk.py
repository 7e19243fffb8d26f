"""The risk score: how much harm a package could do, 0 to 100, with each point explained in words a manager reads.

It is a sum, so that it can be read, and no reason ever takes points away: whoever asks for more never scores lower. It is made from
what was declared and signed, and from what this host knows of the publisher; it judges nothing by itself, policies do.
Spec: spec/3-policy.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mpp.limits import MIB
from mpp.model.capabilities import NO_CAPABILITIES, Capabilities, NetworkRule
from mpp.model.jsontext import Json, read, shown
from mpp.model.manifest import SECURITY_LEVELS, Manifest, ToolDefinition
from mpp.model.scope import WORKSPACE
from mpp.model.value import value
from mpp.stages.policy.risk_words import (
    WATCHING_DEVICES,
    is_personal,
    is_sensitive_path,
    is_starting_path,
    is_wide_path,
    looks_like_key,
    strong_kinds,
)
from mpp.stages.policy.types import Reason, Risk

SCORE_MAX = 100
"""Points of the highest score. Reason: people read hundreds as shares; what is beyond is critical in any case."""

BANDS = ((75, "critical"), (50, "high"), (25, "medium"), (0, "low"))
"""From how many points on a score has which band."""

NAMES_SHOWN_MAX = 3
"""Names in one reason. Reason: a reason is one line; the capabilities list all."""

NEW_DAYS = 7
"""Days for which a package is new. Reason: a week of work shows most of what a tool does."""

LARGE_STORE_BYTES = 100 * MIB
"""Bytes of stored state from which on it could be a copy of other data. Reason: settings and notes of a tool are far smaller."""

OWN_KEY = "own key"
BOUND = ("pinned", OWN_KEY)
"""Why a publisher is believed for exactly this package id: the words of the gatekeeper."""

_CHANGING = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_LEVEL_POINTS = {"low": 0, "medium": 6, "high": 14, "critical": 24}


@value
class RiskFacts:
    """What this host knows of a package beside its manifest."""

    trusted_because: str
    """As the gatekeeper says it: ``own key`` or ``pinned``."""
    first_seen_days: int | None = None
    """Days since it ran here first; None: it never did."""
    internal_hosts: tuple[str, ...] = ()
    """Names, with or without a port, that lead into the host's own network."""
    development: bool = False
    """An unsigned build of a project."""


class _Kind(NamedTuple):
    """A kind of path: points for reading it, for changing it, and the words for both."""

    read: int
    write: int
    words: str


_PLAIN = _Kind(4, 10, "")
_WHOLE_WORKSPACE = _Kind(8, 26, "the whole workspace")
_WIDE = _Kind(14, 32, "a whole disk, person or system")
_STARTS = _Kind(6, 45, "a place from which programs are started")
_KEYS = _Kind(30, 45, "a place where keys, passwords or money lie")


class _Reach(NamedTuple):
    """What a package could take, and where it could bring it."""

    external: tuple[str, ...]
    internal: tuple[str, ...]
    data: bool
    keys: tuple[str, ...]
    """Variables that look like keys, and secrets."""


def risk_of(manifest: Manifest, tool: ToolDefinition | None, facts: RiskFacts) -> Risk:
    """The score of one tool; with None of the whole package, which is that of its most sensitive tool and of all parameters together. Spec: R-1 to R-5."""
    declared = manifest.capabilities
    names = _data_names(manifest, manifest.tool_definitions if tool is None else (tool,))
    reach = _reach(declared, facts)
    kinds = strong_kinds(names)
    found = [
        *_network(declared.network, reach),
        *_read(declared.read),
        *_write(declared.write),
        *_credentials(declared),
        *_devices(declared),
        *_storage(declared),
        *_together(declared, reach, kinds),
        *_level(manifest, tool),
        *_data(manifest, names, kinds),
        *_publisher(facts, asks=declared != NO_CAPABILITIES),
    ]
    reasons = tuple(sorted(found, key=lambda one: -one.points))
    score = min(SCORE_MAX, sum(one.points for one in reasons))
    return Risk(score=score, band=max(band_of(score), level_of(manifest, tool), key=SECURITY_LEVELS.index), reasons=reasons)


def risk_unverified(declared: Capabilities, level: str, facts: RiskFacts, more: Iterable[Reason]) -> Risk:
    """The score of what nobody verified: by what it may use, and by ``more``, which says why it is not known. Nothing that it says of itself counts. Spec: legacy V-42."""
    found = [
        *_network(declared.network, reach := _reach(declared, facts)), *_read(declared.read), *_write(declared.write), *_credentials(declared),
        *_together(declared, reach, {}), *more,
    ]  # fmt: skip
    reasons = tuple(sorted(found, key=lambda one: -one.points))
    score = min(SCORE_MAX, sum(one.points for one in reasons))
    return Risk(score=score, band=max(band_of(score), level, key=SECURITY_LEVELS.index), reasons=reasons)


def band_of(score: int) -> str:
    """Spec: 3-policy R-3."""
    return next(band for least, band in BANDS if score >= least)


def level_of(manifest: Manifest, tool: ToolDefinition | None) -> str:
    """The security level of the tool; with None, of the most sensitive one. A package without tools is a layer and has none."""
    tools = manifest.tool_definitions if tool is None else (tool,)
    return max((one.security_level for one in tools), key=SECURITY_LEVELS.index, default=SECURITY_LEVELS[0])


def _reason(points: int, words: str) -> Reason:
    return Reason(points=points, words=words)


def _some(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    listed = [shown(name) for name in dict.fromkeys(names)]
    kept, more = listed[:NAMES_SHOWN_MAX], len(listed) - NAMES_SHOWN_MAX
    if more > 0:
        return f"{', '.join(kept)} and {more} more"
    return " and ".join((", ".join(kept[:-1]), kept[-1])) if len(kept) > 1 else "".join(kept)


def _more(first: int, each: int, most: int, count: int) -> int:
    """Points for ``count`` things of one kind: the first counts fully, each further one a little, up to a bound."""
    return first + min(each * (count - 1), most) if count else 0


def _host(rule: NetworkRule) -> str:
    return f"any sub-domain of {rule.host}" if rule.wildcard else rule.host


def _reach(declared: Capabilities, facts: RiskFacts) -> _Reach:
    inside = {name.partition(":")[0] for name in facts.internal_hosts}
    # A wildcard reaches hosts that nobody has named, so it counts as leading outside.
    internal = [rule for rule in declared.network if rule.host in inside and not rule.wildcard]
    return _Reach(
        external=tuple(dict.fromkeys(_host(rule) for rule in declared.network if rule not in internal)),
        internal=tuple(dict.fromkeys(map(_host, internal))),
        data=bool(declared.read or declared.write or declared.hardware),
        keys=(*filter(looks_like_key, declared.env_vars), *(one.name for one in declared.secrets)),
    )


def _network(rules: tuple[NetworkRule, ...], reach: _Reach) -> Iterator[Reason]:
    if reach.external:
        yield _reason(_more(16, 2, 8, len(reach.external)), f"Sends requests to {_some(reach.external)}, outside of our network.")
    if reach.internal:
        yield _reason(_more(8, 1, 4, len(reach.internal)), f"Sends requests to {_some(reach.internal)}, inside our network.")
    wild = {rule.host for rule in rules if rule.wildcard}
    if wild:
        yield _reason(_more(6, 2, 6, len(wild)), "May choose among hosts that nobody has named one by one.")
    if any("http" in rule.schemes for rule in rules):
        yield _reason(8, "Sends requests unencrypted: whoever is on the way can read and change them.")
    if any(not rule.methods or _CHANGING & set(rule.methods) for rule in rules):
        yield _reason(6, "May change things there, not only look at them.")


def _kind_of(path: str) -> _Kind:
    inside = path.removeprefix(WORKSPACE)
    tests: tuple[tuple[bool, _Kind], ...] = (
        (is_sensitive_path(path), _KEYS),
        (is_starting_path(path), _STARTS),
        (not inside, _WHOLE_WORKSPACE),
        (inside == path and is_wide_path(path), _WIDE),
    )
    return next((kind for fits, kind in tests if fits), _PLAIN)


def _paths(paths: tuple[str, ...], points: Callable[[_Kind], int], verb: str, each: int) -> Iterator[Reason]:
    """The worst path counts fully, each further one a little."""
    if paths:
        worst = max(paths, key=lambda path: points(_kind_of(path)))
        kind = _kind_of(worst)
        place = f"{shown(worst)}, {kind.words}" if kind.words and worst != WORKSPACE else kind.words or _some(paths)
        others = f", and {len(paths) - 1} more" if kind.words and len(paths) > 1 else ""
        yield _reason(_more(points(kind), each, 4 * each, len(paths)), f"May {verb} {place}{others}.")


def _read(paths: tuple[str, ...]) -> Iterator[Reason]:
    return _paths(paths, lambda kind: kind.read, "read", 1)


def _write(paths: tuple[str, ...]) -> Iterator[Reason]:
    return _paths(paths, lambda kind: kind.write, "create, change and delete files in", 2)


def _credentials(declared: Capabilities) -> Iterator[Reason]:
    keys = [name for name in declared.env_vars if looks_like_key(name)]
    plain = len(declared.env_vars) - len(keys)
    if keys:
        yield _reason(_more(15, 3, 9, len(keys)), f"Can read {_some(keys)}: by the name a key or password of ours.")
    if declared.secrets:
        hosts = _some(one.host for one in declared.secrets)
        yield _reason(_more(12, 3, 9, len(declared.secrets)), f"Acts at {hosts} with a secret of ours, without seeing it.")
    if plain:
        yield _reason(min(plain, 3), f"Is given {plain} setting{'s' if plain > 1 else ''} of ours.")


def _devices(declared: Capabilities) -> Iterator[Reason]:
    if declared.hardware:
        yield _reason(_more(10, 3, 9, len(declared.hardware)), f"Uses {_some(one.path for one in declared.hardware)} on this machine.")
    if any("w" in one.mode for one in declared.hardware):
        yield _reason(4, "May send to a device, not only read from it.")
    watching = [one.device for one in declared.hardware if set(one.device.split("-")) & set(WATCHING_DEVICES)]
    if watching:
        yield _reason(8, f"May see or hear people, or learn where they are ({_some(watching)}).")


def _storage(declared: Capabilities) -> Iterator[Reason]:
    if declared.kv_max_bytes:
        yield _reason(1, "Remembers things of its own from call to call.")
    if declared.kv_max_bytes >= LARGE_STORE_BYTES:
        yield _reason(1, "May keep so much that it could be a copy of other data.")


def _together(declared: Capabilities, reach: _Reach, kinds: dict[str, str]) -> Iterator[Reason]:
    """What is harmless alone: something worth taking, and a way to bring it out."""
    where = _some(reach.external or reach.internal)
    if reach.data and where:
        yield _reason(10 if reach.external else 4, f"Could send what it reads here to {where}.")
    if reach.keys and where:
        yield _reason(8 if reach.external else 4, f"Has keys of ours and a way to use them: {_some(reach.keys)} with {where}.")
    if (kinds or any(map(is_sensitive_path, (*declared.read, *declared.write)))) and reach.external:
        yield _reason(8, f"Handles data that must not get out, and can reach {_some(reach.external)}.")


def _level(manifest: Manifest, tool: ToolDefinition | None) -> Iterator[Reason]:
    level = level_of(manifest, tool)
    if _LEVEL_POINTS[level]:
        yield _reason(_LEVEL_POINTS[level], f"Its publisher rates {'its most sensitive tool' if tool is None else f'the tool {tool.name}'} {level}.")


def _data(manifest: Manifest, names: tuple[str, ...], kinds: dict[str, str]) -> Iterator[Reason]:
    personal = next(filter(is_personal, names), "")
    if kinds:
        yield _reason(_more(10, 3, 9, len(kinds)), f"Handles {_some(kinds)} (it speaks of {_some(kinds.values())}).")
    if personal:
        yield _reason(2, f"Handles data about people (it speaks of {shown(personal)}).")
    if not manifest.privacy_filters.enabled:
        yield _reason(6 if kinds or personal else 2, "Asks that its answers are not filtered for private data.")


def _publisher(facts: RiskFacts, *, asks: bool) -> Iterator[Reason]:
    """Who stands for it matters where there is something to lose: a tool that only computes is harmless from anybody."""
    if facts.development:
        yield _reason(6, "Is an unsigned build: no publisher stands for it.")
    elif facts.trusted_because not in BOUND:
        yield _reason(8, "This host does not know its publisher well.")
    elif facts.trusted_because != OWN_KEY and asks:
        yield _reason(2, "Comes from somebody else, whom this host trusts for this package.")
    if asks and (facts.first_seen_days is None or facts.first_seen_days < NEW_DAYS):
        never = facts.first_seen_days is None
        yield _reason(4 if never else 2, "Has never run here before." if never else "Is new here.")


def _data_names(manifest: Manifest, tools: Iterable[ToolDefinition]) -> tuple[str, ...]:
    """Names under which data goes in and out: of parameters, of results, and of what the publisher wants hidden."""
    filters = manifest.privacy_filters
    names = dict.fromkeys((*filters.patterns, *(one.id for one in filters.custom_patterns)))
    for tool in tools:
        for schema in (tool.parameters, tool.returns):
            if schema:
                names.update(dict.fromkeys(_property_names(read(schema, family="manifest", where=tool.name))))
    return tuple(names)


def _property_names(schema: Json) -> Iterator[str]:
    """Names of properties at any depth; the reader of manifests has bounded it. What is one by chance only adds a name."""
    waiting: list[Json] = [schema]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            properties = found.get("properties")
            yield from properties if isinstance(properties, dict) else ()
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
