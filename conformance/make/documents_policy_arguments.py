"""Policies: conditions on the arguments of a call. What is missing, of another type, or could be read in two ways is unclear. Spec: 3-policy.md section 3."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.make.documents import Document
from conformance.make.policies import Matcher, matched
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

Calls = tuple[dict[str, Json], ...]


def holding(op: str, value: Json = None, pointer: str = "/a", **more: Json) -> dict[str, Json]:
    """A rule's one condition on arguments."""
    found: dict[str, Json] = {"pointer": pointer, "op": op, **more}
    return {"arguments": [found if op in {"exists", "absent"} else {**found, "value": value}]}


def a(*values: Json) -> Calls:
    """Calls whose argument ``a`` has these values."""
    return tuple({"arguments": {"a": value}} for value in values)


def calls(*arguments: Json) -> Calls:
    return tuple({"arguments": one} for one in arguments)


MISSING: Calls = (*calls({}, {"b": "x"}, {"A": "x"}), {"unknown": ["arguments"]})
"""The argument is not there, or nobody knows whether it is."""
WIDE_ABC = "\uff41\uff42\uff43"
"""abc in full width: it looks alike, and is other letters."""

VALUES: tuple[Matcher, ...] = (
    Matcher(name="argument-equals-text", title="An argument that is one text", clauses="P-40", when=holding("equals", "abc"), yes=a("abc"), no=a("abcd", "ABC", "", " abc", "abc "), unclear=(*MISSING, *a(None, 1, True, ["abc"], {"abc": 1}, WIDE_ABC))),
    Matcher(name="argument-equals-composed", title="An argument that is one text with a composed letter", clauses="P-40 P-41", when=holding("equals", "caf\u00e9"), yes=a("caf\u00e9"), no=a("cafe", "caf"), unclear=a("cafe\u0301")),
    Matcher(name="argument-equals-case", title="An argument that is one text, whatever the case", clauses="P-40 P-41", when=holding("equals", "Stra\u00dfe", ignore_case=True), yes=a("stra\u00dfe", "STRASSE", "strasse", "Stra\u1e9ee"), no=a("strase"), unclear=(*MISSING, *a(1))),
    Matcher(name="argument-equals-number", title="An argument that is one number", clauses="P-40", when=holding("equals", 1), yes=a(1, 1.0), no=a(2, -1, 1.5, 0), unclear=(*MISSING, *a("1", True, None, [1]))),
    Matcher(name="argument-equals-largest", title="An argument that is the largest number", clauses="P-40", when=holding("equals", 2**53 - 1), yes=a(2**53 - 1), no=a(2**53 - 2, -(2**53) + 1)),
    Matcher(name="argument-equals-longest", title="An argument that is a text of 1,024 characters", clauses="P-40", when=holding("equals", "ab" * 512), yes=a("ab" * 512), no=a("ab" * 511)),
    Matcher(name="argument-equals-true", title="An argument that is true", clauses="P-40", when=holding("equals", True), yes=a(True), no=a(False), unclear=(*MISSING, *a(1, "true", None))),
    Matcher(name="argument-equals-zero", title="An argument that is zero", clauses="P-40", when=holding("equals", 0), yes=a(0, -0.0), no=a(1), unclear=a(False, None, "", [])),
    Matcher(name="argument-equals-null", title="An argument that is null", clauses="P-40", when=holding("equals", None), yes=a(None), unclear=(*MISSING, *a(False, 0, ""))),
    Matcher(name="argument-not-equals", title="An argument that is anything but one text", clauses="P-40", when=holding("not_equals", "abc"), yes=a("abd", "", "ABC"), no=a("abc"), unclear=(*MISSING, *a(1, None, WIDE_ABC))),
    Matcher(name="argument-in", title="An argument out of a list of texts and numbers", clauses="P-40", when=holding("in", ["a", "b", 7]), yes=a("a", "b", 7), no=a("c", 8, "7a"), unclear=(*MISSING, *a(True, None, ["a"]))),
    Matcher(name="argument-in-case", title="An argument out of a list, whatever the case", clauses="P-40 P-41", when=holding("in", ["Read", "write"], ignore_case=True), yes=a("READ", "Write"), no=a("delete"), unclear=(*MISSING, *a(1))),
    Matcher(name="argument-not-in", title="An argument out of no list", clauses="P-40", when=holding("not_in", ["a", "b"]), yes=a("c", "A"), no=a("a", "b"), unclear=(*MISSING, *a(1, None))),
    Matcher(name="argument-in-empty", title="An argument out of an empty list", clauses="P-7 P-40", when=holding("in", []), no=(*a("a", 1, True, None, []), *calls({}, {"b": "a"}))),
    Matcher(name="argument-starts", title="A text that starts with another", clauses="P-40 P-41", when=holding("starts_with", "ab"), yes=a("ab", "abc"), no=a("a", "ABC", "xab"), unclear=(*MISSING, *a(1, ["abc"], WIDE_ABC))),
    Matcher(name="argument-starts-case", title="A text that starts with another, whatever the case", clauses="P-41", when=holding("starts_with", "DROP ", ignore_case=True), yes=a("drop table x", "Drop x", "DROP "), no=a("drop", " drop x")),
    Matcher(name="argument-ends", title="A text that ends with another", clauses="P-40 P-41", when=holding("ends_with", "@example.com"), yes=a("ada@example.com", "@example.com"), no=a("ada@example.com.evil.net", "ada@EXAMPLE.com", "example.com"), unclear=(*MISSING, *a(None))),
    Matcher(name="argument-contains", title="A text that contains another", clauses="P-40 P-41", when=holding("contains", "abc"), yes=a("abc", "xxabcxx"), no=a("ab c", "ABC", ""), unclear=(*MISSING, *a(["abc"], f"x{WIDE_ABC}x"))),
    Matcher(name="argument-contains-case", title="A text that contains another, whatever the case", clauses="P-41", when=holding("contains", "password", ignore_case=True), yes=a("my PassWord is", "\uff30ASSWORD"), no=a("pass word")),
    Matcher(name="argument-at-least", title="A number of 10 or more", clauses="P-40", when=holding("at_least", 10), yes=a(10, 11, 10.5, 1e300), no=a(9, 9.99, -10), unclear=(*MISSING, *a("10", True, None, [10]))),
    Matcher(name="argument-at-most", title="A number of 10 at most", clauses="P-40", when=holding("at_most", 10), yes=a(10, 0, -1e300, 10.0), no=a(11, 10.01), unclear=(*MISSING, *a("9", False, None))),
    Matcher(name="argument-longer", title="More than 3 characters, items or keys", clauses="P-40", when=holding("longer_than", 3), yes=a("abcd", [1, 2, 3, 4], {"a": 1, "b": 2, "c": 3, "d": 4}), no=a("abc", "", [1, 2, 3], {}, "\U0001f44b\U0001f44b\U0001f44b"), unclear=(*MISSING, *a(4, None, True))),
    Matcher(name="argument-exists", title="An argument that is there", clauses="P-40", when=holding("exists"), yes=a(None, "", False, {}), no=calls({}, {"b": 1}, {"A": 1}), unclear=({"unknown": ["arguments"]},)),
    Matcher(name="argument-absent", title="An argument that is not there", clauses="P-40", when=holding("absent"), yes=calls({}, {"b": 1}), no=a(None, ""), unclear=({"unknown": ["arguments"]},)),
    Matcher(name="argument-optional", title="A condition that is not met where the argument is missing", clauses="P-30", when=holding("equals", "abc", optional=True), yes=a("abc"), no=(*a("x"), *calls({}, {"b": 1})), unclear=(*a(1, None), {"unknown": ["arguments"]})),
)

