"""T51, a rule that means another thing than it says: wildcards, paths, pointers, types and letters that slip past it, and documents that hide what they do."""

from __future__ import annotations

import json

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.stages.policy import Asked, Denied, decide, explain, parse_policy
from tests.policies import call, document, judged, layered, network, opening, policy

REST: dict[str, Json] = {"id": "rest", "effect": "allow"}


def to_host(*hosts: str) -> Asked:
    return call(scope=Scope(network=tuple(network(host) for host in hosts), tools=("send",)))


def argument(value: Json, op: str, wanted: Json, **more: Json) -> tuple[str, str]:
    """What a rule that denies and a rule that allows make of one argument."""
    test: dict[str, Json] = {"arguments": [{"pointer": "/a", "op": op, "value": wanted, **more}]}
    asked = call(arguments={"a": value})
    return judged(asked, {"effect": "deny", **test}, REST).effect, judged(asked, {"effect": "allow", **test}).effect


# Declared host, pattern of the rule: does a rule that denies it hit; may a rule that allows it be used?
HOSTS = [
    ("example.com", "*.example.com", False, False),
    ("badexample.com", "*.example.com", False, False),
    ("example.com.evil.org", "*.example.com", False, False),
    ("evil.org", "example.com", False, False),
    ("api.example.com", "example.com", False, False),
    ("*.example.com", "api.example.com", True, False),
    ("*.example.com", "example.com", False, False),
    ("api.example.com:8443", "api.example.com", True, False),
    ("api.example.com", "api.example.com:8443", False, False),
    ("api.example.com:8443", "api.example.com:8443", True, True),
    ("xn--bcher-kva.example", "xn--bcher-kva.example", True, True),
]


@pytest.mark.parametrize(("declared", "pattern", "denied", "allowed"), HOSTS)
def test_a_wildcard_reaches_sub_domains_and_a_pattern_its_port(declared: str, pattern: str, denied: bool, allowed: bool) -> None:
    rule: dict[str, Json] = {"capabilities": {"hosts": [pattern]}}
    assert (judged(to_host(declared), {"effect": "deny", **rule}, REST).effect == "deny") is denied
    assert (judged(to_host(declared), {"effect": "allow", **rule}).effect == "allow") is allowed


@pytest.mark.parametrize("pattern", ["api.example.com.", "API.example.com", "b\u00fccher.example", "*.com", "a.*.com", "*example.com", "https://example.com", "example.com:0", "127.1", "*.internal", "[::0:1]", "\u0430pi.example.com"])  # fmt: skip
def test_a_pattern_that_could_be_read_in_two_ways_is_refused(pattern: str) -> None:
    with pytest.raises(Refused) as caught:
        policy({"effect": "deny", "capabilities": {"hosts": [pattern]}})
    assert [fault.code for fault in caught.value.faults] == ["policy.host"]


# What an agent writes to reach api.example.com past a rule, or past the rule to another host.
URLS = [
    "https://api.example.com@evil.org/", "https://evil.org\\@api.example.com/", "https://api.example.com./", "https://api.example.com:443x/", "https://api%2eexample%2ecom/",
    "https://API\u3002example\u3002com/", "//api.example.com/", "https:api.example.com", "https://api.example.com\t/", "\u200bhttps://api.example.com/", "https://user:pw@api.example.com/",
    "https://[::ffff:10.0.0.1]/", "http://0x0a000001/", "http://167772161/", "http://10.1/", "ftp://api.example.com/", 5, None, ["https://api.example.com/"], {"href": "https://api.example.com/"},
]  # fmt: skip


@pytest.mark.parametrize("url", URLS, ids=ascii)
def test_an_address_that_could_be_read_in_two_ways_is_denied_and_not_allowed(url: Json) -> None:
    assert argument(url, "host_in", ["api.example.com"]) == ("deny", "deny")


def test_an_address_in_capital_letters_is_the_same() -> None:
    assert argument("HTTPS://API.EXAMPLE.COM/x", "host_in", ["api.example.com"]) == ("deny", "allow")


# Argument, and whether it is surely in /data, surely not, or neither.
PATHS = [
    ("/data/x", ("deny", "allow")), ("/data", ("deny", "allow")), ("/database", ("allow", "deny")), ("/data-old/x", ("allow", "deny")), ("/", ("allow", "deny")),
    ("/data/../etc/passwd", ("deny", "deny")), ("/etc/../data/x", ("deny", "deny")), ("/data/./x", ("deny", "deny")), ("//data/x", ("deny", "deny")), ("/data/x/", ("deny", "deny")),
    ("data/x", ("deny", "deny")), ("./data/x", ("deny", "deny")), ("~/data", ("deny", "deny")), ("/data\\..\\etc", ("deny", "deny")), ("/etc/passwd\0/data", ("deny", "deny")),
    ("/DATA/x", ("deny", "deny")), ("/\uff44ata/x", ("deny", "deny")), ("file:///data/x", ("deny", "deny")), ("", ("deny", "deny")), (7, ("deny", "deny")), (["/data/x"], ("deny", "deny")),
]  # fmt: skip


