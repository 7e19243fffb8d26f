"""Calls: what goes in, what comes out, and what is refused before or after the guest has run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from conformance.make.build import EXAMPLE, Package, files, package
from conformance.make.case import Call, Case, run
from conformance.make.guests import does, echoes, literal, numbers, says
from conformance.make.trust import pinned
from mpp.model.jsontext import Json
from mpp.testing.wasm import module

# One case a line, however long.
# fmt: off

RETURNS: dict[str, Json] = {"tool_definitions>0>returns": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"], "additionalProperties": False}}
STORES: dict[str, Json] = {"capabilities>storage": {"kv": {"max_bytes": 1000}}}
TEXT: dict[str, Json] = {"content": [{"type": "text", "text": "hi"}]}
HI = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hi"}]}}\n'
HI_RESULT: Json = {"content": [{"type": "text", "text": "hi"}], "isError": False}
LINE_MAX = 4 * 1024 * 1024


def called(code: bytes, changes: Mapping[str, Json] | None = None) -> Package:
    """The sound package with this code."""
    return package(files(changes, code=code))


def line(result: Json) -> str:
    """A reply."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}, ensure_ascii=False, separators=(",", ":")) + "\n"


def nested(levels: int) -> Json:
    """Objects in each other."""
    found: Json = {}
    for _ in range(levels - 1):
        found = {"a": found}
    return found


def padded(size: int) -> bytes:
    """A guest whose answer has spaces in it, so that it is ``size`` bytes long."""
    half = len(HI) - 2
    fill = f"(memory.fill (i32.const 655360) (i32.const 32) (i32.const 65536)) (local.set $a (i32.const {size - len(HI)}))"
    write = "(loop $more (local.set $b (select (i32.const 65536) (local.get $a) (i32.gt_u (local.get $a) (i32.const 65536)))) (call $put (i32.const 655360) (local.get $b)) (br_if $more (local.tee $a (i32.sub (local.get $a) (local.get $b)))))"
    at = 1024
    return does(f"(call $put (i32.const {at}) (i32.const {half})) {fill} {write} (call $put (i32.const {at + half}) (i32.const 2))", more=f"(data (i32.const {at}) {literal(HI.encode())})", pages=11)