POINTERS: tuple[Matcher, ...] = (
    Matcher(name="pointer-deep", title="A value inside of lists and objects", clauses="P-40", when=holding("equals", "x", "/items/1/to"), yes=calls({"items": [{}, {"to": "x"}]}), no=calls({"items": [{}, {"to": "y"}]}), unclear=calls({"items": [{"to": "x"}]}, {"items": {"0": {}}}, {"items": "x"}, {"items": []}, {})),
    Matcher(name="pointer-first", title="The first item of a list", clauses="P-40", when=holding("equals", "x", "/items/0"), yes=calls({"items": ["x"]}), no=calls({"items": ["y", "x"]}), unclear=calls({"items": []}, {"items": {"00": "x"}})),
    Matcher(name="pointer-key-of-digits", title="A key of digits in an object", clauses="P-40", when=holding("equals", "x", "/items/1"), yes=calls({"items": {"1": "x"}}, {"items": ["y", "x"]}), no=calls({"items": ["x", "y"]}), unclear=calls({"items": {"01": "x"}}, {"items": ["x"]})),
    Matcher(name="pointer-index-padded", title="An index with a leading zero, which is none", clauses="P-40", when=holding("exists", pointer="/items/01"), yes=calls({"items": {"01": 1}}), no=calls({"items": [0, 1]}, {})),
    Matcher(name="pointer-index-end", title="The place behind the end of a list, which holds nothing", clauses="P-40", when=holding("exists", pointer="/items/-"), yes=calls({"items": {"-": 1}}), no=calls({"items": [0, 1]})),
    Matcher(name="pointer-escapes", title="A key with a slash and a tilde", clauses="P-40", when=holding("equals", "x", "/a~1b~0c/~01"), yes=calls({"a/b~c": {"~1": "x"}}), no=calls({"a/b~c": {"~1": "y"}}), unclear=calls({"a": {"b~0c": {"~01": "x"}}}, {"a/b~c": {"/": "x"}})),
    Matcher(name="pointer-empty-key", title="An empty key", clauses="P-40", when=holding("equals", "x", "/"), yes=calls({"": "x"}), no=calls({"": "y"}), unclear=calls({"/": "x"}, {})),
    Matcher(name="pointer-whole", title="All arguments", clauses="P-40", when=holding("longer_than", 1, ""), yes=calls({"a": 1, "b": 2}), no=calls({}, {"a": 1}), unclear=({"unknown": ["arguments"]},)),
    Matcher(name="pointer-letters", title="A key with letters of another script, which has one form", clauses="P-40 P-41", when=holding("exists", pointer="/caf\u00e9"), yes=calls({"caf\u00e9": 1}), no=calls({"cafe\u0301": 1}, {"cafe": 1})),
)