@pytest.mark.parametrize(("path", "effects"), PATHS, ids=[ascii(path) for path, _ in PATHS])
def test_a_path_that_could_lead_elsewhere_is_denied_and_not_allowed(path: Json, effects: tuple[str, str]) -> None:
    assert argument(path, "below", "/data") == effects


# Declared path, the folder of the rule: does a rule that denies hit; may one that allows be used?
DECLARED = [
    ("/data", "/data", True, True), ("/data/in", "/data", True, True), ("/database", "/data", False, False), ("/data", "/data/secret", True, False), ("/Data", "/data", True, False),
    ("${workspace}/x", "${workspace}", True, True), ("/workspace", "${workspace}", False, False),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "folder", "denied", "allowed"), DECLARED)
def test_a_folder_is_not_its_neighbour(declared: str, folder: str, denied: bool, allowed: bool) -> None:
    asked = call(scope=Scope(read=(declared,), tools=("send",)))
    rule: dict[str, Json] = {"capabilities": {"read": [folder]}}
    assert (judged(asked, {"effect": "deny", **rule}, REST).effect == "deny") is denied
    assert (judged(asked, {"effect": "allow", **rule}).effect == "allow") is allowed


def test_writing_below_a_folder_is_reading_it() -> None:
    asked = call(scope=Scope(write=("/secrets",), tools=("send",)))
    assert judged(asked, {"effect": "deny", "capabilities": {"read": ["/secrets"]}}, REST).effect == "deny"
    assert judged(asked, {"effect": "allow", "capabilities": {"read": []}}).effect == "deny"
    assert judged(asked, {"effect": "allow", "limits": {"read": []}}).limits.scope == Scope(tools=("send",))


@pytest.mark.parametrize("folder", ["/data/../etc", "/data/", "//data", "/data/*", "data", "/da\u200bta", "/data\\x", "~/x", "$HOME"])
def test_a_folder_that_could_be_read_in_two_ways_is_refused(folder: str) -> None:
    with pytest.raises(Refused):
        policy({"effect": "deny", "capabilities": {"read": [folder]}})
    with pytest.raises(Refused):
        policy({"effect": "deny", "arguments": [{"pointer": "/a", "op": "below", "value": folder}]})


PACKAGES = [
    ("com.examplefoo.tool", False), ("com.example-foo.tool", False), ("com.example", False), ("com.example.tool", True), ("com.example.a.b.c", True), ("org.com.example.tool", False),
]  # fmt: skip


@pytest.mark.parametrize(("package", "fits"), PACKAGES)
def test_a_prefix_of_packages_ends_at_its_dot(package: str, fits: bool) -> None:
    assert (judged(call(package_id=package), {"effect": "allow", "packages": ["com.example.*"]}).effect == "allow") is fits


def test_a_name_that_anybody_could_take_allows_nothing_until_it_is_bound() -> None:
    assert judged(call(bound=False), {"effect": "allow", "packages": ["com.example.*"]}).effect == "deny"
    assert judged(call(bound=False), {"effect": "deny", "packages": ["com.example.*"]}, REST).effect == "deny"


# A pointer that leads nowhere, or to another type, in each operator: never a yes.
@pytest.mark.parametrize(
    ("op", "wanted"),
    [("equals", "x"), ("not_equals", "x"), ("in", ["x"]), ("not_in", ["x"]), ("starts_with", "x"), ("ends_with", "x"), ("contains", "x"), ("below", "/x"), ("host_in", ["x.org"]),
     ("at_least", 1), ("at_most", 1), ("longer_than", 1)],
)  # fmt: skip
@pytest.mark.parametrize("pointer", ["/gone", "/a/b/gone", "/list/9", "/list/-", "/list/00", "/text/0", "/A"])
def test_an_argument_that_is_not_there_denies_and_does_not_allow(op: str, wanted: Json, pointer: str) -> None:
    test: dict[str, Json] = {"arguments": [{"pointer": pointer, "op": op, "value": wanted}]}
    asked = call(arguments={"a": {"b": {}}, "list": [1], "text": "x"})
    assert judged(asked, {"effect": "deny", **test}, REST).effect == "deny"
    assert judged(asked, {"effect": "ask", **test}, REST).effect == "ask"
    assert judged(asked, {"effect": "allow", **test}).effect == "deny"
    # Odd on purpose, to be asked instead of denied.
    assert judged(asked, {"effect": "ask", **test}).effect == "deny"


# Value, operator, what the rule wants: a value of another type is neither it nor something else.
TYPES: list[tuple[Json, str, Json]] = [
    (True, "equals", 1), (1, "equals", True), ("1", "equals", 1), (1, "equals", "1"), (0, "equals", False), (None, "equals", ""), ("", "equals", None), (["x"], "equals", "x"), ({"x": 1}, "equals", "x"),
    (True, "at_least", 1), ("100", "at_least", 1), ([100], "at_most", 1), (True, "in", [1, 2]), ("1", "not_in", [1, 2]), (5, "contains", "5"), (["DROP"], "contains", "DROP"), (10**30, "longer_than", 5),
]  # fmt: skip


