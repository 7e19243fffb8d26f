"""Policies that are no policies, and policies as TOML has them. Spec: 3-policy.md sections 1 to 3."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping

from conformance.make.documents import Document
from conformance.make.policies import GIVEN, digest, text
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

POLICY_BYTES_MAX = 4 * 1024 * 1024
CONTEXT: dict[str, Json] = {"layer": "user", "given": GIVEN, "calls": [{}]}
SHARED: Mapping[str, Mapping[str, Json]] = {"policy": CONTEXT}
HEAD = b'mpp_policy = 1\nname = "user-rules"\n'
RULE = b'[[rules]]\nid = "r"\neffect = "allow"\n'


def of(rule: dict[str, Json], effect: str = "deny") -> bytes:
    """A document of one rule."""
    return text("user", ({"id": "r", "effect": effect, **rule},), {})


def argument(**test: Json) -> dict[str, Json]:
    return {"arguments": [{"pointer": "/a", "op": "equals", "value": "x", **test}]}


def limits(**found: Json) -> dict[str, Json]:
    return {"limits": found}


def declares(**found: Json) -> dict[str, Json]:
    return {"capabilities": found}


# Rules with one defect: name, title, clauses, code, the rule.
RULES: tuple[tuple[str, str, str, str, dict[str, Json]], ...] = (
    ("effect-unknown", "An effect that is none", "P-4", "choice", {"effect": "permit"}),
    ("effect-case", "An effect in upper case", "P-4", "choice", {"effect": "DENY"}),
    ("effect-list", "Two effects", "P-4", "type", {"effect": ["deny"]}),
    ("id-default", "The name of what holds where no rule does", "P-6", "form", {"id": "default"}),
    ("id-case", "An id in upper case", "P-4", "form", {"id": "Rule"}),
    ("id-empty", "An empty id", "P-4", "length", {"id": ""}),
    ("key-unknown", "A condition that nobody knows", "P-4", "unknown_key", {"countries": ["at"]}),
    ("key-singular", "A condition by a name that is almost right", "P-4", "unknown_key", {"package": ["com.example.mail"]}),
    ("key-case", "A condition in upper case", "P-4", "unknown_key", {"Tools": ["send"]}),
    ("why-long", "A reason of 301 characters", "P-4", "length", {"why": "a" * 301}),
    ("why-hidden", "A reason with a mark that turns the direction of writing", "P-5", "hidden_text", {"why": "safe \u202egnihton"}),
    ("tag-characters", "A reason with characters that nobody sees", "P-5", "hidden_text", {"why": "ok\U000e0041\U000e0042"}),
    ("packages-text", "A text instead of a list", "P-4", "type", {"packages": "com.example.mail"}),
    ("packages-null", "Null instead of a list", "P-4", "type", {"packages": None}),
    ("packages-twice", "One pattern twice", "P-4", "duplicate", {"packages": ["*", "*"]}),
    ("packages-many", "1,001 patterns", "P-4", "length", {"packages": [f"com.example.p{i}" for i in range(1001)]}),
    ("package-star-inside", "A star inside of a package id", "P-21 P-34", "pattern", {"packages": ["com.*.mail"]}),
    ("package-star-glued", "A star that is glued to a part of a package id", "P-21 P-34", "pattern", {"packages": ["com.example*"]}),
    ("package-two-stars", "Two stars", "P-21 P-34", "pattern", {"packages": ["com.*.*"]}),
    ("package-one-part", "A name of one part", "P-21 P-34", "pattern", {"packages": ["mail"]}),
    ("package-case", "A package id in upper case", "P-21 P-34", "pattern", {"packages": ["com.Example.mail"]}),
    ("package-empty", "An empty package id", "P-21 P-34", "length", {"packages": [""]}),
    ("publisher-short", "The short id of a publisher", "P-30", "form", {"publishers": ["pub_0123456789abcdef"]}),
    ("publisher-case", "The id of a publisher in upper case", "P-30", "form", {"publishers": ["AB" * 32]}),
    ("version-partial", "A version of two numbers", "P-26 P-27", "version", {"versions": [">=1.2"]}),
    ("version-caret", "A range in the way of npm", "P-26 P-27", "version", {"versions": ["^1.2.0"]}),
    ("version-bare", "A version without a comparison", "P-26 P-27", "version", {"versions": ["1.2.0"]}),
    ("version-space", "A space behind a comparison", "P-26 P-27", "version", {"versions": [">= 1.2.0"]}),
    ("version-spaces", "Two spaces between two comparisons", "P-26 P-27", "version", {"versions": [">=1.2.0  <2.0.0"]}),
    ("version-star", "A star as version", "P-26 P-27", "version", {"versions": ["*"]}),
    ("tool-two-stars", "A tool with two stars", "P-20", "pattern", {"tools": ["*a*"]}),
    ("tool-question-mark", "A question mark in the name of a tool", "P-20", "form", {"tools": ["send?"]}),
    ("tool-regex", "A regular expression instead of a tool", "P-20", "form", {"tools": ["(a+)+$"]}),
    ("agent-two-stars", "An agent with two stars", "P-20", "pattern", {"agents": ["a*b*c"]}),
    ("user-hidden", "A hidden character in the name of a user", "P-5", "hidden_text", {"users": ["a\u200bda"]}),
    ("user-no-break-space", "A no-break space in the name of a user", "P-5", "hidden_text", {"users": ["ada\u00a0b"]}),
    ("level-unknown", "A level of agents that is none", "I-3 P-30", "choice", {"agent_at_least": "certain"}),
    ("levels-crossed", "At least as sure as a token, and less sure than that", "I-3 P-30", "range", {"agent_at_least": "token", "agent_below": "token"}),
    ("origin-unknown", "An origin that is none", "P-30", "choice", {"origins": ["robot"]}),
    ("security-level-unknown", "A security level that is none", "P-30", "choice", {"security_levels": ["severe"]}),
    ("risk-beyond", "A risk of 101", "P-30", "range", {"risk": {"least": 101}}),
    ("risk-negative", "A negative risk", "P-30", "range", {"risk": {"most": -1}}),
    ("risk-crossed", "A risk of 50 at least and 49 at most", "P-30", "range", {"risk": {"least": 50, "most": 49}}),
    ("risk-empty", "An empty table of risk, which would say nothing", "P-7", "missing", {"risk": {}}),
    ("risk-number", "A number instead of a table", "P-30", "type", {"risk": 50}),
    ("consented-text", "A text instead of true", "P-30", "type", {"consented": "yes"}),
    ("bound-number", "A number instead of true", "P-30", "type", {"bound": 1}),
    ("when-empty", "An empty table of time, which would say nothing", "P-7", "missing", {"when": {}}),
    ("when-half", "A beginning without an end", "P-36", "range", {"when": {"from": "08:00"}}),
    ("when-equal", "A beginning that is the end", "P-36", "range", {"when": {"from": "08:00", "until": "08:00"}}),
    ("when-hour-24", "Hour 24", "P-36", "form", {"when": {"from": "08:00", "until": "24:00"}}),
    ("when-hour-short", "An hour of one digit", "P-36", "form", {"when": {"from": "8:00", "until": "18:00"}}),
    ("when-day", "A day by its whole name", "P-36", "length", {"when": {"days": ["monday"]}}),
    ("when-day-case", "A day in upper case", "P-36", "choice", {"when": {"days": ["Mon"]}}),
    ("when-date", "The thirtieth of February", "P-36", "range", {"when": {"not_before": "2026-02-30"}}),
    ("when-date-form", "A date in another form", "P-36", "form", {"when": {"not_before": "31.01.2026"}}),
    ("when-dates-crossed", "The first day after the last", "P-36", "range", {"when": {"not_before": "2026-02-01", "not_after": "2026-01-31"}}),
    ("capabilities-empty", "An empty table of capabilities, which would say nothing", "P-7", "missing", declares()),
    ("capabilities-unknown", "A kind of capability that is none", "P-37", "unknown_key", declares(urls=["api.example.com"])),
    ("host-url", "An address instead of a host", "P-22 P-23", "host", declares(hosts=["https://api.example.com"])),
    ("host-path", "A host with a path", "P-22 P-23", "host", declares(hosts=["api.example.com/v1"])),
    ("host-trailing-dot", "A host with a dot at its end", "P-22 P-23", "host", declares(hosts=["api.example.com."])),
    ("host-case", "A host in upper case", "P-22 P-23", "host", declares(hosts=["API.example.com"])),
    ("host-unicode", "An international name in its own letters", "P-22 P-23", "host", declares(hosts=["b\u00fccher.example"])),
    ("host-star-inside", "A star inside of a host", "P-22 P-23", "host", declares(hosts=["api.*.example.com"])),
    ("host-star-glued", "A star that is glued to a label", "P-22 P-23", "host", declares(hosts=["api*.example.com"])),
    ("host-star-top", "A star before a top-level domain", "P-22 P-23", "host", declares(hosts=["*.com"])),
    ("host-star-private", "A star before a private name", "P-22 P-23", "host", declares(hosts=["*.internal"])),
    ("host-star-loopback", "A star before a domain whose names lead to this machine", "P-22 P-23", "host", declares(hosts=["*.localtest.me"])),
    ("host-port-0", "Port 0", "P-22 P-23 P-24", "host", declares(hosts=["api.example.com:0"])),
    ("host-port-beyond", "Port 65536", "P-22 P-23 P-24", "host", declares(hosts=["api.example.com:65536"])),
    ("host-port-padded", "A port with a leading zero", "P-22 P-23 P-24", "host", declares(hosts=["api.example.com:0443"])),
    ("host-port-star", "A star as port", "P-22 P-23 P-24", "host", declares(hosts=["api.example.com:*"])),
    ("host-user", "User information before the host", "P-22 P-23", "host", declares(hosts=["ada@api.example.com"])),
    ("host-octal", "An address with a leading zero", "P-22 P-23", "host", declares(hosts=["010.0.0.5"])),
    ("host-hex", "An address in hex", "P-22 P-23", "host", declares(hosts=["0x7f.1"])),
    ("host-range", "A range of addresses", "P-22 P-23", "host", declares(hosts=["10.0.0.0/8"])),
    ("host-ipv6-long", "An IPv6 address in another spelling", "P-22 P-23", "host", declares(hosts=["[0:0:0:0:0:0:0:1]"])),
    ("host-ipv6-bare", "An IPv6 address without brackets", "P-22 P-23", "host", declares(hosts=["::1"])),
    ("host-ipv6-case", "An IPv6 address in upper case", "P-22 P-23", "host", declares(hosts=["[FD00::1]"])),
    ("host-number", "A last label that is a number", "P-22", "host", declares(hosts=["api.123"])),
    ("host-labels", "A host of 17 labels", "P-22", "host", declares(hosts=["a." * 15 + "example.com"])),
    ("host-star-address", "A star before an address", "P-23", "host", declares(hosts=["*.10.0.0.5"])),
    ("host-label", "A label of 64 characters", "P-22 P-23", "host", declares(hosts=["a" * 64 + ".example.com"])),
    ("path-relative", "A relative path", "P-25", "path", declares(read=["data/in"])),
    ("path-dots", "A path that goes up", "P-25", "path", declares(read=["/data/../etc"])),
    ("path-dot", "A path with a dot as a part", "P-25", "path", declares(read=["/data/./in"])),
    ("path-slash-end", "A slash at the end of a path", "P-25", "path", declares(read=["/data/"])),
    ("path-slash-double", "A doubled slash", "P-25", "path", declares(read=["/data//in"])),
    ("path-star", "A star in a path", "P-25", "path", declares(read=["/data/*"])),
    ("path-home", "The home of a user", "P-25", "path", declares(read=["~/data"])),
    ("path-variable", "A variable in a path", "P-25", "path", declares(read=["$HOME/data"])),
    ("path-workspace-glued", "The workspace with something glued to it", "P-25", "path", declares(read=["${workspace}data"])),
    ("path-backslash", "A path of another system", "P-25", "path", declares(read=["/data\\in"])),
    ("path-drive", "A drive letter", "P-25", "path", declares(read=["C:/data"])),
    ("path-slash-look-alike", "A letter that becomes a slash when it is normalised", "P-25", "path", declares(read=["/data\uff0fin"])),
    ("path-slash-inside", "A letter that becomes several, one of which is a slash", "P-25", "path", declares(read=["/\u2105"])),
    ("path-deep", "A path of 65 parts", "P-25", "path", declares(read=["/a" * 65])),
    ("env-case", "A variable in lower case", "P-37", "form", declares(env=["region"])),
    ("device-elsewhere", "A device outside of /dev", "P-37", "form", declares(devices=["/etc/passwd"])),
    ("device-dots", "A device whose path goes up", "P-37", "form", declares(devices=["/dev/../etc"])),
    ("kv-number", "A number instead of true", "P-37", "type", declares(kv=1)),
    ("argument-pointer-form", "A pointer without its first slash", "P-40", "form", argument(pointer="to")),
    ("argument-pointer-escape", "A tilde that escapes nothing", "P-40", "form", argument(pointer="/a~2")),
    ("argument-op-unknown", "An operator that is none", "P-40", "choice", argument(op="matches")),
    ("argument-op-regex", "A regular expression as operator", "P-40", "choice", argument(op="regex", value="(a+)+$")),
    ("argument-value-missing", "An operator without a value", "P-40", "missing", {"arguments": [{"pointer": "/a", "op": "equals"}]}),
    ("argument-value-object", "An object as value", "P-40", "type", argument(value={"a": 1})),
    ("argument-value-beyond", "A number of more than 53 bits", "P-40", "range", argument(value=2**53)),
    ("argument-value-long", "A text of 1,025 characters as value", "P-40", "length", argument(value="a" * 1025)),
    ("argument-in-text", "A text instead of a list", "P-40", "type", argument(op="in", value="a")),
    ("argument-not-in-empty", "An empty list of not_in, which could mean two things", "P-40", "argument", argument(op="not_in", value=[])),
    ("argument-in-twice", "One value twice", "P-40", "duplicate", argument(op="in", value=["a", "a"])),
    ("argument-starts-empty", "A beginning without a character, which fits everything", "P-41", "length", argument(op="starts_with", value="")),
    ("argument-starts-number", "A number as beginning of a text", "P-41", "type", argument(op="starts_with", value=1)),
    ("argument-below-relative", "A relative folder", "P-42", "path", argument(op="below", value="data")),
    ("argument-host-url", "An address instead of a host", "P-43", "host", argument(op="host_in", value=["https://api.example.com"])),
    ("argument-at-least-text", "A text as number", "P-40", "type", argument(op="at_least", value="10")),
    ("argument-longer-negative", "A negative length", "P-40", "range", argument(op="longer_than", value=-1)),
    ("argument-exists-value", "A value that says nothing", "P-40", "argument", argument(op="exists", value=True)),
    ("argument-exists-optional", "An optional condition that is always clear", "P-30", "argument", {"arguments": [{"pointer": "/a", "op": "absent", "optional": True}]}),
    ("argument-case-number", "Case, with an operator on numbers", "P-40", "argument", argument(op="at_least", value=1, ignore_case=True)),
    ("argument-many", "17 conditions on arguments", "P-4", "length", {"arguments": [{"pointer": f"/a{i}", "op": "exists"} for i in range(17)]}),
    ("limits-on-deny", "Limits of a rule that denies", "P-8", "limits", limits(timeout_ms=1000)),
)

# Limits with one defect, of a rule that allows: name, title, clauses, code, the limits.
LIMITS: tuple[tuple[str, str, str, str, dict[str, Json]], ...] = (
    ("limits-empty", "An empty table of limits, which would say nothing", "P-7", "missing", {}),
    ("limits-unknown", "A limit that is none", "P-54", "unknown_key", {"memory_mb": 16}),
    ("limits-timeout-0", "A timeout of nothing", "P-54", "range", {"timeout_ms": 0}),
    ("limits-timeout-beyond", "A timeout beyond that of any package", "P-54", "range", {"timeout_ms": 2**31}),
    ("limits-rate-0", "No call in a minute", "P-54", "range", {"calls_per_minute": 0}),
    ("limits-strength", "A strength that is none", "P-54", "choice", {"strength": "webauthn"}),
    ("limits-approvers", "Three approvers", "P-54", "range", {"approvers": 3}),
    ("limits-answer", "A longer time for an answer than usual", "P-54", "range", {"answer_seconds": 901}),
    ("limits-kv-negative", "Less than no storage", "P-54", "range", {"kv_max_bytes": -1}),
    ("limits-privacy-form", "A privacy pattern in upper case", "P-54", "form", {"privacy_patterns": ["Email"]}),
    ("limits-host", "A limit on a host with a path", "P-22 P-23", "host", {"hosts": ["api.example.com/v1"]}),
)


def _top(**keys: Json) -> bytes:
    return json.dumps({"mpp_policy": 1, "name": "user-rules", "rules": [], **keys}).encode("ascii")


# Whole documents with one defect: name, title, clauses, code, bytes, how the file ends.
WHOLE: tuple[tuple[str, str, str, str, bytes, str], ...] = (
    ("version-missing", "Without its version", "P-4", "missing", b'{"name": "x", "rules": []}', "json"),
    ("version-2", "A later version of the format", "P-4", "range", _top(mpp_policy=2), "json"),
    ("version-true", "True as version", "P-4", "type", _top(mpp_policy=True), "json"),
    ("name-missing", "Without a name", "P-4", "missing", b'{"mpp_policy": 1, "rules": []}', "json"),
    ("name-form", "A name with a space", "P-4", "form", _top(name="our fleet"), "json"),
    ("top-key-unknown", "A key that nobody knows", "P-4", "unknown_key", _top(default="allow"), "json"),
    ("rules-object", "An object instead of a list of rules", "P-4", "type", _top(rules={}), "json"),
    ("rule-text", "A text instead of a rule", "P-4", "type", _top(rules=["deny"]), "json"),
    ("ids-equal", "Two rules of one id", "P-6", "duplicate", text("user", ({"id": "r", "effect": "allow"}, {"id": "r", "effect": "deny"}), {}), "json"),
    ("description-hidden", "A hidden character in the description", "P-5", "hidden_text", _top(description="nothing\u2066here\u2069"), "json"),
    ("private-host-star", "A star among the private hosts", "P-58", "host", _top(private_hosts=["*.internal"]), "json"),
    ("private-host-any", "Any host among the private hosts", "P-58", "host", _top(private_hosts=["*"]), "json"),
    ("mappings-many", "257 mappings", "P-4", "length", _top(mappings={f"/data/{i}": "/srv" for i in range(257)}), "json"),
    ("mapping-letters", "A path that is placed elsewhere, with a letter that is not ASCII", "P-59", "path", _top(mappings={"/\u00fcbung": "/srv"}), "json"),
    ("mapping-relative", "A path placed at a relative one", "P-59", "path", _top(mappings={"/data": "data"}), "json"),
    ("mapping-dots", "A path placed at one that goes up", "P-59", "path", _top(mappings={"/data": "/srv/../etc"}), "json"),
    ("json-key-twice", "One key twice", "P-1", "json", b'{"mpp_policy": 1, "name": "x", "rules": [{"id": "r", "effect": "deny", "effect": "allow"}]}', "json"),
    ("json-comment", "A comment in JSON", "P-1", "json", b'{"mpp_policy": 1, /* all */ "name": "x", "rules": []}', "json"),
    ("json-comma", "A comma too many", "P-1", "json", b'{"mpp_policy": 1, "name": "x", "rules": [],}', "json"),
    ("json-nan", "A number that is none", "P-1", "json", b'{"mpp_policy": NaN, "name": "x", "rules": []}', "json"),
    ("json-half", "Half a document", "P-1", "json", _top(description="x")[:40], "json"),
    ("json-trailing", "A second document behind the first", "P-1", "json", _top() + _top(), "json"),
    ("json-surrogate", "Half of a character", "P-1", "json", b'{"mpp_policy": 1, "name": "x", "description": "\\ud800", "rules": []}', "json"),
    ("json-deep", "Nested deeper than any policy", "P-2", "json", b'{"mpp_policy": 1, "name": "x", "rules": ' + b"[" * 200 + b"]" * 200 + b"}", "json"),
    ("json-values", "More values than a policy can have, counted by their commas", "P-2", "json", b'{"mpp_policy": 1, "name": "x", "description": "' + b"," * 300_001 + b'"}', "json"),
    ("toml-values", "More values than a policy can have, counted by their equal signs", "P-2", "toml", HEAD + b"# " + b"=" * 300_001 + b"\n", "toml"),
    ("json-bom", "A byte-order mark before JSON", "P-1", "toml", b"\xef\xbb\xbf" + _top(), "json"),
    ("json-decimal", "A decimal number", "P-3", "type", _top(mpp_policy=1.5), "json"),
    ("toml-syntax", "A line that is no TOML", "P-1", "toml", HEAD + b"rules\n", "toml"),
    ("toml-key-twice", "One key twice", "P-1", "toml", HEAD + b'name = "other"\n', "toml"),
    ("toml-table-twice", "One table twice", "P-1", "toml", HEAD + RULE + b"[rules.risk]\nleast = 1\n[rules.risk]\nleast = 2\n", "toml"),
    ("toml-date", "A date that is no text", "P-3", "type", HEAD + RULE + b"[rules.when]\nnot_before = 2026-01-31\n", "toml"),
    ("toml-time", "A time that is no text", "P-3", "type", HEAD + RULE + b'[rules.when]\nfrom = 08:00:00\nuntil = "18:00"\n', "toml"),
    ("toml-decimal", "A decimal number", "P-3", "type", HEAD + RULE + b"[rules.risk]\nleast = 25.0\n", "toml"),
    ("toml-infinite", "An infinite number", "P-3", "type", HEAD + RULE + b"[rules.risk]\nleast = inf\n", "toml"),
    ("toml-latin-1", "Text that is not UTF-8", "P-1", "toml", HEAD + b'description = "caf\xe9"\n', "toml"),
    ("toml-dotted", "A key of thousands of parts", "P-2", "toml", HEAD + b"a" + b".a" * 5000 + b" = 1\n", "toml"),
    ("toml-dotted-33", "33 names joined by dots", "P-2", "toml", HEAD + b"a" + b" . a" * 32 + b" = 1\n", "toml"),
    ("toml-deep", "Tables nested deeper than any policy", "P-2", "toml", HEAD + b"a = " + b"{a = " * 300 + b"1" + b"}" * 300 + b"\n", "toml"),
    ("toml-half", "Half a document", "P-1", "toml", HEAD + b'[[rules]]\nid = "r', "toml"),
    ("toml-half-rule", "A document that ends inside of a rule", "P-4", "missing", HEAD + RULE + b'[[rules]]\nid = "r2"\n', "toml"),
    ("empty", "No byte", "P-4", "missing", b"", "toml"),
    ("too-long", "A byte more than 4 MiB", "P-1", "length", HEAD + b"#" * (POLICY_BYTES_MAX + 1 - len(HEAD)), "toml"),
)

# TOML that is sound: name, title, bytes, the rule that decides on the call, its effect.
TOML: tuple[tuple[str, str, bytes, str, str], ...] = (
    ("toml", "A policy in TOML", HEAD + RULE, "r", "allow"),
    ("toml-comments", "Comments and blank lines", b"# ours\n\n" + HEAD + b"\n# one rule\n" + RULE, "r", "allow"),
    ("toml-crlf", "Line ends of another system", (HEAD + RULE).replace(b"\n", b"\r\n"), "r", "allow"),
    ("toml-inline", "A rule in inline tables", HEAD + b'rules = [{ id = "r", effect = "ask", risk = { most = 24 }, tools = ["send"] }]\n', "r", "ask"),
    ("toml-literal", "Texts in every form of TOML", HEAD + b"""[[rules]]\nid = 'r'\neffect = "a\\u006cl\\U0000006fw"\nwhy = \"\"\"\nno\n\\\n   harm\"\"\"\ntools = ['''send''']\n""", "r", "allow"),
    ("toml-numbers", "Numbers in every form of TOML", HEAD + RULE + b"[rules.risk]\nleast = 0x0\nmost = 1_00\n", "r", "allow"),
    ("toml-no-rules", "A policy without rules", HEAD, "default", "deny"),
    ("toml-longest", "4 MiB", HEAD + RULE + b"#" * (POLICY_BYTES_MAX - len(HEAD) - len(RULE)), "r", "allow"),
)


