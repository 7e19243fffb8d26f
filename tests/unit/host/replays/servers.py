"""A small MCP server for these tests. Run as a program: what it does is said by its one argument, a word of WAYS."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

TOOLS = [
    {"name": "echo", "description": "Says it again", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}},
    {"name": "env of", "description": "Says a variable", "inputSchema": {"type": "object", "properties": {"x": {"type": "string", "nullable": True}}}},
]


def say(message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(asked: Any, result: Any) -> None:
    say({"jsonrpc": "2.0", "id": asked["id"], "result": result})


def ends(_: Any) -> None:
    sys.stderr.write("it is broken\nTraceback of it\n")
    sys.exit(3)


def half(_: Any) -> None:
    os.write(1, b'{"jsonrpc": ')
    os._exit(0)


def huge(_: Any) -> None:
    while True:
        os.write(1, b"x" * 65536)


def flood(_: Any) -> None:
    while True:
        say({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})


def bad_json(_: Any) -> None:
    os.write(1, b'{"jsonrpc": "2.0", "id": 1, "id": 2}\n')


def wrong_id(asked: Any) -> None:
    say({"jsonrpc": "2.0", "id": 999, "result": {"content": [{"type": "text", "text": "of another call"}]}})
    say({"jsonrpc": "2.0", "id": True, "result": {}})
    usual(asked)


def asks(asked: Any) -> None:
    say({"jsonrpc": "2.0", "id": "q1", "method": "ping"})
    say({"jsonrpc": "2.0", "id": "q2", "method": "roots/list"})
    first, second = json.loads(sys.stdin.readline()), json.loads(sys.stdin.readline())
    answer(asked, {"content": [], "structuredContent": {"ping": first.get("result"), "roots": second["error"]["code"]}})


def noisy(asked: Any) -> None:
    os.write(1, b"a word that is no JSON\n[1]\n")
    sys.stderr.write("not an error\n")
    say({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})
    usual(asked)


def usual(asked: Any) -> None:
    name, arguments = asked["params"]["name"], asked["params"]["arguments"]
    if name == "echo":
        answer(asked, {"content": [{"type": "text", "text": arguments.get("text", "")}]})
    elif name == "write":
        with open(arguments["path"], "w", encoding="utf-8") as file:
            file.write("x")
        answer(asked, {"content": []})
    elif name == "never":
        pass
    elif name == "end":
        os._exit(1)
    else:
        say({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32602, "message": f"no tool {name}"}})


WAYS: dict[str, Callable[[Any], None]] = {
    "ends": ends,
    "half": half,
    "huge": huge,
    "flood": flood,
    "bad-json": bad_json,
    "wrong-id": wrong_id,
    "asks": asks,
    "noisy": noisy,
    "silent": lambda _: None,
}


def listed(asked: Any, way: str) -> None:
    cursor = asked["params"].get("cursor")
    if way == "paged":
        answer(asked, {"tools": TOOLS[:1], "nextCursor": "2"} if cursor is None else {"tools": TOOLS[1:]})
    elif way == "same-cursor":
        answer(asked, {"tools": [], "nextCursor": "x"})
    elif way == "too-many":
        answer(asked, {"tools": TOOLS * 600})
    elif way == "no-tools":
        answer(asked, {"tools": []})
    else:
        answer(asked, {"tools": TOOLS})


def main(way: str) -> None:
    os.environ.get("ECHO_CITY")
    if way == "deaf":
        time.sleep(60)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        method = asked.get("method")
        if method == "initialize":
            if way == "no-init":
                say({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32000, "message": "not today"}})
                continue
            version = "1999-01-01" if way == "old" else "2024-11-05"
            answer(asked, {"protocolVersion": version, "capabilities": {}, "serverInfo": {"name": "fake-server", "version": "1"}})
        elif method == "tools/list":
            listed(asked, way)
        elif method == "tools/call":
            WAYS.get(way, usual)(asked)
    if way == "stays":
        # It does not end when its input does, and takes no notice of SIGTERM.
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "plain")
