"""Our front with nothing behind it: ``add`` as a plain function, in the process of the front. What a call costs beside judging, running, filtering and recording it."""

from __future__ import annotations

import sys
import tempfile

import orjson

from mpp.host.home import Home
from mpp.host.system import SystemClock, SystemRandom
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.testing.backend import MemoryBackend

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}


class Plain(MemoryBackend):
    """As the one of the tests, but it keeps no list of calls."""

    def call(self, who: Caller, call: ToolCall, live: Live) -> Outcome:  # noqa: ARG002 - the contract gives more than is looked at
        given = orjson.loads(call.arguments)
        return Outcome(result={"content": [{"type": "text", "text": str(given["a"] + given["b"])}], "isError": False})


def main() -> None:
    backend = Plain({"add": lambda *_: Outcome(result={})})
    backend.put("add", lambda *_: Outcome(result={}), SCHEMA)
    if len(sys.argv) > 1:
        from mpp.serve.http_server import HttpOptions, HttpServer  # noqa: PLC0415 - only over HTTP

        with tempfile.TemporaryDirectory() as home:
            HttpServer(backend, HttpOptions(home=Home(path=home), listen=f"127.0.0.1:{sys.argv[1]}"), SystemClock(), SystemRandom()).run(signals=True)
        return
    from mpp.serve.stdio import serve_stdio  # noqa: PLC0415 - only over pipes

    serve_stdio(backend, Caller(), SystemClock(), SystemRandom(), version="0")


main()