KINDS: list[Json] = [
    {"type": "text", "text": "hi", "annotations": {"audience": ["user", "assistant"], "priority": 0.5, "lastModified": "2026-01-31T12:00:00Z"}, "_meta": {"example.com/a": [1, {"b": None}]}},
    {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"},
    {"type": "audio", "data": "", "mimeType": "audio/wav"},
    {"type": "resource_link", "uri": "https://example.com/a?b=1#c", "name": "a", "title": "A", "description": "The letter", "mimeType": "text/html", "size": 10},
    {"type": "resource_link", "uri": "urn:example:c", "name": "b"},
    {"type": "resource", "resource": {"uri": "file:///a.txt", "mimeType": "text/plain; charset=utf-8", "text": "a\tb\n"}},
    {"type": "resource", "resource": {"uri": "urn:example:b", "blob": "AAEC/w==", "_meta": {"a": True}}},
]

# A result that the guest gives, and that the host must give on. Left-out isError is false.
RESULTS: tuple[tuple[str, str, str, dict[str, Json], dict[str, Json]], ...] = (
    ("answer-text", "A text", "C-20 C-31", TEXT, {}),
    ("answer-empty", "No content at all", "C-30", {"content": []}, {}),
    ("answer-text-empty", "An empty text", "C-31", {"content": [{"type": "text", "text": ""}]}, {}),
    ("answer-structured", "A text and structured content", "C-37", {**TEXT, "structuredContent": {"n": 1, "list": [True, None, "a"]}}, {}),
    ("answer-kinds", "Every kind of content", "C-31 C-32 C-33 C-36 C-38", {"content": KINDS}, {}),
    ("answer-items-256", "256 items of content, the most there may be", "C-30", {"content": [{"type": "text", "text": str(i)} for i in range(256)]}, {}),
    ("answer-unicode", "Texts beyond ASCII, in UTF-8", "C-20 C-31", {"content": [{"type": "text", "text": "Gr\u00fc\u00dfe \u4f60\u597d \U0001f44b\u2028"}]}, {}),
    ("answer-controls", "A text with control characters, which the host must not drop without a word in --json", "C-31", {"content": [{"type": "text", "text": "a\u0000\u001b[2J\r\n\tb"}]}, {}),
    ("answer-long", "A text of 40,000 characters", "C-20", {"content": [{"type": "text", "text": "long " * 8000}]}, {}),
    ("answer-numbers", "Integers at the ends of their range, and decimals", "C-4 C-20", {"content": [], "structuredContent": {"n": [-(2**63), 2**64 - 1, 0, 0.5, -1.5e-9, 1e300]}}, {}),
    ("answer-depth-32", "32 levels of nesting, the most there may be", "C-20", {"content": [], "structuredContent": nested(30)}, {}),
    ("answer-meta", "A _meta beside the content", "C-24 C-38", {**TEXT, "_meta": {"example.com/trace": "x"}}, {}),
    ("answer-returns", "Structured content as the manifest promises it", "C-12", {"content": [], "structuredContent": {"n": 9}}, RETURNS),
)

# Bytes that are a good answer, whatever their shape; the result is always "hi".
SHAPES: tuple[tuple[str, str, str, bytes], ...] = (
    ("shape-no-line-feed", "An answer without a line feed at its end", "C-20", says(HI.rstrip())),
    ("shape-spaces", "An answer with white space between its values", "C-20", says(' {"jsonrpc" : "2.0",\t"id": 1 , "result": {"content": [ {"type":"text","text":"hi"} ] } } \n')),
    ("shape-order", "An answer with its keys in another order", "C-20", says('{"result":{"content":[{"text":"hi","type":"text"}]},"id":1,"jsonrpc":"2.0"}\n')),
    ("shape-escapes", "An answer with escapes where none are needed", "C-20", says('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\\u0068\\u0069"}]}}\n')),
    ("shape-complete", "An answer that says that it is complete", "C-30", says('{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","isError":false,"content":[{"type":"text","text":"hi"}]}}\n')),
    ("shape-bytes", "An answer written byte by byte", "C-20", does(f"(loop $next (call $put (i32.add (i32.const 1024) (local.get $a)) (i32.const 1)) (br_if $next (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const {len(HI)}))))", more=f"(data (i32.const 1024) {literal(HI.encode())})")),
    ("shape-exit", "An answer, then the end of the process with code 0", "C-26", says(HI, "(call $proc_exit (i32.const 0)) (unreachable)")),
    ("shape-4-mib", "An answer of exactly 4,194,304 bytes, most of them spaces", "C-20", padded(LINE_MAX)),
    ("shape-log", "Log lines that are not UTF-8, and more of them than a host keeps", "C-27 S-25", says(HI, "(memory.fill (i32.const 131072) (i32.const 255) (i32.const 65536)) (i32.store (i32.const 0) (i32.const 131072)) (i32.store (i32.const 4) (i32.const 65536)) (loop $more (if (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))) (br_if $more (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const 20))))")),
    ("shape-not-read", "A guest that answers without reading its input", "C-1", says(HI)),
)

# What a tool answers when it cannot, or will not yet.
NOES: tuple[tuple[str, str, str, dict[str, Json], dict[str, Json], str], ...] = (
    ("no-error-result", "A result that says that it is an error", "C-25", {**TEXT, "isError": True}, {}, "tool.said_no"),
    ("no-without-structure", "An error that lacks what the manifest promises of results", "C-12", {**TEXT, "isError": True}, RETURNS, "tool.said_no"),
    ("no-other-structure", "An error with other structured content than the manifest promises of results", "C-12", {**TEXT, "isError": True, "structuredContent": {"m": 1}}, RETURNS, "tool.said_no"),
    ("no-question", "A question of the tool", "C-40 C-41", {"resultType": "input_required", "inputRequests": {"city": {"method": "elicitation/create", "params": {"message": "Which city?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}}}}, {}, "tool.asks"),
)

START = '{"jsonrpc":"2.0","id":1,"result":{"content":['
REPLIES: tuple[tuple[str, str, str, str | bytes], ...] = (
    ("empty", "Nothing at all", "C-20", ""),
    ("line-feed", "A line feed alone", "C-20", "\n"),
    ("half", "Half an answer", "C-20", HI[:40]),
    ("two", "Two answers", "C-20", HI * 2),
    ("two-on-a-line", "Two answers on one line", "C-20", HI.rstrip() + HI),
    ("words-before", "A word before the answer", "C-20", "ready " + HI),
    ("line-before", "A line before the answer", "C-20", "ready\n" + HI),
    ("line-after", "An empty line after the answer", "C-20", HI + "\n"),
    ("carriage-return", "A carriage return before the line feed", "C-20", HI.rstrip() + "\r\n"),
    ("line-inside", "A line feed between two values", "C-20", HI.replace(',"id"', ',\n"id"')),
    ("byte-order-mark", "A byte-order mark", "C-20 C-2", "\ufeff" + HI),
    ("not-utf8", "A text that is not UTF-8", "C-20 C-2", HI.encode().replace(b"hi", b"\xc3\x28")),
    ("surrogate", "An escape of half a character", "C-20 C-2", HI.replace("hi", "\\ud83d")),
    ("nan", "NaN as a number", "C-20 C-2", HI.replace('"id":1', '"id":NaN')),
    ("overflow", "A number beyond all numbers", "C-20 C-2", START + '],"structuredContent":{"n":1e999}}}\n'),
    ("integer", "An integer of 65 bits", "C-20 C-4", START + '],"structuredContent":{"n":18446744073709551616}}}\n'),
    ("depth", "33 levels of nesting", "C-20", line({"content": [], "structuredContent": nested(31)})),
    ("key-twice", "A key twice", "C-20 C-2", HI.replace('"id":1', '"id":1,"id":1')),
    ("key-twice-deep", "A key twice in structured content, the second time escaped", "C-20 C-2", START + '],"structuredContent":{"n":1,"\\u006e":2}}}\n'),
    ("list", "A list with the answer in it", "C-20", f"[{HI.rstrip()}]\n"),
    ("version", "Another version of JSON-RPC", "C-21", HI.replace("2.0", "1.0")),
    ("version-absent", "No version", "C-21", HI.replace('"jsonrpc":"2.0",', "")),
    ("id", "The answer to another call", "C-22", HI.replace('"id":1', '"id":2')),
    ("id-text", "The id as a text", "C-22", HI.replace('"id":1', '"id":"1"')),
    ("id-true", "The id true", "C-22", HI.replace('"id":1', '"id":true')),
    ("id-absent", "No id", "C-22", HI.replace('"id":1,', "")),
    ("both", "A result and an error", "C-23", HI.replace('"result"', '"error":{"code":1,"message":"no"},"result"')),
    ("neither", "Neither result nor error", "C-23", '{"jsonrpc":"2.0","id":1}\n'),
    ("unknown-key", "An unknown key beside the result", "C-24", HI.replace('"id":1', '"id":1,"method":"tools/call"')),
    ("unknown-key-result", "An unknown key in the result", "C-24", line({**TEXT, "iserror": True})),
    ("unknown-key-item", "An unknown key in an item", "C-24", line({"content": [{"type": "text", "text": "hi", "html": "hi"}]})),
    ("no-content", "A result without content", "C-30", line({"structuredContent": {}})),
    ("items-257", "257 items of content", "C-30", line({"content": [{"type": "text", "text": ""}] * 257})),
    ("item-kind", "An item of an unknown kind", "C-31", line({"content": [{"type": "video", "data": "", "mimeType": "video/mp4"}]})),
    ("text-number", "A number as text", "C-31", line({"content": [{"type": "text", "text": 1}]})),
    ("image-base64", "An image in base64 without padding", "C-32", line({"content": [{"type": "image", "data": "AA", "mimeType": "image/png"}]})),
    ("image-base64-bits", "An image in base64 with bits that mean nothing", "C-32", line({"content": [{"type": "image", "data": "AB==", "mimeType": "image/png"}]})),
    ("image-base64-url", "An image in the other alphabet of base64", "C-32", line({"content": [{"type": "image", "data": "__8=", "mimeType": "image/png"}]})),
    ("image-type", "An image of type text/html", "C-32", line({"content": [{"type": "image", "data": "", "mimeType": "text/html"}]})),
    ("link-space", "An address with a space", "C-34", line({"content": [{"type": "resource_link", "uri": "https://example.com/a b", "name": "a"}]})),
    ("link-scheme", "An address without a scheme", "C-34", line({"content": [{"type": "resource_link", "uri": "//example.com/a", "name": "a"}]})),
    ("link-name", "An address without a name", "C-33", line({"content": [{"type": "resource_link", "uri": "https://example.com/"}]})),
    ("resource-both", "A resource with text and bytes", "C-36", line({"content": [{"type": "resource", "resource": {"uri": "urn:a:b", "text": "a", "blob": "YQ=="}}]})),
    ("resource-neither", "A resource with neither text nor bytes", "C-36", line({"content": [{"type": "resource", "resource": {"uri": "urn:a:b"}}]})),
    ("structured-list", "A list as structured content", "C-37", line({"content": [], "structuredContent": [1]})),
    ("priority", "A priority above 1", "C-38", line({"content": [{"type": "text", "text": "", "annotations": {"priority": 2}}]})),
    ("is-error-number", "1 in place of true", "C-24", line({**TEXT, "isError": 1})),
    ("question-none", "A question that asks nothing", "C-40", line({"resultType": "input_required", "inputRequests": {}})),
    ("question-approval", "A question of another method", "C-41", line({"resultType": "input_required", "inputRequests": {"a": {"method": "approval/create", "params": {"message": "May I?", "requestedSchema": {"type": "object"}}}}})),
)

# Arguments that are refused before anything runs.
ARGUMENTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("json", "Arguments that are no JSON", "C-2", "{name: 1}", "call.json"),
    ("key-twice", "Arguments with a key twice", "C-2", '{"name":"a","name":"b"}', "call.json"),
    ("rest", "Something after the arguments", "C-2", "{} {}", "call.json"),
    ("surrogate", "Arguments with half a character", "C-2", '{"name":"\\ud800"}', "call.json"),
    ("infinite", "Arguments with a number beyond all numbers", "C-2", '{"n":1e999}', "call.json"),
    ("list", "A list of arguments", "C-2", "[]", "call.form"),
    ("depth", "Arguments of 31 levels", "C-3", json.dumps(nested(31)), "call.size"),
    ("integer", "An integer of 65 bits", "C-4", '{"n":18446744073709551616}', "call.number"),
    ("integer-negative", "An integer below -2^63", "C-4", '{"n":-9223372036854775809}', "call.number"),
    ("schema", "A number where the schema wants a text", "C-10", '{"name":1}', "call.arguments"),
)


def _replies() -> Iterator[Case]:
    for name, title, clauses, result, changes in RESULTS:
        yield run(name, title, clauses, called(says(line(result)), changes), Call(result={"isError": False, **result}))
    for name, title, clauses, code in SHAPES:
        yield run(name, title, clauses, called(code), Call(result=HI_RESULT))
    for name, title, clauses, result, changes, code_ in NOES:
        yield run(name, title, clauses, called(says(line(result)), changes), Call(result=result), code=code_)
    for name, title, clauses, words in REPLIES:
        yield run(f"reply-{name}", title, clauses, called(says(words)), Call(), code="tool.reply")
    yield run("reply-echo", "The request in place of an answer", "C-22 C-24", called(does("(call $put (i32.const 131072) (call $take))")), Call(), code="tool.reply")
    error = '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no\\u001b[2J","data":{"a":[1]}}}\n'
    yield run("reply-error", "An error in place of a result", "C-25", called(says(error)), Call(), code="tool.error")
    yield run("returns-missing", "No structured content, which the manifest promises", "C-12", called(says(HI), RETURNS), Call(), code="tool.result_schema")
    for name, title, found in (("value", "A number above the promised maximum", {"n": 10}), ("type", "A text for a promised number", {"n": "1"}), ("more", "A key that the manifest excludes", {"n": 1, "m": 1})):
        yield run(f"returns-{name}", title, "C-12", called(says(line({"content": [], "structuredContent": dict(found)})), RETURNS), Call(), code="tool.result_schema")


META: Json = {
    "invocation": "~[0-9a-f]{32}",
    "agent": {"name": "", "proof": "anonymous"},
    "user": "~.*",
    "tenant": "~.*",
    "package": {"id": "com.example.hello", "version": "0.1.0", "sha256": "~[0-9a-f]{64}", "publisher": EXAMPLE.id},
    "tool": "greet",
}


def echoed(arguments: Json, meta: Json = META) -> Json:
    """The line that a guest reads, as the judge checks it."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "greet", "arguments": arguments, "_meta": meta}}


def _lines() -> Iterator[Case]:
    guest = called(echoes())
    odd = 'Gr\u00fc\u00dfe \u4f60\u597d \U0001f44b "\\/\n\r\t\x00\x7f\u2028'
    rows: tuple[tuple[str, str, str, str], ...] = (
        ("line", "The line that the guest reads, with the context of the call", "C-1 C-8", '{"name":"Ada"}'),
        ("line-none", "The line without arguments", "C-1", "{}"),
        ("line-text", "A text beyond ASCII, with line ends and the character 0", "C-1 C-7", json.dumps({"name": odd})),
        ("line-numbers", "Numbers arrive as they were sent", "C-4 C-5", '{"n":[-9223372036854775808,18446744073709551615,0.1,1e300,9007199254740993]}'),
        ("line-keys", "Keys that look like those of the line", "C-1 C-8", '{"_meta":{"tool":"other"},"id":2,"jsonrpc":"3.0","method":"x","params":{}}'),
        ("line-depth", "Arguments of 30 levels, the most there may be", "C-3", json.dumps(nested(30))),
        ("line-long", "A line longer than the buffer of a pipe", "C-1 C-6", json.dumps({"name": "long " * 14_000})),
    )
    for name, title, clauses, arguments in rows:
        yield run(name, title, clauses, guest, Call(arguments=arguments, text=echoed(json.loads(arguments))))
    spaces = Call(arguments=' { "name" : "Ada" , "list" : [ ] } ', text=echoed({"name": "Ada", "list": []}), holds=('"name":"Ada"', '"list":[]'))
    yield run("line-written-anew", "Arguments with white space are written anew, without", "C-5", guest, spaces)
    yield run("line-hash", "The context names the content hash of the package", "C-8", guest, Call(text=echoed({}), holds=(f'"sha256":"{guest.content_hash}"',)))
    count = "(local.set $a (call $take)) (local.set $c (local.get $a)) (loop $next (local.set $a (i32.sub (local.get $a) (i32.const 1))) (local.set $b (i32.add (local.get $b) (i32.eq (i32.load8_u (i32.add (i32.const 131072) (local.get $a))) (i32.const 10)))) (br_if $next (local.get $a)))"
    shape = numbers("(local.get $b)", "(i32.load8_u (i32.add (i32.const 131071) (local.get $c)))", "(call $take)", first=count)
    yield run("line-end", "One line feed, at the end, and then the end of the file", "C-1", called(shape), Call(arguments='{"name":"a\\nb"}', result=numbered(1, 10, 0)))


def numbered(*found: int) -> Json:
    """The result of a guest that answers with numbers."""
    return {"content": [], "structuredContent": {"n": [*found]}, "isError": False}


def _refused() -> Iterator[Case]:
    hi = called(says(HI))
    for name, title, clauses, arguments, code in ARGUMENTS:
        yield run(f"arguments-{name}", title, clauses, hi, Call(arguments=arguments), code=code)
    yield run("tool-unknown", "A tool that the package does not have", "S-81", hi, Call(tool="absent"), code="call.tool")
    yield run("tool-case", "The name of a tool in another case", "S-81 M-31", hi, Call(tool="Greet"), code="call.tool")
    cut = hi.data[:-1]
    yield run("package-unsigned", "A package without a seal", "G-20 S-70", Package(body=hi.body, seal=None), Call(), code="signature.unsigned")
    yield run("package-damaged", "A package that is no archive", "A-23", cut, Call(), code="archive.truncated")
    yield run("package-unknown", "A package of an unknown publisher, whatever --yes says", "K-52", hi, Call(), code="publisher.unknown", trust="nobody")
    yield run("package-fleet", "A package of a publisher that a fleet does not list", "K-53", hi, Call(), code="publisher.not_listed", trust="fleet")
    revoked: list[Json] = [hi.content_hash]
    yield run("package-revoked", "A package whose content is revoked", "G-28", hi, Call(), code="publisher.content_revoked", trust=pinned(EXAMPLE, revoked_content=revoked))
    yield run("package-import", "Code with an import that no host offers", "W-32", called(module([("env", "system", "i:i")])), Call(), code="wasm.import")
    yield run("package-memory", "Code whose memory begins above the limit of the manifest", "W-34", called(module(memory=(257, None))), Call(), code="wasm.memory_limit")
    fleet = pinned(EXAMPLE, first_use=False)
    yield run("consent-fleet", "--yes on a host of a fleet, for a package that asks for storage", "S-66", called(says(HI), STORES), Call(), code="consent.fleet", trust=fleet)
    yield run("consent-needless", "A package that asks for nothing, on a host of a fleet", "S-66", hi, Call(result=HI_RESULT), trust=fleet)
    missing: dict[str, Json] = {"capabilities>filesystem": {"read": ["/mpp-conformance-absent/data"], "write": []}}
    yield run("path-missing", "A declared folder that is not there", "S-61", called(says(HI), missing), Call(), code="call.path_missing")
    workspace: dict[str, Json] = {"capabilities>filesystem": {"read": ["${workspace}"], "write": []}}
    yield run("workspace-missing", "A declared workspace, and none given", "S-61", called(says(HI), workspace), Call(), code="call.workspace")


def cases() -> Iterator[Case]:
    """All cases of what goes in and comes out."""
    yield from _replies()
    yield from _lines()
    yield from _refused()
