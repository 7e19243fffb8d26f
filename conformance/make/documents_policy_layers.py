"""Policies: what a package declares, effects, layers and limits. Spec: 3-policy.md sections 3 to 5."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.make.build import NOW
from conformance.make.documents import Document
from conformance.make.policies import ALL, EMPTY, Call, Matcher, Row, Rule, allow, ask, deny, document, documents_of, one
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

Scope = dict[str, Json]


def rule(host: str, *ports: int) -> Json:
    """A declared rule of the network."""
    return {"host": host, "schemes": ["https"], "ports": [*(ports or (443,))], "methods": [], "paths": []}


def hosts(*rules: Json) -> Scope:
    return {**EMPTY, "network": [*rules]}


def reads(*paths: str) -> Scope:
    return {**EMPTY, "read": [*paths]}


def writes(*paths: str) -> Scope:
    return {**EMPTY, "write": [*paths]}


def secret(name: str, host: str = "api.example.com") -> Json:
    return {"name": name, "host": host, "header": "Authorization", "format": "{secret}"}


def device(path: str) -> Json:
    return {"device": "serial-port", "path": path, "mode": "rw"}


def declared(*scopes: Scope) -> tuple[dict[str, Json], ...]:
    """Calls of packages that declare this."""
    return tuple({"scope": scope} for scope in scopes)


def within(**lists: Json) -> Rule:
    return {"capabilities": {**lists}}


API, CDN = rule("api.example.com"), rule("*.cdn.example.com")
UNKNOWN: tuple[dict[str, Json], ...] = ({"unknown": ["scope"]},)

# A rule that allows wants everything that is declared to lie within its lists.
WITHIN: tuple[Matcher, ...] = (
    Matcher(name="within-hosts", title="All declared hosts below one domain", clauses="P-37", when=within(hosts=["*.example.com"]), yes=declared(EMPTY, hosts(API), hosts(CDN), hosts(API, CDN), hosts(rule("*.example.com"))), no=declared(hosts(rule("example.com")), hosts(rule("badexample.com")), hosts(rule("example.com.evil.net")), hosts(API, rule("evil.net")), hosts(rule("*.example.org"))), unclear=UNKNOWN),
    Matcher(name="within-host", title="All declared hosts are one host", clauses="P-37", when=within(hosts=["api.example.com"]), yes=declared(hosts(API)), no=declared(hosts(rule("*.example.com")), hosts(rule("a.api.example.com")), hosts(API, CDN))),
    Matcher(name="within-port", title="A pattern without a port allows 443 alone", clauses="P-24 P-37", when=within(hosts=["api.example.com"]), yes=declared(hosts(API)), no=declared(hosts(rule("api.example.com", 8443)), hosts(rule("api.example.com", 443, 8443)))),
    Matcher(name="within-named-port", title="A pattern with a port allows that one", clauses="P-24 P-37", when=within(hosts=["api.example.com:8443", "api.example.com:443"]), yes=declared(hosts(rule("api.example.com", 443, 8443)), hosts(rule("api.example.com", 8443))), no=declared(hosts(rule("api.example.com", 443, 9443)))),
    Matcher(name="within-any-host", title="Any host at any port", clauses="P-24 P-37", when=within(hosts=["*"]), yes=declared(EMPTY, hosts(rule("evil.net", 9999)), hosts(CDN)), unclear=UNKNOWN),
    Matcher(name="within-read", title="Everything that may be read lies in one folder", clauses="P-37", when=within(read=["/data"]), yes=declared(EMPTY, reads("/data"), reads("/data/in", "/data/b/c"), writes("/data/out")), no=declared(reads("/database"), reads("/"), reads("/Data/in"), reads("/data/in", "/etc"), reads("${workspace}"), writes("/etc/x")), unclear=UNKNOWN),
    Matcher(name="within-read-and-write", title="What may be written is what may be read", clauses="P-37", when=within(read=["/data"], write=["/out"]), yes=declared(reads("/data/in"), writes("/out/a"), reads("/out/a")), no=declared(writes("/data/in"), reads("/etc"))),
    Matcher(name="within-write", title="Everything that may be written lies in one folder; reading is not spoken of", clauses="P-7 P-37", when=within(write=["/data"]), yes=declared(EMPTY, writes("/data/out"), reads("/etc")), no=declared(writes("/etc/x"), writes("/database"), writes("/"))),
    Matcher(name="within-workspace", title="A folder of the workspace", clauses="P-37", when=within(read=["${workspace}/in"]), yes=declared(reads("${workspace}/in"), reads("${workspace}/in/a")), no=declared(reads("${workspace}"), reads("${workspace}/input"), reads("/in"))),
    Matcher(name="within-workspace-whole", title="The whole workspace", clauses="P-37", when=within(read=["${workspace}"]), yes=declared(reads("${workspace}"), reads("${workspace}/in")), no=declared(reads("/workspace"), reads("/data"))),
    Matcher(name="within-deep", title="A folder of 64 parts", clauses="P-25 P-37", when=within(read=["/a" * 64]), yes=declared(reads("/a" * 64), reads("/a" * 65)), no=declared(reads("/a" * 63))),
    Matcher(name="within-root", title="All absolute paths", clauses="P-37", when=within(read=["/"]), yes=declared(reads("/"), reads("/etc")), no=declared(reads("${workspace}"))),
    Matcher(name="within-env", title="Variables of these names", clauses="P-20 P-37", when=within(env=["REGION", "API_*"]), yes=declared(EMPTY, {**EMPTY, "env": ["REGION", "API_KEY"]}), no=declared({**EMPTY, "env": ["REGION", "TOKEN"]}, {**EMPTY, "env": ["REGION2"]}, {**EMPTY, "env": ["MYAPI_KEY"]})),
    Matcher(name="within-secrets", title="Secrets of these names", clauses="P-37", when=within(secrets=["CRM_*"]), yes=declared({**EMPTY, "secrets": [secret("CRM_TOKEN")]}), no=declared({**EMPTY, "secrets": [secret("CRM_TOKEN"), secret("BANK", "bank.example.com")]}, {**EMPTY, "secrets": [secret("crm_token")]})),
    Matcher(name="within-devices", title="Devices of these paths", clauses="P-37", when=within(devices=["/dev/ttyUSB*"]), yes=declared({**EMPTY, "devices": [device("/dev/ttyUSB0")]}), no=declared({**EMPTY, "devices": [device("/dev/ttyACM0")]}, {**EMPTY, "devices": [device("/dev/ttyUSB0"), device("/dev/video0")]})),
    Matcher(name="within-no-state", title="No stored state", clauses="P-37", when=within(kv=False), yes=declared(EMPTY), no=declared({**EMPTY, "kv_max_bytes": 1}), unclear=UNKNOWN),
    Matcher(name="within-state", title="Stored state or none", clauses="P-37", when=within(kv=True), yes=declared(EMPTY, {**EMPTY, "kv_max_bytes": 1000})),
    Matcher(name="within-empty", title="Empty lists: nothing of the kind may be declared", clauses="P-7 P-37", when=within(hosts=[], read=[]), yes=declared(EMPTY, {**EMPTY, "env": ["REGION"]}), no=declared(hosts(API), reads("/data"), writes("/data")), unclear=UNKNOWN),
    Matcher(name="within-kinds", title="Several kinds, which must all lie within", clauses="P-30 P-37", when=within(hosts=["api.example.com"], env=["REGION"]), yes=declared({**EMPTY, "network": [API], "env": ["REGION"]}, hosts(API), EMPTY), no=declared({**EMPTY, "network": [API], "env": ["OTHER"]}, {**EMPTY, "network": [CDN], "env": ["REGION"]})),
)

# A rule that asks or denies matches where anything declared reaches into its lists.
REACHED: tuple[Matcher, ...] = (
    Matcher(name="reached-hosts", title="Any declared host reaches below one domain", clauses="P-37 P-38", when=within(hosts=["*.example.com"]), yes=declared(hosts(API), hosts(CDN), hosts(rule("evil.net"), API), hosts(rule("*.example.com")), hosts(rule("api.example.com", 8443))), no=declared(EMPTY, hosts(rule("example.com")), hosts(rule("badexample.com")), hosts(rule("example.com.evil.net"))), unclear=UNKNOWN),
    Matcher(name="reached-by-wildcard", title="A declared wildcard reaches one host", clauses="P-37 P-38", when=within(hosts=["api.example.com"]), yes=declared(hosts(rule("*.example.com")), hosts(API)), no=declared(hosts(CDN), hosts(rule("*.api.example.com")), hosts(rule("*.example.org")))),
    Matcher(name="reached-port", title="A pattern with a port is reached at that port alone", clauses="P-24 P-37 P-38", when=within(hosts=["api.example.com:8443"]), yes=declared(hosts(rule("api.example.com", 443, 8443))), no=declared(hosts(API))),
    Matcher(name="reached-any-host", title="Any host at all", clauses="P-37 P-38", when=within(hosts=["*"]), yes=declared(hosts(rule("evil.net", 9999)), hosts(CDN)), no=declared(EMPTY, reads("/data")), unclear=UNKNOWN),
    Matcher(name="reached-read", title="Anything that may be read lies in a folder, or above it", clauses="P-37 P-38", when=within(read=["/data/private"]), yes=declared(reads("/data/private/a"), reads("/data"), reads("/"), reads("/Data/Private"), reads("/data/\uff50rivate"), writes("/data"), writes("/data/private")), no=declared(EMPTY, reads("/data/public"), reads("/data/privateer"), reads("/database"), reads("${workspace}"))),
    Matcher(name="reached-write", title="Anything that may be written lies in a folder, or above it", clauses="P-37 P-38", when=within(write=["/data"]), yes=declared(writes("/data/out"), writes("/"), writes("/DATA")), no=declared(reads("/data"), writes("/database"))),
    Matcher(name="reached-env", title="Any variable of these names", clauses="P-20 P-37 P-38", when=within(env=["*_KEY"]), yes=declared({**EMPTY, "env": ["REGION", "API_KEY"]}), no=declared({**EMPTY, "env": ["KEY_API"]}, EMPTY)),
    Matcher(name="reached-secrets", title="Any secret of these names", clauses="P-37 P-38", when=within(secrets=["BANK_*"]), yes=declared({**EMPTY, "secrets": [secret("BANK_TOKEN")]}), no=declared({**EMPTY, "secrets": [secret("CRM_TOKEN")]}, EMPTY)),
    Matcher(name="reached-devices", title="Any device", clauses="P-37 P-38", when=within(devices=["*"]), yes=declared({**EMPTY, "devices": [device("/dev/video0")]}), no=declared(EMPTY)),
    Matcher(name="reached-state", title="Any stored state", clauses="P-37 P-38", when=within(kv=True), yes=declared({**EMPTY, "kv_max_bytes": 1}), no=declared(EMPTY), unclear=UNKNOWN),
    Matcher(name="reached-empty", title="Empty lists: nothing reaches into them", clauses="P-7 P-37 P-38", when=within(hosts=[], read=[]), no=declared(EMPTY, hosts(API), reads("/data"))),
    Matcher(name="reached-kinds", title="Several kinds, of which one is enough", clauses="P-37 P-38", when=within(hosts=["*.example.com"], env=["SECRET_*"], kv=True), yes=declared(hosts(API), {**EMPTY, "env": ["SECRET_A"]}, {**EMPTY, "kv_max_bytes": 1}), no=declared(EMPTY, {**EMPTY, "env": ["REGION"]}, hosts(rule("example.org")))),
)


def _rule(effect: str, **more: Json) -> Rule:
    return {"id": effect, "effect": effect, **more}


ALLOW, ASK, DENY = _rule("allow"), _rule("ask"), _rule("deny")
ON_SEND: Json = ["send"]
EVE: Json = {"to": "eve"}


def _about(effect: str, name: str = "") -> Rule:
    """A rule on one value of an argument."""
    return {"id": name or effect, "effect": effect, "arguments": [{"pointer": "/to", "op": "equals", "value": "eve"}]}



ORDER: tuple[Row, ...] = (
    one("effects-all", "Deny before ask before allow", "P-50 P-51", (ALLOW, ASK, DENY), deny()),
    one("effects-ask", "Ask before allow", "P-50 P-51", (ALLOW, ASK), ask()),
    one("effects-allow", "Allow before what holds where no rule does", "P-50", (ALLOW,), allow("allow")),
    one("effects-deny-alone", "A rule that denies, alone", "P-50", (DENY,), deny()),
    one("effects-no-rule", "A policy without rules", "P-50", (), deny("default")),
    one("effects-none-matches", "No rule matches", "P-50", (_rule("allow", tools=["list"]), _rule("ask", tools=["list"])), deny("default"), ask(tool="list")),
    one("effects-narrow-allow", "A narrow rule that allows does not open what a wide one denies", "P-50 P-51", (_rule("deny", packages=["com.example.*"]), _rule("allow", packages=["com.example.mail"], tools=ON_SEND)), deny(), deny("default", package_id="org.other.x")),
    one("effects-each", "Each effect for another tool", "P-50 P-51", (_rule("allow", tools=["a", "b", "c"]), _rule("ask", tools=["b", "c"]), _rule("deny", tools=["c"])), allow("allow", tool="a"), ask(tool="b"), deny(tool="c"), deny("default", tool="d")),
    one("effects-doubt-denies", "In doubt a rule that denies matches, and one that allows beside it too", "P-30", (ALL, _rule("deny", arguments=[{"pointer": "/to", "op": "equals", "value": "eve"}])), deny(), deny(arguments={"to": 1}), allow(arguments={"to": "ada"})),
    one("doubt-no-lift", "A question in doubt does not lift what holds where no rule matches", "P-31", (_about("allow"), _about("ask")), deny("default"), ask(arguments=EVE), deny("default", arguments={"to": "ada"}), deny("default", arguments={"to": 7})),
    one("doubt-alone", "A question in doubt, alone", "P-31", (_about("ask"),), deny("default"), ask(arguments=EVE)),
    one("doubt-over-allow", "A question in doubt where a rule allows", "P-31", (ALL, _about("ask")), ask(), ask(arguments=EVE), allow(arguments={"to": "ada"})),
    one("doubt-beside-ask", "A question in doubt beside one without doubt: of both the lowest id is told", "P-31 P-51", (_about("ask", "a"), {"id": "b", "effect": "ask"}), ask("a"), ask("b", arguments={"to": "ada"})),
    one("doubt-over-deny", "A question in doubt does not lift a rule that denies", "P-50", (ALL, DENY, _about("ask")), deny()),
    one("doubt-named", "Of two questions in doubt the lowest id is told", "P-31 P-51", (ALL, _about("ask", "c"), _about("ask", "b")), ask("b")),
)

BEFORE: tuple[Row, ...] = (
    one("before-call", "Before any call, rules on calls take no part", "P-32", (ALL, _rule("deny", tools=ON_SEND), {"id": "on-agent", "effect": "deny", "agents": ["*"]}, {"id": "on-user", "effect": "deny", "users": ["*"]}, {"id": "on-origin", "effect": "deny", "origins": ["model"]}, {"id": "on-time", "effect": "deny", "when": {"not_before": "2020-01-01"}}, {"id": "on-arguments", "effect": "deny", "arguments": [{"pointer": "/a", "op": "absent"}]}, {"id": "on-level", "effect": "deny", "agent_below": "signed"}), allow(tool="", arguments=None)),
    one("before-call-package", "Before any call, rules on the package alone take part", "P-32", (ALL, _rule("ask", risk={"least": 25}), _rule("deny", packages=["com.example.*"], bound=False)), allow(tool="", arguments=None), deny(tool="", arguments=None, bound=False), ask(tool="", arguments=None, risk={"score": 25, "band": "medium", "reasons": []})),
    one("before-call-allowed-by-tool", "Before any call, a rule that allows one tool allows nothing", "P-32 P-50", (_rule("allow", tools=ON_SEND),), deny("default", tool="", arguments=None), allow("allow")),
)


def layers(name: str, title: str, clauses: str, call: Call, **rules: tuple[Rule, ...]) -> Row:
    return Row(name=name, title=title, clauses=clauses, calls=(call,), layers=rules)


LAYERS: tuple[Row, ...] = (
    layers("layers-user-denies", "The fleet allows, the user denies", "P-52", deny(), fleet=(ALLOW,), user=(DENY,)),
    layers("layers-fleet-denies", "The fleet denies, the user allows", "P-52", deny(layer="fleet"), fleet=(DENY,), user=(ALLOW,)),
    layers("layers-machine-asks", "The machine asks, fleet and user allow", "P-52", ask(layer="machine"), fleet=(ALLOW,), machine=(ASK,), user=(ALLOW,)),
    layers("layers-ask-deny", "The fleet asks, the user denies", "P-52", deny(), fleet=(ASK,), user=(DENY,)),
    layers("layers-all-allow", "All three allow", "P-52", allow("allow", layer="fleet"), fleet=(ALLOW,), machine=(ALLOW,), user=(ALLOW,)),
    layers("layers-silent-fleet", "The fleet has a rule for another tool only, and so denies", "P-50 P-52", deny("default", layer="fleet"), fleet=(_rule("allow", tools=["list"]),), user=(ALLOW,)),
    layers("layers-empty-machine", "The machine has a policy without rules", "P-50 P-52", deny("default", layer="machine"), machine=(), user=(ALLOW,)),
    layers("layers-fleet-alone", "The fleet alone; layers that are not there say nothing", "P-52", allow("allow", layer="fleet"), fleet=(ALLOW,)),
    layers("layers-machine-alone", "The machine alone", "P-52", ask(layer="machine"), machine=(ALLOW, ASK)),
    layers("layers-doubt", "What another layer allows does not lift a question in doubt", "P-31 P-52", deny("default"), fleet=(ALLOW,), user=(_about("ask"),)),
    layers("layers-apart", "Rules of one layer do not complete those of another", "P-52", deny("default", layer="fleet"), fleet=(_rule("ask", tools=["list"]),), user=(ALLOW, ASK)),
)

WIDE: Scope = {
    "network": [rule("*.example.com", 443, 8443), rule("db.example.org", 5432)], "read": ["/data", "/etc/app"], "write": ["/data/out", "${workspace}"], "env": ["REGION", "STAGE", "API_KEY"],
    "secrets": [secret("CRM_TOKEN"), secret("DB_TOKEN", "db.example.org:5432")], "kv_max_bytes": 1000, "devices": [device("/dev/ttyUSB0"), device("/dev/video0")], "tools": ["send", "list"], "until": None,
}


def limited(effect: str = "allow", name: str = "", **limits: Json) -> Rule:
    return {"id": name or effect, "effect": effect, "limits": limits}


def left(**kinds: Json) -> Scope:
    """What is left of the wide scope."""
    return {**WIDE, **kinds}


def narrowed(name: str, title: str, kinds: Scope, **limits: Json) -> Row:
    """A rule that allows, with one limit on a wide scope."""
    rule_: Rule = {"id": "allow", "effect": "allow", "limits": limits}
    return one(f"limits-{name}", title, "P-54 P-56", (rule_,), allow("allow", scope=WIDE, left=left(**kinds)))


NARROWED: tuple[Row, ...] = (
    narrowed("hosts", "One host of a declared wildcard is left, at 443", {"network": [rule("api.example.com")], "secrets": [secret("CRM_TOKEN")]}, hosts=["api.example.com"]),
    narrowed("hosts-port", "One host at the other declared port", {"network": [rule("api.example.com", 8443)], "secrets": []}, hosts=["api.example.com:8443"]),
    narrowed("hosts-port-undeclared", "A port that was not declared", {"network": [], "secrets": []}, hosts=["api.example.com:9443"]),
    narrowed("hosts-wildcard", "A wildcard below the declared one", {"network": [rule("*.eu.example.com")], "secrets": []}, hosts=["*.eu.example.com"]),
    narrowed("hosts-same", "The declared wildcard itself, at 443", {"network": [rule("*.example.com")], "secrets": [secret("CRM_TOKEN")]}, hosts=["*.example.com"]),
    narrowed("hosts-any", "Any host leaves all as it was declared", {}, hosts=["*"]),
    narrowed("hosts-none", "An empty list leaves no host, and no secret for one", {"network": [], "secrets": []}, hosts=[]),
    narrowed("hosts-two", "Two hosts are left", {"network": [rule("api.example.com"), rule("db.example.org", 5432)]}, hosts=["api.example.com", "db.example.org:5432"]),
    narrowed("read", "One folder is left for reading, and for writing", {"read": ["/data/in"], "write": []}, read=["/data/in"]),
    narrowed("read-above", "A folder above the declared one leaves the declared one", {"read": ["/etc/app"], "write": []}, read=["/etc"]),
    narrowed("read-case", "The folder in upper case leaves nothing", {"read": [], "write": []}, read=["/Data"]),
    narrowed("read-and-write", "A folder that may be written may be read", {"read": ["/data/out", "/etc/app"], "write": ["/data/out"]}, read=["/etc/app"], write=["/data/out"]),
    narrowed("read-alike", "A folder that begins alike leaves nothing", {"read": [], "write": []}, read=["/database", "/dat"]),
    narrowed("read-none", "An empty list leaves nothing to read or write", {"read": [], "write": []}, read=[]),
    narrowed("write", "One folder is left for writing", {"write": ["/data/out/today"]}, write=["/data/out/today"]),
    narrowed("write-none", "An empty list leaves nothing to write", {"write": []}, write=[]),
    narrowed("write-workspace", "A folder of the workspace", {"write": ["${workspace}/out"]}, write=["${workspace}/out"]),
    narrowed("env", "Variables of some names", {"env": ["REGION", "API_KEY"]}, env=["REGION", "API_*"]),
    narrowed("env-none", "No variable", {"env": []}, env=[]),
    narrowed("secrets", "Secrets of one name", {"secrets": [secret("CRM_TOKEN")]}, secrets=["CRM_*"]),
    narrowed("devices", "Devices of some paths", {"devices": [device("/dev/ttyUSB0")]}, devices=["/dev/tty*"]),
    narrowed("kv", "Less storage", {"kv_max_bytes": 500}, kv_max_bytes=500),
    narrowed("kv-more", "More storage than was declared changes nothing", {}, kv_max_bytes=5000),
    narrowed("kv-none", "No storage", {"kv_max_bytes": 0}, kv_max_bytes=0),
    narrowed("kinds", "Several kinds at once", {"network": [rule("api.example.com")], "secrets": [secret("CRM_TOKEN")], "env": ["STAGE"], "devices": [], "kv_max_bytes": 0}, hosts=["api.example.com"], env=["STAGE"], devices=[], kv_max_bytes=0),
)

NUMBERS: tuple[Row, ...] = (
    one("limits-numbers", "The smaller number of all that match holds", "P-54", (limited(name="a", timeout_ms=5000, calls_per_minute=60), limited(name="b", timeout_ms=2000, calls_per_minute=90), limited(name="c", calls_per_minute=30, timeout_ms=9000)), allow("a", limits={"timeout_ms": 2000, "calls_per_minute": 30})),
    one("limits-ask", "Limits of rules that ask and that allow", "P-54", (limited(timeout_ms=5000), limited("ask", timeout_ms=3000, answer_seconds=60), limited("allow", "more", calls_per_minute=5)), ask(limits={"timeout_ms": 3000, "answer_seconds": 60, "calls_per_minute": 5})),
    one("limits-not-matching", "Limits of a rule that matches for one tool only", "P-54", (ALL, {**limited(name="only", timeout_ms=5), "tools": ["list"]}), allow("all"), allow("all", tool="list", limits={"timeout_ms": 5})),
    one("limits-strength", "The stronger answer, more approvers, the shorter time", "P-54", (limited("ask", "a", strength="tty", approvers=2), limited("ask", "b", strength="passphrase", answer_seconds=300), limited("ask", "c", strength="flag", answer_seconds=100)), ask("a", limits={"strength": "passphrase", "approvers": 2, "answer_seconds": 100})),
    one("limits-privacy", "All privacy patterns together", "P-54", (limited(name="a", privacy_patterns=["email", "iban"]), limited(name="b", privacy_patterns=["credit_card", "email"])), allow("a", limits={"privacy_patterns": ["credit_card", "email", "iban"]})),
    one("limits-scopes", "Scopes are narrowed one after the other", "P-54", (limited(name="a", env=["REGION", "STAGE"], read=["/data"]), limited(name="b", env=["STAGE", "API_KEY"], read=["/data/in", "/etc"])), allow("a", scope=WIDE, left=left(env=["STAGE"], read=["/data/in"], write=[]))),
    one("limits-disjoint", "Two limits that share nothing", "P-54", (limited(name="a", hosts=["api.example.com"]), limited(name="b", hosts=["web.example.com"])), allow("a", scope=WIDE, left=left(network=[], secrets=[]))),
    one("limits-in-doubt", "In doubt the limits of a rule that asks hold, and those of a rule that allows do not", "P-30 P-54", (ALL, {**limited("ask", timeout_ms=100), "arguments": [{"pointer": "/to", "op": "equals", "value": "eve"}]}, {**limited("allow", "zone", timeout_ms=10), "arguments": [{"pointer": "/to", "op": "equals", "value": "eve"}]}), ask(limits={"timeout_ms": 100}), ask(arguments={"to": "eve"}, limits={"timeout_ms": 10}), allow("all", arguments={"to": "ada"})),
)

LAYER_LIMITS: tuple[Row, ...] = (
    layers("limits-layers", "Limits of all layers hold together", "P-52 P-54", allow("allow", layer="fleet", limits={"timeout_ms": 1000, "calls_per_minute": 10, "privacy_patterns": ["email", "iban"]}), fleet=(limited(timeout_ms=1000, privacy_patterns=["iban"]),), machine=(limited(calls_per_minute=10, timeout_ms=2000),), user=(limited(privacy_patterns=["email"]),)),
    layers("limits-layers-scope", "The fleet narrows, and the user narrows further", "P-52 P-54", allow("allow", layer="fleet", scope=WIDE, left=left(env=["STAGE"], network=[rule("api.example.com")], secrets=[secret("CRM_TOKEN")])), fleet=(limited(hosts=["api.example.com"], env=["REGION", "STAGE"]),), user=(limited(env=["STAGE"], hosts=["*.example.com"]),)),
    layers("limits-layers-ask", "The user asks, and the fleet demands two approvers should anybody be asked", "P-52 P-54", ask(limits={"approvers": 2, "strength": "passphrase"}), fleet=(limited(approvers=2, strength="passphrase"),), user=(ASK,)),
)

OTHERS: tuple[Row, ...] = (
    Row(name="private-hosts", title="Hosts that all layers name which speak of private hosts", clauses="P-58", calls=(allow("allow", layer="fleet"),), layers={"fleet": (ALLOW,), "machine": (ALLOW,), "user": (ALLOW,)}, more={"fleet": {"private_hosts": ["db.internal:5432", "10.0.0.5", "cache.internal"]}, "user": {"private_hosts": ["10.0.0.5:443", "db.internal:5432", "cache.internal:6379"]}}, private_hosts=("db.internal:5432", "10.0.0.5:443")),
    Row(name="private-hosts-none", title="One layer names a private host, another an empty list", clauses="P-7 P-58", calls=(allow("allow", layer="fleet"),), layers={"fleet": (ALLOW,), "user": (ALLOW,)}, more={"fleet": {"private_hosts": []}, "user": {"private_hosts": ["10.0.0.5"]}}),
    Row(name="mappings", title="A path that two layers place elsewhere", clauses="P-59", calls=(allow("allow", layer="fleet"),), layers={"fleet": (ALLOW,), "user": (ALLOW,)}, more={"fleet": {"mappings": {"/data": "/srv/fleet"}}, "user": {"mappings": {"/data": "/home/ada", "/out": "${workspace}/out"}}}, mappings={"/data": "/srv/fleet", "/out": "${workspace}/out"}),
    one("ids-deny", "Of three rules that deny, the one that is told", "P-51", ({"id": "b", "effect": "deny"}, {"id": "a-2", "effect": "deny"}, {"id": "a.1", "effect": "deny"}), deny("a-2")),
    one("ids-ask", "Of two rules that ask, the one that is told", "P-51", ({"id": "b10", "effect": "ask"}, {"id": "b2", "effect": "ask"}, {"id": "a", "effect": "allow"}), ask("b10")),
    one("tool-undeclared", "A tool that the package does not declare is not opened", "P-55", (ALL,), Call(change={"tool": "other"}, effect="allow", rule="all")),
    one("digest-defaults", "Keys that are written and say what their absence would", "P-9", ({"id": "r", "effect": "ask", "why": "", "arguments": [{"pointer": "/a", "op": "equals", "value": "x", "ignore_case": False, "optional": False}], "limits": {"approvers": 1, "timeout_ms": 5}}, ALL), ask("r", arguments={"a": "x"}, limits={"timeout_ms": 5}), description=""),
    one("replayed", "A past call of which arguments and user are not on record", "P-33 P-82", (ALL, {"id": "ask-user", "effect": "ask", "users": ["eve"]}, {"id": "deny-argument", "effect": "deny", "arguments": [{"pointer": "/to", "op": "exists"}], "tools": ["list"]}), ask("ask-user", unknown=["arguments", "user"], now=NOW - 1000), deny("deny-argument", unknown=["arguments", "user"], tool="list")),
)


def _many(name: str, title: str, clauses: str, conditions: Rule, *calls: Call) -> Row:
    """A rule that allows all, and forty that deny: each ``{i}`` in their conditions is a number of two digits."""
    text = json.dumps(dict(conditions))
    rules: list[Rule] = [{"id": f"deny-{i:02}", "effect": "deny", **json.loads(text.replace("{i}", f"{i:02}"))} for i in range(40)]
    return one(f"many-{name}", title, clauses, (ALL, *rules), *calls)


MANY: tuple[Row, ...] = (
    _many("packages", "Forty packages are denied", "P-21 P-34 P-51", {"packages": ["com.example.p{i}", "org.other{i}.*"]}, deny("deny-07", package_id="com.example.p07"), deny("deny-31", package_id="org.other31.x"), deny("deny-31", package_id="org.other31.x", bound=False), allow(), allow(package_id="com.example.p07.x"), allow(package_id="org.other31")),
    _many("tools", "Forty tools are denied", "P-20 P-51", {"tools": ["tool_{i}", "pre{i}_*"]}, deny("deny-39", tool="tool_39"), deny("deny-00", tool="pre00_x"), allow(), allow(tool="tool_40"), allow(tool="pre0_x")),
    _many("values", "Forty values of one argument are denied", "P-30 P-40", {"arguments": [{"pointer": "/to", "op": "equals", "value": "user-{i}"}]}, deny("deny-20", arguments={"to": "user-20"}), allow(arguments={"to": "user-40"}), deny("deny-20", arguments={"to": "\uff55ser-20"}), deny("deny-00", arguments={"to": 20}), deny("deny-00")),
    _many("folders", "Forty folders are denied", "P-30 P-42", {"arguments": [{"pointer": "/to", "op": "below", "value": "/data/{i}"}]}, deny("deny-05", arguments={"to": "/data/05/a"}), allow(arguments={"to": "/data/050"}), allow(arguments={"to": "/data"}), deny("deny-05", arguments={"to": "/DATA/05"}), deny("deny-00", arguments={"to": "/data/../x"}), deny("deny-00", arguments={"to": "data"})),
    _many("hosts", "Forty hosts are denied to all that reach them", "P-37 P-38 P-51", {"capabilities": {"hosts": ["h{i}.example.com"]}}, deny("deny-11", scope=hosts(rule("h11.example.com"))), deny("deny-00", scope=hosts(rule("*.example.com"))), allow(scope=hosts(rule("h40.example.com"))), allow(scope=hosts(rule("*.example.org"))), deny("deny-12", scope=hosts(rule("evil.net"), rule("h12.example.com")))),
    _many("addresses", "Forty hosts are denied as an argument", "P-30 P-43", {"arguments": [{"pointer": "/to", "op": "host_in", "value": ["h{i}.example.com", "*.n{i}.example.org"]}]}, deny("deny-33", arguments={"to": "https://h33.example.com/"}), deny("deny-02", arguments={"to": "https://a.b.n02.example.org/"}), allow(arguments={"to": "https://n02.example.org/"}), allow(arguments={"to": "https://h40.example.com/"}), deny("deny-00", arguments={"to": "https://h33.example.com./"})),
    _many("users", "Forty users are denied", "P-20 P-30", {"users": ["user-{i}", "*@n{i}.example.com"]}, deny("deny-21", user="user-21"), deny("deny-09", user="ada@n09.example.com"), allow(), deny("deny-00", unknown=["user"])),
)


def documents() -> Iterator[Document]:
    """Everything about rules together."""
    for matcher in WITHIN:
        yield from (document(row) for row in matcher.rows() if row.name.endswith("-allow"))
    for matcher in REACHED:
        yield from (document(row) for row in matcher.rows() if row.name.endswith(("-ask", "-deny") if matcher.name == "reached-hosts" else "-deny"))
    yield from documents_of((*ORDER, *BEFORE, *LAYERS), turn=True)
    yield from documents_of((*NARROWED, *NUMBERS, *LAYER_LIMITS, *OTHERS, *MANY), turn=True)