@pytest.mark.parametrize(("value", "op", "wanted"), TYPES, ids=[f"{value!a}-{op}-{wanted!a}" for value, op, wanted in TYPES])
def test_a_value_of_another_type_denies_and_does_not_allow(value: Json, op: str, wanted: Json) -> None:
    assert argument(value, op, wanted) == ("deny", "deny")


LETTERS = [
    ("e\u0301cole", "equals", "\u00e9cole"), ("\uff44\uff52\uff4f\uff50", "equals", "drop"), ("x \ufb01le", "contains", "file"), ("\u212bngstrom", "starts_with", "\u00c5"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "op", "wanted"), LETTERS, ids=["composed", "full width", "ligature", "sign"])
def test_another_way_to_write_the_same_letters_slips_past_no_rule(value: str, op: str, wanted: str) -> None:
    assert argument(value, op, wanted) == ("deny", "deny")


@pytest.mark.parametrize("value", ["PROD", "\uff30rod", "pRoD"])
def test_letters_whatever_the_case(value: str) -> None:
    assert argument(value, "equals", "prod", ignore_case=True) == ("deny", "allow")
    assert argument(value, "not_equals", "prod", ignore_case=True) == ("allow", "deny")


HIDDEN = ["pro\u200bd", "pro\u202ed", "\ufeffprod", "prod\x00", "pro\u00add", "prod\U000e0061"]


@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_a_document_with_characters_that_nobody_sees_is_refused(text: str) -> None:
    documents: list[dict[str, Json]] = [
        document({"effect": "deny", "why": text}), document({"effect": "deny", "arguments": [{"pointer": "/a", "op": "equals", "value": text}]}), document({"effect": "deny", "agents": [text]}),
        document(description=text), document({"effect": "deny", text: True}),
    ]  # fmt: skip
    for found in documents:
        with pytest.raises(Refused) as caught:
            parse_policy(json.dumps(found).encode(), where="p")
        assert "policy.hidden_text" in {fault.code for fault in caught.value.faults}


@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_an_explanation_shows_what_an_argument_hides(text: str) -> None:
    found = explain(
        call(arguments={"a": text}, user=text, package_id=text),
        layered(user=policy({"effect": "deny", "arguments": [{"pointer": "/a", "op": "contains", "value": "pro"}], "users": ["*"]})),
    )
    assert all(line.isascii() and line.isprintable() for line in found.lines())


# Documents that mean one thing to one reader and another to the next.
TWOFOLD = [
    (b'{"mpp_policy":1,"name":"p","rules":[{"id":"a","effect":"deny","effect":"allow"}]}', "policy.json"),
    (b'{"mpp_policy":1,"name":"p","rules":[{"id":"a","effect":"deny"},{"id":"a","effect":"allow"}]}', "policy.duplicate"),
    (b'mpp_policy = 1\nname = "p"\n[[rules]]\nid = "a"\neffect = "deny"\neffect = "allow"', "policy.toml"),
    (b'mpp_policy = 1\nname = "p"\n[[rules]]\nid = "a"\neffect = "deny"\ntool = ["send"]', "policy.unknown_key"),
    (b'mpp_policy = 1\nname = "p"\n[[rule]]\nid = "a"\neffect = "deny"', "policy.unknown_key"),
    (b'{"mpp_policy":1,"name":"p","rules":[{"id":"default","effect":"allow"}]}', "policy.form"),
    (b'{"mpp_policy":1,"name":"p","rules":[{"id":"a","effect":"deny","limits":{"timeout_ms":5}}]}', "policy.limits"),
    (b'{"mpp_policy":1,"name":"p","rules":[{"id":"a","effect":"deny","capabilities":{}}]}', "policy.missing"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "code"), TWOFOLD, ids=[f"{i}-{code}" for i, (_, code) in enumerate(TWOFOLD)])
def test_a_document_with_two_meanings_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_policy(data, where="p")
    assert caught.value.code == code


def test_a_mistyped_key_is_answered_with_the_right_one() -> None:
    with pytest.raises(Refused) as caught:
        policy({"effect": "deny", "tool": ["send"]})
    assert caught.value.hint == "did you mean 'tools'?"


def test_an_empty_list_fits_nothing_and_never_everything() -> None:
    for key in ("packages", "publishers", "versions", "tools", "agents", "users", "origins", "security_levels"):
        assert judged(call(), {"effect": "allow", key: []}).effect == "deny"
    assert (
        judged(opening(), {"effect": "allow", "capabilities": {"hosts": [], "read": [], "write": [], "env": [], "secrets": [], "devices": []}}).effect == "deny"
    )
    nothing: dict[str, Json] = {"hosts": [], "read": [], "write": [], "env": [], "secrets": [], "devices": [], "kv_max_bytes": 0}
    assert judged(opening(), {"effect": "allow", "limits": nothing}).limits.scope == Scope(tools=("send", "list"))


def test_no_layer_lifts_what_another_denies() -> None:
    found = decide(call(), layered(fleet=policy({"effect": "deny"}), machine=policy(REST), user=policy(REST)))
    assert isinstance(found, Denied)
