"""Policies: rules for the privacy filter, by themselves and in several layers. Spec: 3-policy.md section 10."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from conformance.make.documents import Document
from conformance.make.policies import ALL, Row, allow, documents_of
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

Table = dict[str, Json]
CRM: Json = {"package": "com.example.crm", "types": ["email"]}
NUMBER: Json = {"id": "employee_number", "regex": "E-[0-9]{6}"}


def layers(name: str, title: str, clauses: str, together: Table, **tables: Table) -> Row:
    """Layers that allow all, with a table each."""
    first = next(layer for layer in ("fleet", "machine", "user") if layer in tables)
    return Row(name=f"privacy-{name}", title=title, clauses=clauses, calls=(allow(layer=first),), layers=dict.fromkeys(tables, (ALL,)), more={layer: {"privacy": table} if table != {"absent": True} else {} for layer, table in tables.items()}, privacy={"actions": [], **together})


ABSENT: Table = {"absent": True}
"""A layer without a table."""

ROWS: tuple[Row, ...] = (
    layers("empty", "An empty table", "P-90 P-98", {}, user={}),
    layers("defaults", "Keys that say what their absence would", "P-9 P-90", {}, user={"require": True, "outgoing": "secrets", "outgoing_action": "block", "pseudonym_minutes": 60}),
    layers(
        "all", "Every key", "P-90 P-98",
        {
            "actions": [{"default": "redact", "api_key": "block", "credit_card": "partial", "iban": {"action": "partial", "keep": 2}}], "off": ["mac_address", "postal_code"], "on": ["vin"],
            "allow": [{"cidr": "10.0.0.0/8"}, {"domain": "*.example.com"}, {"type": "email", "value": "support@example.com"}], "exempt": [{"package": "com.example.crm", "pointer": "/contacts/*/email", "publisher": "ab" * 32, "tool": "find", "types": ["email", "phone"]}],
            "accept_disabled": ["com.example.a", "com.example.b"], "patterns": [NUMBER], "reveal": [{"package": "com.example.crm", "pointer": "/to", "tool": "send", "types": ["email"]}], "require": False, "outgoing": "all", "outgoing_action": "redact", "pseudonym_minutes": 5,
        },
        user={
            "actions": {"default": "redact", "api_key": "block", "credit_card": "partial", "iban": {"action": "partial", "keep": 2}}, "off": ["postal_code", "mac_address"], "on": ["vin"],
            "allow": [{"type": "email", "value": "support@example.com"}, {"domain": "*.example.com"}, {"cidr": "10.0.0.0/8"}], "exempt": [{"publisher": "ab" * 32, "package": "com.example.crm", "tool": "find", "pointer": "/contacts/*/email", "types": ["phone", "email"]}],
            "accept_disabled": ["com.example.b", "com.example.a"], "patterns": [NUMBER], "reveal": [{"package": "com.example.crm", "tool": "send", "pointer": "/to", "types": ["email"]}], "require": False, "outgoing": "all", "outgoing_action": "redact", "pseudonym_minutes": 5,
        },
    ),
    layers("no-say", "A layer without a table has no say", "P-93", {"off": ["email"], "exempt": [CRM]}, fleet=ABSENT, machine={"off": ["email"], "exempt": [CRM]}, user=ABSENT),
    layers("nothing-granted", "A layer with an empty table grants nothing", "P-90 P-93", {}, fleet={}, user={"off": ["email"], "exempt": [CRM], "allow": [{"value": "a@example.com"}], "accept_disabled": ["com.example.crm"], "reveal": [CRM]}),
    layers("off", "Types that all layers turn off", "P-93", {"off": ["email", "iban"]}, fleet={"off": ["iban", "phone", "email"]}, user={"off": ["email", "iban", "ssn"]}),
    layers("off-groups", "A group and a type of it are compared letter by letter", "P-93", {}, fleet={"off": ["api_key"]}, user={"off": ["github_token"]}),
    layers("on", "On goes before off", "P-94", {"on": ["email"]}, fleet={"off": ["email"]}, machine={"on": ["email"]}, user={"off": ["email"]}),
    layers("actions", "The actions of two layers", "P-92 P-98", {"actions": [{"api_key": "block"}, {"default": "redact", "github_token": "surrogate"}]}, fleet={"actions": {"default": "redact", "github_token": "surrogate"}}, user={"actions": {"api_key": "block"}}),
    layers("actions-equal", "The same actions in two layers", "P-92 P-98", {"actions": [{"email": "block"}]}, fleet={"actions": {"email": "block"}}, user={"actions": {"email": "block"}}),
    layers("exempt-narrower", "The narrower of two exemptions is left", "P-93", {"exempt": [{"package": "com.example.crm", "publisher": "ab" * 32, "tool": "find", "pointer": "/contacts/0/email", "types": ["email"]}]}, fleet={"exempt": [{"package": "com.example.*", "pointer": "/contacts/*", "types": ["phone", "email"]}]}, user={"exempt": [{"package": "com.example.crm", "publisher": "ab" * 32, "tool": "find", "pointer": "/*/0/email", "types": ["email", "ssn"]}]}),
    layers("exempt-apart", "Exemptions that share nothing", "P-93", {}, fleet={"exempt": [{**_, "types": ["email"]} for _ in ({"package": "com.example.*"}, {"package": "org.other.crm", "tool": "find"}, {"package": "org.other.mail", "pointer": "/a"})]}, user={"exempt": [{"package": "com.examplefoo", "types": ["email"]}, {"package": "org.other.crm", "tool": "get", "types": ["email"]}, {"package": "org.other.mail", "pointer": "/b", "types": ["email"]}, {"package": "com.example.crm", "types": ["phone"]}]}),
    layers("allow-narrower", "The narrower of two entries for allowed values is left", "P-93 P-96", {"allow": [{"cidr": "10.1.0.0/16", "type": "ip_address"}, {"domain": "*.mail.example.com"}, {"type": "email", "value": "support@example.com"}]}, fleet={"allow": [{"domain": "example.com"}, {"domain": "*.example.com"}, {"cidr": "10.0.0.0/8"}]}, user={"allow": [{"type": "email", "value": "support@example.com"}, {"domain": "*.mail.example.com"}, {"cidr": "10.1.0.0/16", "type": "ip_address"}, {"cidr": "192.168.0.0/16"}, {"value": "ada@example.org"}]}),
    layers("allow-apart", "Values that only one layer allows", "P-93 P-96", {}, fleet={"allow": [{"domain": "*.example.com"}, {"type": "phone", "value": "112"}, {"domain": "evil.net"}]}, user={"allow": [{"value": "ada@badexample.com"}, {"type": "ssn", "value": "112"}, {"value": "https://evil.net@example.org/"}, {"domain": "example.com"}]}),
    layers("reveal", "Pseudonyms that all layers turn back", "P-93", {"reveal": [{"package": "com.example.crm", "pointer": "/to", "tool": "send", "types": ["email"]}]}, fleet={"reveal": [{"package": "com.example.crm", "types": ["email", "phone"]}]}, user={"reveal": [{"package": "com.example.crm", "tool": "send", "pointer": "/to", "types": ["email"]}, {"package": "com.example.mail", "types": ["email"]}]}),
    layers("patterns", "Patterns of all layers, one of them in both", "P-94", {"patterns": [{"description": "of the fleet", "id": "employee_number", "regex": "E-[0-9]{6}"}, {"id": "room", "regex": "R[0-9]{3}"}]}, fleet={"patterns": [{"id": "employee_number", "regex": "E-[0-9]{6}", "description": "of the fleet"}]}, user={"patterns": [NUMBER, {"id": "room", "regex": "R[0-9]{3}"}]}),
    layers("strictest", "The strictest of each setting", "P-94", {"require": False, "outgoing": "all", "pseudonym_minutes": 10}, fleet={"require": False, "outgoing": "none", "outgoing_action": "redact", "pseudonym_minutes": 10}, user={"require": False, "outgoing": "all", "pseudonym_minutes": 20}),
    layers("require", "One layer that demands a filter", "P-94", {}, fleet={"require": False}, user={}),
)

# Tables with one defect: name, title, clauses, code, the table.
BAD: tuple[tuple[str, str, str, str, Json], ...] = (
    ("list", "A list instead of a table", "P-90", "type", []),
    ("key", "A key that nobody knows", "P-4 P-90", "unknown_key", {"excempt": []}),
    ("action", "An action that is none", "P-90", "choice", {"actions": {"email": "mask"}}),
    ("action-none", "No action as an action", "P-90", "choice", {"actions": {"email": "none"}}),
    ("action-number", "A number as an action", "P-90", "type", {"actions": {"email": 1}}),
    ("action-keep", "Characters that stay, of a value that is redacted", "P-90", "choice", {"actions": {"email": {"action": "redact", "keep": 4}}}),
    ("action-keep-all", "Nine characters that stay", "P-90", "range", {"actions": {"email": {"action": "partial", "keep": 9}}}),
    ("action-type", "Actions for a type in upper case", "P-90", "form", {"actions": {"EMAIL": "redact"}}),
    ("off-default", "All types turned off by one word", "P-90", "form", {"off": ["default"]}),
    ("off-star", "A star as type", "P-90", "form", {"off": ["*"]}),
    ("off-and-on", "A type that is off and on", "P-90", "duplicate", {"off": ["email"], "on": ["email"]}),
    ("allow-nothing", "An allowed value without a value", "P-90", "missing", {"allow": [{"type": "email"}]}),
    ("allow-two", "A value and a domain in one entry", "P-90", "missing", {"allow": [{"value": "a@example.com", "domain": "example.com"}]}),
    ("allow-any-domain", "Any domain", "P-90", "host", {"allow": [{"domain": "*"}]}),
    ("allow-domain-port", "A domain with a port", "P-90", "host", {"allow": [{"domain": "example.com:443"}]}),
    ("allow-domain-top", "All names below a top-level domain", "P-23 P-90", "host", {"allow": [{"domain": "*.com"}]}),
    ("allow-range", "A range with something behind its prefix", "P-90", "form", {"allow": [{"cidr": "10.0.0.1/8"}]}),
    ("allow-range-long", "A range in another spelling", "P-90", "form", {"allow": [{"cidr": "fd00:0:0::/48"}]}),
    ("allow-range-all", "All addresses", "P-90", "range", {"allow": [{"cidr": "0.0.0.0/0"}]}),
    ("allow-range-type", "A range of addresses for mail", "P-90", "choice", {"allow": [{"cidr": "10.0.0.0/8", "type": "email"}]}),
    ("exempt-everybody", "An exemption for everybody", "P-90", "missing", {"exempt": [{"types": ["email"]}]}),
    ("exempt-any", "An exemption for any package", "P-90", "missing", {"exempt": [{"package": "*", "types": ["email"]}]}),
    ("exempt-types", "An exemption for all types", "P-90", "missing", {"exempt": [{"package": "com.example.crm"}]}),
    ("exempt-types-empty", "An exemption for no type", "P-90", "length", {"exempt": [{"package": "com.example.crm", "types": []}]}),
    ("exempt-package", "A star that is glued to a part of a package id", "P-21 P-90", "pattern", {"exempt": [{"package": "com.example*", "types": ["email"]}]}),
    ("exempt-pointer", "A pointer without its first slash", "P-90", "form", {"exempt": [{"package": "com.example.crm", "pointer": "contacts", "types": ["email"]}]}),
    ("exempt-tool", "A pattern of tools", "P-90 P-91", "form", {"exempt": [{"package": "com.example.crm", "tool": "get_*", "types": ["email"]}]}),
    ("disabled-below", "All packages below a prefix may turn the filter off", "P-90", "form", {"accept_disabled": ["com.example.*"]}),
    ("pattern-lookaround", "A pattern that is not portable", "M-83 P-90", "regex", {"patterns": [{"id": "a", "regex": "(?=a)b"}]}),
    ("pattern-nothing", "A pattern that matches the empty text", "M-83 P-90", "regex", {"patterns": [{"id": "a", "regex": "a*"}]}),
    ("pattern-twice", "Two patterns of one id", "P-90", "duplicate", {"patterns": [{"id": "a", "regex": "a"}, {"id": "a", "regex": "b"}]}),
    ("pattern-group", "A pattern with the name of a group", "P-90", "form", {"patterns": [{"id": "api_key", "regex": "a"}]}),
    ("reveal-everybody", "Pseudonyms that are turned back for everybody", "P-90", "missing", {"reveal": [{"types": ["email"]}]}),
    ("require", "A text instead of true", "P-90", "type", {"require": "yes"}),
    ("outgoing", "Something else that is searched", "P-90", "choice", {"outgoing": "some"}),
    ("outgoing-action", "Pseudonyms in what leaves", "P-90", "choice", {"outgoing_action": "pseudonym"}),
    ("minutes", "Pseudonyms for more than an hour", "P-90", "range", {"pseudonym_minutes": 61}),
)


def documents() -> Iterator[Document]:
    """Sound tables, alone and together; and such as are refused."""
    yield from documents_of(ROWS)
    for name, title, clauses, code, table in BAD:
        yield Document(kind="policy", name=f"bad-privacy-{name}", title=title, clauses=clauses, code=f"policy.{code}", data=_text(table), context="policy")
    fleet: dict[str, Json] = {"layer": "user", "layers": {"fleet": "fleet.json"}, "given": {}, "calls": []}
    other = {"fleet.json": _text({"patterns": [{"id": "employee_number", "regex": "E-[0-9]{5}"}]})}
    yield Document(kind="policy", name="bad-privacy-pattern-other", title="A pattern with the id of the fleet's and another regular expression", clauses="P-94", code="policy.privacy_pattern", data=_text({"patterns": [NUMBER]}), context=fleet, beside=other)


def _text(table: Json) -> bytes:
    rules: list[Mapping[str, Json]] = [ALL]
    return json.dumps({"mpp_policy": 1, "name": "user-rules", "rules": rules, "privacy": table}, indent=2).encode("ascii")
