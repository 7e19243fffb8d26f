"""Rows of policies and of calls that are judged by them, and how they become documents. Spec: 3-policy.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from conformance.make.build import NOW, compact
from conformance.make.documents import Document, in_lines
from mpp.model.jsontext import Json

LIST, TOOL = "list", "send"

EMPTY: dict[str, Json] = {
    "network": [], "read": [], "write": [], "env": [], "secrets": [], "kv_max_bytes": 0, "devices": [], "tools": [TOOL, LIST], "until": None,
}  # fmt: skip
"""What a package declares that asks for nothing."""

GIVEN: dict[str, Json] = {
    "tenant": "local",
    "publisher_id": "ab" * 32,
    "publisher_name": "Example",
    "package_id": "com.example.mail",
    "version": "1.4.0",
    "content_hash": "cd" * 32,
    "bound": True,
    "tool": TOOL,
    "security_level": "low",
    "agent": {"name": "planner", "level": "launched", "key": "", "issuer": ""},
    "user": "ada",
    "origin": "model",
    "now": NOW,
    "risk": {"score": 3, "band": "low", "reasons": []},
    "consented": True,
    "scope": EMPTY,
    "internal_hosts": [],
    "arguments": {},
}
"""The call that rows change: harmless, of a package that is bound and asks for nothing."""

Rule = Mapping[str, Json]
ALL: Rule = {"id": "all", "effect": "allow"}
"""Allows everything: against it, a rule that asks or denies shows whether it matches."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call, by what is different in it, and what must be said of it."""

    change: Mapping[str, Json]
    effect: str
    rule: str
    layer: str = "user"
    limits: Mapping[str, Json] = field(default_factory=dict)
    scope: Mapping[str, Json] | None = None
    """What is left of the declared scope, where that is less."""

    def result(self) -> Json:
        """As an adapter must answer."""
        found: dict[str, Json] = {"effect": self.effect, "layer": self.layer, "rule": self.rule}
        if self.effect == "deny":
            return found
        left = self.scope if self.scope is not None else self._declared()
        return {**found, "limits": dict(self.limits), "scope": opened(left, str(self.change.get("tool", TOOL)))}

    def _declared(self) -> Mapping[str, Json]:
        found = self.change.get("scope", EMPTY)
        return found if isinstance(found, dict) else EMPTY


def opened(scope: Mapping[str, Json], tool: str) -> dict[str, Json]:
    """Of a scope, what it opens, for the one tool that is called."""
    tools = scope.get("tools")
    narrowed = {**scope, "tools": [one for one in tools if not tool or one == tool] if isinstance(tools, list) else []}
    return {key: item for key, item in narrowed.items() if item not in ([], 0, None)}


def allow(rule: str = "all", *, layer: str = "user", limits: Mapping[str, Json] | None = None, left: Mapping[str, Json] | None = None, **change: Json) -> Call:
    return Call(change=change, effect="allow", rule=rule, layer=layer, limits=limits or {}, scope=left)


def ask(rule: str = "ask", *, layer: str = "user", limits: Mapping[str, Json] | None = None, left: Mapping[str, Json] | None = None, **change: Json) -> Call:
    return Call(change=change, effect="ask", rule=rule, layer=layer, limits=limits or {}, scope=left)


