"""Record what the servers of this folder answer with the MCP SDK that they were written for: `tools.json` and `calls.jsonl` of each.

    python -m venv old && old/bin/pip install 'mcp<2' httpx
    old/bin/python record.py

Nothing leaves this machine: requests are answered from `routes.json`, questions from `calls.json`.
"""

import asyncio
import importlib.util
import io
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVERS = sorted(path.parent.name for path in HERE.glob("*/server.py"))


def load(name):
    spec = importlib.util.spec_from_file_location(f"server_{name.replace('-', '_')}", HERE / name / "server.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def answer_from_routes(name):
    """Both HTTP clients of the servers answer from a file."""
    path = HERE / name / "routes.json"
    routes = json.loads(path.read_text()) if path.exists() else {}

    def found(address):
        route = routes[address]
        body = json.dumps(route["json"]).encode() if "json" in route else route["text"].encode()
        return route.get("status", 200), body

    class Opener(urllib.request.BaseHandler):
        handler_order = 0

        def default_open(self, request):
            status, body = found(request.full_url)
            answered = urllib.response.addinfourl(io.BytesIO(body), {}, request.full_url, status)
            answered.msg = "Not Found" if status == 404 else "OK"
            return answered

    urllib.request.install_opener(urllib.request.build_opener(Opener()))
    import httpx

    async def send(self, request):
        status, body = found(str(request.url))
        return httpx.Response(status, content=body, request=request)

    httpx.AsyncHTTPTransport.handle_async_request = send


async def record(name):
    from mcp.shared.memory import create_connected_server_and_client_session
    from mcp.types import ElicitResult

    module = load(name)
    pending = []

    async def answer(_context, _params):
        return ElicitResult(**pending[0])

    tools, lines = [], []
    async with create_connected_server_and_client_session(module.mcp._mcp_server, elicitation_callback=answer) as client:
        for tool in (await client.list_tools()).tools:
            tools.append(tool.model_dump(mode="json", exclude_none=True, by_alias=True))
        for call in json.loads((HERE / name / "calls.json").read_text()):
            pending[:] = [call.get("answers")]
            result = await client.call_tool(call["tool"], call["arguments"])
            # A package is called again with the answer among the arguments; so the recording has it there.
            arguments = {**call["arguments"], **({"answer": call["answers"]} if "answers" in call else {})}
            lines.append({"tool": call["tool"], "arguments": arguments, "result": result.model_dump(mode="json", exclude_none=True, by_alias=True)})
    return tools, lines


def main():
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    os.environ["NOTES_FOLDER"] = tempfile.mkdtemp(prefix="notes-")
    for name in SERVERS:
        answer_from_routes(name)
        tools, lines = asyncio.run(record(name))
        (into / name).mkdir(parents=True, exist_ok=True)
        (into / name / "tools.json").write_text(json.dumps(tools, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
        text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
        (into / name / "calls.jsonl").write_text(text, encoding="utf-8")
        print(f"{name}: {len(tools)} tools, {len(lines)} calls")


if __name__ == "__main__":
    main()
