# ruff: noqa: INP001, N801, T201 - one small program
"""The tools of the golden set over the Python SDK. What they do stands in sdk/golden/README.md."""

from __future__ import annotations

import os
import sys
from typing import Any

from mpp_sdk import (
    Audio,
    Context,
    HostError,
    Image,
    Rejected,
    Resource,
    ResourceLink,
    Structured,
    Text,
    ToolError,
    ask_folders,
    ask_model,
    http,
    kv,
    log,
    progress,
    tool,
)
from mpp_sdk import ask as ask_person

LEAST, MOST = -(2**63), 2**63 - 1
TRIES = 5
ABSENT = "\0absent"  # a value that no caller sends: whether `expect` was given is part of the question


def ok(**fields: Any) -> Structured:
    return Structured(fields, "ok")


class coded:
    """A host call that is refused fails with the code of the host."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, HostError):
            raise ToolError(fault.code) from None


@tool(security_level="low")
def echo(value: Any) -> Structured:
    """Give a value back"""
    return ok(value=value)


@tool(security_level="low")
def add(a: int, b: int) -> Structured:
    """Add two integers"""
    for name, one in (("a", a), ("b", b)):
        if not LEAST <= one <= MOST:
            raise ToolError(f"the argument {name!r} does not fit in 64 bits")
    found = a + b
    if not LEAST <= found <= MOST:
        raise ToolError("the sum does not fit in 64 bits")
    return Structured({"sum": found}, str(found))


@tool(security_level="low")
def greet(name: str = "World", times: int = 1, loud: bool = False) -> Structured:
    """Greet a name"""
    if not name:
        raise ToolError("the name is empty")
    greeting = " ".join([f"Hello, {name}{'!!!' if loud else '!'}"] * times)
    return Structured({"greeting": greeting}, greeting)


@tool(security_level="low")
def half(number: float = 1.0) -> Structured:
    """Halve a number"""
    return ok(half=number / 2)


@tool(security_level="low")
def fail(message: str) -> None:
    """Fail with a message"""
    raise ToolError(message)


@tool(security_level="low")
def reject(code: int, message: str, data: Any = None) -> None:
    """Answer with a reply error"""
    raise Rejected(code, message, data)


@tool(security_level="low")
def content(kind: str) -> Any:
    """Answer with one kind of content"""
    return {
        "texts": lambda: [Text("one"), Text("two")],
        "none": lambda: None,
        "image": lambda: Image(bytes(range(256))),
        "audio": lambda: Audio(b"RIFF"),
        "link": lambda: ResourceLink("https://example.com/report", "report", title="The report", description="A report", mime_type="text/plain", size=42),
        "small_link": lambda: ResourceLink("https://example.com/", "home"),
        "resource_text": lambda: Resource("memory://notes/1", "note", "text/plain"),
        "resource_blob": lambda: Resource("memory://blobs/1", b"\x00\xff", "application/octet-stream"),
        "annotated": lambda: Text("for people").annotated(audience=["user"], priority=0.5),
        "mixed": lambda: Structured({"items": 2}, [Text("one"), Image(b"\x01\x02\x03")]),
    }[kind]()


@tool(security_level="low")
def binary(data: bytes) -> Structured:
    """Turn bytes around"""
    return Structured({"size": len(data), "reversed": data[::-1]}, str(len(data)))


@tool(security_level="low")
def nest(depth: int) -> Structured:
    """Nest lists"""
    found: Any = 0
    for _ in range(depth):
        found = [found]
    return ok(nested=found)


@tool(security_level="low")
def count(words: list[str]) -> Structured:
    """Count words"""
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return ok(counts=counts)


@tool(security_level="low")
def long(size: int) -> Structured:
    """Answer with a long text"""
    return Structured({"size": size}, "x" * size)


@tool(security_level="low")
def kv_get(key: str) -> Structured:
    """Read a key"""
    with coded():
        return ok(value=kv.get(key))


@tool(security_level="low")
def kv_set(key: str, value: str, expect: str | None = ABSENT) -> Structured:
    """Store a text under a key"""
    with coded():
        return ok(stored=kv.set(key, value) if expect == ABSENT else kv.set(key, value, expect=expect))


@tool(security_level="low")
def share(key: str, value: str) -> Structured:
    """Store a text where all tools find it"""
    with coded():
        return ok(stored=kv.set(key, value, shared=True))


@tool(security_level="low")
def shared(key: str) -> Structured:
    """Read a key that all tools share"""
    with coded():
        return ok(value=kv.get(key, shared=True))


@tool(security_level="low")
def kv_delete(key: str) -> Structured:
    """Delete a key"""
    with coded():
        return ok(existed=kv.delete(key))


@tool(security_level="low")
def kv_list(prefix: str = "", after: str = "", limit: int | None = None) -> Structured:
    """List keys"""
    with coded():
        page = kv.page(prefix, after=after, limit=limit)
        return ok(keys=list(page.keys), more=page.more)


@tool(security_level="low")
def kv_count(key: str) -> Structured:
    """Count under a key"""
    with coded():
        for _ in range(TRIES):
            known = kv.get(key)
            found = int(known or b"0") + 1
            if kv.set(key, str(found), expect=known):
                return ok(count=found)
    raise ToolError("busy")


@tool(security_level="low")
def fetch(
    url: str, method: str = "GET", headers: list[list[str]] | None = None, body: str | None = None, timeout_ms: int | None = None, redirect: str = ""
) -> Structured:
    """Make one HTTP request"""
    with coded():
        found = http.fetch(
            method,
            url,
            headers=[(name, value) for name, value in headers or ()],
            body=body,
            timeout=None if timeout_ms is None else timeout_ms / 1000,
            follow={"manual": False, "follow": True}.get(redirect),
        )
        return ok(status=found.status, url=found.url, type=found.header("Content-Type") or None, body=found.body)


@tool(security_level="low")
def whoami(context: Context) -> Structured:
    """Say who calls"""
    return ok(
        agent=context.agent.name,
        proof=context.agent.proof,
        user=context.user,
        tenant=context.tenant,
        invocation=context.invocation,
        tool=context.tool,
        package=context.package.id,
        version=context.package.version,
    )


@tool(security_level="low")
def token(audience: str, context: Context) -> Structured:
    """Get a signed context for a back end"""
    with coded():
        return ok(token=context.token(audience))


@tool(security_level="low")
def note(level: str, message: str) -> str:
    """Write a log line"""
    log.write(level, message)
    return "ok"


@tool(security_level="low")
def work(steps: int) -> Structured:
    """Report progress"""
    for step in range(1, steps + 1):
        progress(step, steps, f"step {step}")
    return ok(done=steps)


@tool(security_level="low", asks=["answer"])
def ask(kind: str = "person") -> Structured:
    """Ask for more"""
    if kind == "model":
        said = ask_model("answer", "Say hello", max_tokens=100, system="Be short")
        return Structured({"said": said}, said)
    if kind == "folders":
        return ok(folders=[root["uri"] for root in ask_folders("answer")])
    answer = ask_person("answer", "Who is it for?", {"name": str})
    if not answer:
        raise ToolError("nobody said a name")
    greeting = f"Hello, {answer['name']}!"
    return Structured({"greeting": greeting}, greeting)


@tool(security_level="low")
def environment(name: str) -> Structured:
    """Read a variable"""
    return ok(value=os.environ.get(name))


@tool(security_level="low")
def stderr(message: str) -> Any:
    """Write to standard error"""
    print(message, file=sys.stderr)
    return "ok"