def deny(rule: str = "deny", *, layer: str = "user", **change: Json) -> Call:
    return Call(change=change, effect="deny", rule=rule, layer=layer)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Policies of the layers, and calls."""

    name: str
    title: str
    clauses: str
    calls: tuple[Call, ...]
    layers: Mapping[str, tuple[Rule, ...]]
    more: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """Further keys of the document of a layer."""
    private_hosts: tuple[str, ...] = ()
    mappings: Mapping[str, str] = field(default_factory=dict)
    privacy: Mapping[str, Json] | None = None
    """What all tables for the filter say together; None where no layer has one."""


def one(name: str, title: str, clauses: str, rules: tuple[Rule, ...], *calls: Call, **more: Json) -> Row:
    """A row with the user layer alone."""
    return Row(name=name, title=title, clauses=clauses, calls=calls, layers={"user": rules}, more={"user": more})


def text(layer: str, rules: tuple[Rule, ...], more: Mapping[str, Json]) -> bytes:
    """A policy document in JSON, as a person may write it."""
    return in_lines(_policy(layer, rules, more))


def _policy(layer: str, rules: tuple[Rule, ...], more: Mapping[str, Json]) -> dict[str, Json]:
    listed: list[Json] = [dict(rule) for rule in rules]
    return {"mpp_policy": 1, "name": f"{layer}-rules", "rules": listed, **more}


ABSENT: Mapping[str, Json] = {
    "why": "", "description": "", "ignore_case": False, "optional": False, "approvers": 1,
    "require": True, "outgoing": "secrets", "outgoing_action": "block", "pseudonym_minutes": 60,
}  # fmt: skip
"""Keys that say with these values what their absence would."""


def digest(policies: Mapping[str, Mapping[str, Json]]) -> str:
    """Of the policies in force: each without keys that say nothing, always with its rules, ascending by id."""
    whole: dict[str, Json] = {}
    for layer, written in policies.items():
        rules = written.get("rules", [])
        in_order = sorted(rules, key=lambda rule: str(rule["id"]) if isinstance(rule, dict) else "") if isinstance(rules, list) else []
        whole[layer] = _telling({**written, "rules": in_order})
    return sha256(compact(whole)).hexdigest()


def _telling(item: Json) -> Json:
    if isinstance(item, list):
        return [_telling(one) for one in item]
    if isinstance(item, dict):
        return {key: _telling(one) for key, one in item.items() if not (key in ABSENT and one == ABSENT[key] and type(one) is type(ABSENT[key]))}
    return item


def document(row: Row, *, turned: bool = False) -> Document:
    """The vector of a row; with ``turned`` its rules stand in the other order, which means nothing."""
    texts = {layer: text(layer, rules[::-1] if turned else rules, row.more.get(layer, {})) for layer, rules in row.layers.items()}
    written = {layer: _policy(layer, rules, row.more.get(layer, {})) for layer, rules in row.layers.items()}
    judged = "user" if "user" in texts else next(iter(texts))
    calls: list[Json] = [dict(call.change) for call in row.calls]
    results: list[Json] = [call.result() for call in row.calls]
    context: dict[str, Json] = {"layer": judged, "layers": {layer: f"{layer}.json" for layer in texts if layer != judged}, "given": GIVEN, "calls": calls}
    filtered: dict[str, Json] = {} if row.privacy is None else {"privacy": dict(row.privacy)}
    return Document(
        kind="policy", name=f"{row.name}-turned" if turned else row.name, title=f"{row.title}; the rules in the other order" if turned else row.title, clauses=row.clauses,
        data=texts[judged], context=context, beside={f"{layer}.json": data for layer, data in texts.items() if layer != judged},
        result={"calls": results, "private_hosts": [*row.private_hosts], "mappings": dict(row.mappings), "digest": digest(written), **filtered},
    )  # fmt: skip


def documents_of(rows: tuple[Row, ...], *, turn: bool = False) -> Iterator[Document]:
    """The vectors of rows. With ``turn`` each row with several rules in a layer gives a second one."""
    for row in rows:
        yield document(row)
        if turn and any(len(rules) > 1 for rules in row.layers.values()):
            yield document(row, turned=True)


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """A condition, and calls of which it says yes, no, or that it is unclear."""

    name: str
    title: str
    clauses: str
    when: Rule
    yes: tuple[Mapping[str, Json], ...] = ()
    no: tuple[Mapping[str, Json], ...] = ()
    unclear: tuple[Mapping[str, Json], ...] = ()

    def rows(self) -> Iterator[Row]:
        """One row for each effect: in doubt a rule that asks or denies matches, and one that allows does not."""
        calls = [_said(change, "allow", "allow") for change in self.yes] + [_said(change, "deny", "default") for change in (*self.no, *self.unclear)]
        yield self._row("allow", "allows", ({"id": "allow", "effect": "allow", **self.when},), calls)
        for effect, word in (("ask", "asks"), ("deny", "denies")):
            calls = [_said(change, effect, effect) for change in (*self.yes, *self.unclear)] + [_said(change, "allow", "all") for change in self.no]
            yield self._row(effect, word, (ALL, {"id": effect, "effect": effect, **self.when}), calls)

    def _row(self, effect: str, word: str, rules: tuple[Rule, ...], calls: list[Call]) -> Row:
        return Row(name=f"{self.name}-{effect}", title=f"{self.title}, in a rule that {word}", clauses=self.clauses, calls=tuple(calls), layers={"user": rules})


def _said(change: Mapping[str, Json], effect: str, rule: str) -> Call:
    return Call(change=change, effect=effect, rule=rule)


def matched(matchers: tuple[Matcher, ...], *, effects: tuple[str, ...] = ("allow", "deny")) -> Iterator[Document]:
    """The vectors of conditions, for these effects."""
    for matcher in matchers:
        yield from (document(row) for row in matcher.rows() if row.name.rpartition("-")[2] in effects)