PATHS: tuple[Matcher, ...] = (
    Matcher(name="path-below", title="A path in a folder", clauses="P-42", when=holding("below", "/data"), yes=a("/data", "/data/in", "/data/a b/c.txt", "/data/..a"), no=a("/database", "/dat", "/", "/etc/passwd", "/home/data", "/x/data/in")),
    Matcher(name="path-below-doubt", title="Texts that name a folder in more than one way", clauses="P-40 P-42", when=holding("below", "/data"), yes=a("/data/in"), unclear=(*MISSING, *a("/data/../etc", "/data/.", "/data/./in", "//data/in", "/data//in", "/data/", "data/in", "./data", "", "/DATA/in", "/Data", "/data\\in", "C:\\data", "/data/in\0", "/\uff44ata/in", "file:///data/in", "~/data", 1, None, ["/data/in"]))),
    Matcher(name="path-below-root", title="Any absolute path", clauses="P-42", when=holding("below", "/"), yes=a("/", "/etc/passwd"), unclear=a("etc", "", "/etc/../x")),
    Matcher(name="path-below-workspace", title="A path in a folder of the workspace, as the tool names it", clauses="P-42", when=holding("below", "${workspace}/out"), yes=a("/workspace/out", "/workspace/out/a"), no=a("/workspace/output", "/workspace", "/out"), unclear=a("${workspace}/out", "/workspace/out/../in")),
    Matcher(name="path-below-workspace-whole", title="A path in the workspace, as the tool names it", clauses="P-42", when=holding("below", "${workspace}"), yes=a("/workspace", "/workspace/a"), no=a("/workspaces", "/")),
    Matcher(name="path-below-long", title="A path of more than 4,096 characters", clauses="P-42", when=holding("below", "/data"), yes=a("/data/" + "a" * 4090), unclear=a("/data/" + "a" * 4091)),
    Matcher(name="path-below-letters", title="A folder with letters of another script", clauses="P-41 P-42", when=holding("below", "/\u00fcbung"), yes=a("/\u00fcbung/a"), no=a("/ubung/a"), unclear=a("/u\u0308bung/a", "/\u00dcBUNG/a")),
)