def documents() -> Iterator[Document]:
    """Documents that are refused, and sound TOML."""
    rows = [(name, title, clauses, code, of(rule), "json") for name, title, clauses, code, rule in RULES]
    rows += [(name, title, clauses, code, of(limits(**found), "allow"), "json") for name, title, clauses, code, found in LIMITS]
    for name, title, clauses, code, data, ending in (*rows, *WHOLE):
        yield Document(kind="policy", name=f"bad-{name}", title=title, clauses=clauses, code=f"policy.{code}", data=data, context="policy", ending=ending)
    for name, title, data, rule, effect in TOML:
        said: dict[str, Json] = {"effect": effect, "layer": "user", "rule": rule}
        call: Json = said if effect == "deny" else {**said, "limits": {}, "scope": {"tools": ["send"]}}
        written: dict[str, Json] = tomllib.loads(data.decode("utf-8"))
        result: Json = {"calls": [call], "private_hosts": [], "mappings": {}, "digest": digest({"user": written})}
        yield Document(kind="policy", name=name, title=title, clauses="P-1 P-9", data=data, context="policy", ending="toml", result=result)
    # A layer beside a sound one is judged as strictly.
    fleet: dict[str, Json] = {**CONTEXT, "layers": {"fleet": "fleet.json"}}
    yield Document(kind="policy", name="bad-fleet", title="A sound user policy, and a fleet policy with a fault", clauses="P-4 P-52", code="policy.choice", data=of({}), context=fleet, beside={"fleet.json": of({"effect": "permit"})})
