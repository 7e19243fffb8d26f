"""Under which keys a call finds rules in a table of the index. Spec: spec/3-policy.md section 4."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeAlias

from mpp.model.hostpattern import place_keys, place_of, rule_keys, wide_keys
from mpp.model.jsontext import Json
from mpp.stages.policy.arguments import ARGUMENTS, look_up, searched, steps_of
from mpp.stages.policy.compiled import AT_LEAST, BEGINS, ENDS, EXACT, THRESHOLDS, Dimension
from mpp.stages.policy.patterns import canonical_path, fold, nfkc, package_keys, path_keys
from mpp.stages.policy.types import Asked

Keys: TypeAlias = "Sequence[Hashable] | None"
Probe: TypeAlias = Callable[[Asked], Keys]
"""None: the condition behind the table is in doubt, so all of its rules matter."""


def probe_of(where: Dimension, table: Iterable[Hashable]) -> Probe:
    """The probe of a table whose rules stand under keys of one dimension."""
    if where.kind in _PLAIN:
        return _PLAIN[where.kind]
    if where.kind in _NAMES:
        return _name_probe(where.kind == "user", _NAMES[where.kind], [key for key in table if isinstance(key, str)])
    of_value = _value_probe(where, table)
    steps = steps_of(where.pointer)

    def probe(asked: Asked) -> Keys:
        if ARGUMENTS in asked.unknown:
            return None
        found = look_up(asked.arguments, steps)
        # What is missing or of another type is unclear.
        return of_value(found) if isinstance(found, str | int | float | None) else None

    return probe


def _name_probe(is_user: bool, get: Callable[[Asked], str], keys: list[str]) -> Probe:
    """The name itself, its beginnings and its ends, as long as the patterns in the table."""
    starts = sorted({len(key) for key in keys if key[0] == BEGINS})
    ends = sorted({len(key) - 1 for key in keys if key[0] == ENDS})

    def probe(asked: Asked) -> Keys:
        if is_user and "user" in asked.unknown:
            return None
        name = get(asked)
        found = [EXACT + name]
        if starts:
            begins = BEGINS + name
            found += [begins[:length] for length in starts]
        return found + [ENDS + name[-length:] for length in ends] if ends else found

    return probe


def _any_host(asked: Asked) -> Keys:
    if "scope" in asked.unknown:
        return None
    return list(dict.fromkeys(key for rule in asked.scope.network for key in rule_keys(rule)))


def _all_hosts(asked: Asked) -> Keys:
    """A rule must hold all hosts that are declared, hence the first."""
    network = asked.scope.network
    return wide_keys(network[0]) if network and "scope" not in asked.unknown else None


_PLAIN: dict[str, Probe] = {
    "package": lambda asked: package_keys(asked.package_id),
    "publisher": lambda asked: (asked.publisher_id,),
    "origin": lambda asked: (asked.origin,),
    "level": lambda asked: (asked.security_level,),
    "any host": _any_host,
    "all hosts": _all_hosts,
}


_NAMES: dict[str, Callable[[Asked], str]] = {"tool": lambda asked: asked.tool, "agent": lambda asked: asked.agent.name, "user": lambda asked: asked.user}


def _value_probe(where: Dimension, table: Iterable[Hashable]) -> Callable[[Json], Keys]:
    if where.kind in THRESHOLDS:
        return _threshold_probe(sorted(key for key in table if isinstance(key, int)), is_least=where.kind == AT_LEAST)
    if where.kind == "value" and where.type != "text":
        return _of_type(where.type)
    of_text = _text_probe(where, table)
    return lambda found: of_text(found) if isinstance(found, str) else None


def _of_type(name: str) -> Callable[[Json], Keys]:
    """Attack: true is 1 to Python. A value of another type is unclear, and so finds all."""

    def probe(found: Json) -> Keys:
        if isinstance(found, bool) is not (name == "flag") or (found is None) is not (name == "null"):
            return None
        return (found,) if isinstance(found, int | float | None) else None

    return probe


def _threshold_probe(edges: list[int], *, is_least: bool) -> Callable[[Json], Keys]:
    def probe(found: Json) -> Keys:
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return edges[: bisect_right(edges, found)] if is_least else edges[bisect_left(edges, found) :]

    return probe


def _text_probe(where: Dimension, table: Iterable[Hashable]) -> Callable[[str], Keys]:
    if where.kind == "below":
        return _folders
    if where.kind == "host":
        return _hosts
    if where.kind == "value":
        return (lambda text: (fold(text),)) if where.folded else (lambda text: (nfkc(text),))
    keys = [key for key in table if isinstance(key, str)]
    return (
        _contained_probe(keys, folded=where.folded)
        if where.kind == "contains"
        else _edge_probe(keys, is_start=where.kind == "starts_with", folded=where.folded)
    )


def _edge_probe(keys: list[str], *, is_start: bool, folded: bool) -> Callable[[str], Keys]:
    """The beginnings of the text, or its ends, as long as the texts in the table."""
    lengths = sorted({len(key) for key in keys})

    def cut(text: str) -> list[str]:
        return [text[:length] if is_start else text[-length:] for length in lengths]

    def probe(text: str) -> Keys:
        if folded:
            return cut(fold(text))
        normal = nfkc(text)
        return cut(text) if normal == text else cut(text) + cut(normal)

    return probe


START = 4
"""Letters that are looked at to see whether a part can begin here."""


def _contained_probe(keys: list[str], *, folded: bool) -> Callable[[str], Keys]:
    """Those of the table that stand in the text, each once: found in one pass, whatever the number of keys."""
    known = frozenset(keys)
    by_start: dict[str, list[int]] = {}
    for length in sorted({len(key) for key in keys}):
        for start in {key[:START] for key in keys if len(key) == length}:
            by_start.setdefault(start, []).append(length)
    widths = sorted({len(start) for start in by_start})

    def parts(text: str) -> Iterator[str]:
        for width in widths:
            for at in range(len(text) - width + 1):
                for length in by_start.get(text[at : at + width], ()):
                    yield text[at : at + length]

    def probe(text: str) -> Keys:
        forms = searched(text, folded=folded)
        # A text that is too long is unclear.
        return None if forms is None else list(dict.fromkeys(part for form in forms for part in parts(form) if part in known))

    return probe


def _folders(text: str) -> Keys:
    if not canonical_path(text):
        return None
    folded = fold(text)
    return path_keys(text) if folded == text else path_keys(text) + path_keys(folded)


def _hosts(text: str) -> Keys:
    place = place_of(text)
    return None if place is None else place_keys(place.host)