HOSTS: tuple[Matcher, ...] = (
    Matcher(name="host-exact", title="An address of one host", clauses="P-43", when=holding("host_in", ["api.example.com"]), yes=a("https://api.example.com", "https://api.example.com/x?y#z", "https://API.Example.COM/", "HTTPS://api.example.com/", "https://api.example.com:443/", "api.example.com", "api.example.com:443"), no=a("https://example.com/", "https://a.api.example.com/", "https://badapi.example.com/", "https://api.example.com.evil.net/", "https://evil.net/?https://api.example.com/", "https://evil.net/#api.example.com", "10.0.0.5")),
    Matcher(name="host-other-port", title="An address of one host at another port than that of https", clauses="P-24 P-43", when=holding("host_in", ["api.example.com"]), yes=a("https://api.example.com"), unclear=a("https://api.example.com:8443/", "http://api.example.com/", "api.example.com:80")),
    Matcher(name="host-doubt", title="Texts that two programs may read as two hosts", clauses="P-40 P-43", when=holding("host_in", ["api.example.com"]), yes=a("https://api.example.com/"), unclear=(*MISSING, *a("https://ada@api.example.com/", "https://api.example.com@evil.net/", "https://api.example.com\\@evil.net/", "https:\\\\api.example.com/", "https:/api.example.com/", "https:api.example.com", "//api.example.com/", "api.example.com/x", "https://api.example.com./", "https://api.example.com:/", "https://api.example.com:0/", "https://api.example.com:65536/", "https://api.example.com:0443/", " https://api.example.com/", "https://api.example.com/\n", "https://\u0430pi.example.com/", "https://api\u3002example.com/", "https://api%2eexample.com/", "https://0x7f.1/", "https://127.1/", "https://2130706433/", "ftp://api.example.com/", "", 1, None, ["https://api.example.com"]))),
    Matcher(name="host-long", title="An address of more than 8,192 characters", clauses="P-43", when=holding("host_in", ["api.example.com"]), yes=a("https://api.example.com/" + "a" * 8168), unclear=a("https://api.example.com/" + "a" * 8169)),
    Matcher(name="host-wildcard", title="An address below a domain", clauses="P-43", when=holding("host_in", ["*.example.com"]), yes=a("https://api.example.com/", "https://a.b.example.com/"), no=a("https://example.com/", "https://badexample.com/", "https://api.example.com.evil.net/", "https://example.org/")),
    Matcher(name="host-port", title="An address of one host at one port", clauses="P-24 P-43", when=holding("host_in", ["api.example.com:8443"]), yes=a("https://api.example.com:8443/x", "http://api.example.com:8443/", "api.example.com:8443"), no=a("https://api.example.com/", "https://api.example.com:443/", "http://api.example.com/"), unclear=a("api.example.com")),
    Matcher(name="host-port-last", title="The last port", clauses="P-22 P-43", when=holding("host_in", ["api.example.com:65535"]), yes=a("https://api.example.com:65535/"), no=a("https://api.example.com:65534/"), unclear=a("https://api.example.com:65536/")),
    Matcher(name="host-labels", title="A host of 16 labels", clauses="P-22 P-43", when=holding("host_in", ["a." * 14 + "example.com"]), yes=a(f"https://{'a.' * 14}example.com/"), no=a(f"https://{'a.' * 13}example.com/"), unclear=a(f"https://{'a.' * 15}example.com/")),
    Matcher(name="host-any", title="Any address that can be read in one way", clauses="P-43", when=holding("host_in", ["*"]), yes=a("https://evil.net/", "http://10.0.0.5:99/", "localhost"), unclear=a("https://evil.net./", "not an address")),
    Matcher(name="host-address", title="An address of numbers", clauses="P-43", when=holding("host_in", ["10.0.0.5:443", "[fd00::1]:443"]), yes=a("https://10.0.0.5/", "https://[fd00::1]/"), no=a("https://10.0.0.50/", "https://a.10.0.0.5.example.com/", "https://[fd00::2]/"), unclear=a("https://010.0.0.5/", "https://10.0.0.5./", "https://[fd00:0:0:0:0:0:0:1]/", "https://[FD00::0001]/")),
    Matcher(name="host-idna", title="An international name in its ASCII form", clauses="P-41 P-43", when=holding("host_in", ["xn--bcher-kva.example"]), yes=a("https://xn--bcher-kva.example/", "https://XN--BCHER-KVA.example/"), no=a("https://bucher.example/"), unclear=a("https://b\u00fccher.example/")),
    Matcher(name="host-empty", title="An address out of an empty list", clauses="P-7 P-43", when=holding("host_in", []), no=(*a("https://api.example.com/", "", 1, None), *calls({}, {"b": "x"}))),
)

SEVERAL: dict[str, Json] = {"arguments": [{"pointer": "/to", "op": "ends_with", "value": "@example.com"}, {"pointer": "/size", "op": "at_most", "value": 100}]}
TOGETHER: tuple[Matcher, ...] = (
    Matcher(
        name="arguments-together", title="Two conditions on arguments, which must both hold", clauses="P-30", when=SEVERAL, yes=calls({"to": "ada@example.com", "size": 5}),
        no=calls({"to": "ada@example.org", "size": 5}, {"to": "ada@example.com", "size": 101}, {"to": "ada@example.org"}, {"size": 101}), unclear=calls({"to": "ada@example.com"}, {"size": 5}, {"to": ["ada@example.com"], "size": 5}, {}),
    ),
)


def documents() -> Iterator[Document]:
    """Conditions on arguments."""
    yield from matched((*VALUES, *POINTERS, *PATHS, *HOSTS))
    yield from matched(TOGETHER, effects=("allow", "ask", "deny"))
