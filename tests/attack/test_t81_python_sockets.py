"""T81, a way out of the sandbox through the stand-ins for sockets and TLS: each request is one ``http.fetch`` that the host judges, and nothing else leaves.

On the real layer; skipped without it. The clients are the real ones where they are installed beside the tests.
"""

from __future__ import annotations

import base64
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.model.jsontext import Json
from tests.attack.test_t80_hostile_python import ENTRY, files, found, indent, MEMORY, SECONDS
from tests.javascripted import Engine, MIB, NoHost


def answer(body: bytes = b'{"a": 1}', status: int = 200, headers: list[Json] | None = None) -> dict[str, Json]:
    given: list[Json] = headers if headers is not None else [["Content-Type", "application/json"]]
    return {"status": status, "headers": given, "body": base64.b64encode(body).decode(), "url": "https://x/"}


@pytest.fixture(scope="module")
def engine(python_layer: Path) -> Iterator[Engine]:
    made = Engine(python_layer)
    yield made
    made.close()


def asked(
    engine: Engine, body: str, answers: dict[str, Json], more: dict[str, bytes] | None = None, memory: int = MEMORY
) -> tuple[object, list[dict[str, Json]]]:
    host = NoHost({"http.fetch": answers} if answers else {})
    with engine.tool({**files(indent(body)), **(more or {})}, memory=memory, calls=host, entrypoint=ENTRY) as tool:
        result = found(tool.line(b"{}\n", SECONDS))
    assert all(method == "http.fetch" for method, _ in host.asked)
    requests: list[dict[str, Json]] = [params for _, params in host.asked if isinstance(params, dict)]
    return result, requests


URLLIB = "import urllib.request\nreturn json.load(urllib.request.urlopen(urllib.request.Request('https://api.example.com/a?b=1', data=b'xy', headers={'X-Mine': '1'})))"


def test_a_request_is_a_host_call(engine: Engine):
    result, requests = asked(engine, URLLIB, answer())
    assert result == {"a": 1}
    assert len(requests) == 1
    assert (requests[0]["method"], requests[0]["url"], requests[0]["redirect"]) == ("POST", "https://api.example.com/a?b=1", "manual")
    assert base64.b64decode(str(requests[0]["body"])) == b"xy"
    headers = requests[0]["headers"]
    assert isinstance(headers, list)
    # What belongs to the connection is the host's.
    assert sorted(str(name).lower() for name, _ in headers) == ["content-type", "user-agent", "x-mine"]


def test_what_the_host_refuses_is_an_error_of_the_client(engine: Engine):
    body = "import urllib.request\ntry:\n    urllib.request.urlopen('http://other.example.com/')\nexcept OSError as fault:\n    return str(fault)"
    result, _ = asked(engine, body, {})
    assert "the manifest does not declare it (not_declared: other.example.com)" in str(result)


def test_the_place_is_where_the_socket_was_connected_to_and_not_what_a_header_says(engine: Engine):
    body = "import http.client\nc = http.client.HTTPConnection('one.example.com', 8080)\nc.request('GET', '/', headers={'Host': 'two.example.com'})\nreturn c.getresponse().status"
    result, requests = asked(engine, body, answer())
    assert (result, requests[0]["url"]) == (200, "http://one.example.com:8080/")


def test_two_requests_in_one_piece_are_two_host_calls(engine: Engine):
    body = (
        "import socket\ns = socket.create_connection(('one.example.com', 80))\n"
        "s.sendall(b'GET /a HTTP/1.1\\r\\n\\r\\nPOST /b HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n2\\r\\nhi\\r\\n0\\r\\n\\r\\n')\n"
        "return (s.recv(9999) + s.recv(9999)).decode().count('HTTP/1.1 200 OK')"
    )
    result, requests = asked(engine, body, answer())
    assert result == 2
    assert [str(one["url"]) for one in requests] == ["http://one.example.com/a", "http://one.example.com/b"]
    assert base64.b64decode(str(requests[1]["body"])) == b"hi"


@pytest.mark.parametrize(
    "words",
    ["CONNECT other.example.com:443 HTTP/1.1\\r\\n\\r\\n", "EHLO x\\r\\n", "\\x16\\x03\\x01\\x02\\x00", "PRI * HTTP/2.0\\r\\n\\r\\n", "GET /\\r\\n\\r\\n"],
)
def test_other_protocols_do_not_leave(engine: Engine, words: str):
    body = f"import socket\ns = socket.create_connection(('one.example.com', 80))\ntry:\n    s.sendall(b'{words}')\n    s.recv(1)\nexcept OSError as fault:\n    return str(fault)"
    result, requests = asked(engine, body, answer())
    assert "HTTP" in str(result)
    assert requests == []


def test_a_header_with_a_line_end_splits_no_answer(engine: Engine):
    body = "import urllib.request\nr = urllib.request.urlopen('http://a.example.com/')\nreturn sorted(r.headers.keys())"
    result, _ = asked(engine, body, answer(headers=[["X-A", "1\r\nX-B: 2"], ["X-C", "3"]]))
    assert result == ["Content-Length", "X-C"]


def test_redirects_are_followed_by_the_client_and_judged_each(engine: Engine):
    body = "import urllib.request\ntry:\n    urllib.request.urlopen('https://a.example.com/')\nexcept OSError as fault:\n    return str(fault)"
    result, requests = asked(engine, body, answer(status=302, headers=[["Location", "http://b.example.com/"]]))
    assert "redirect" in str(result)
    assert {str(one["url"]) for one in requests} == {"https://a.example.com/", "http://b.example.com/"}


LOOPS = {
    "sleeping": "async def one(): await asyncio.sleep(0.001); return 1\nreturn asyncio.run(one())",
    "together": "async def one(): return sum(await asyncio.gather(*(asyncio.sleep(0.001, n) for n in range(5))))\nreturn asyncio.run(one())",
    "in a thread": "async def one(): return await asyncio.to_thread(lambda: 7)\nreturn asyncio.run(one())",
    "limited": "async def one():\n    try:\n        async with asyncio.timeout(0.001): await asyncio.sleep(9)\n    except TimeoutError: return 'late'\nreturn asyncio.run(one())",
    "for ever": "async def one(): await asyncio.Event().wait()\ntry: asyncio.run(one())\nexcept RuntimeError as fault: return str(fault)",
}


@pytest.mark.parametrize(
    ("name", "expected"), [("sleeping", 1), ("together", 10), ("in a thread", 7), ("limited", "late"), ("for ever", "nothing in this process")]
)
def test_loops_of_asyncio(engine: Engine, name: str, expected: object):
    result, _ = asked(engine, "import asyncio\n" + LOOPS[name], {})
    assert expected in str(result) if isinstance(expected, str) else result == expected


def installed(*names: str) -> dict[str, bytes]:
    """The sources of packages beside the tests, as members of a package."""
    out = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            pytest.skip(f"{name} is not installed")
        first = Path(spec.origin)
        for path in [first] if first.name != "__init__.py" else sorted([*first.parent.rglob("*.py"), *first.parent.rglob("*.pem")]):
            out[f"lib/{path.relative_to(first.parent.parent if first.name == '__init__.py' else first.parent)}"] = path.read_bytes()
    return out


HTTPX = ("httpx", "httpcore", "anyio", "h11", "idna", "certifi", "typing_extensions")


def test_httpx_works_with_and_without_a_loop(engine: Engine):
    more = installed(*HTTPX)
    if importlib.util.find_spec("sniffio"):
        more |= installed("sniffio")
    body = (
        "import asyncio, httpx\nasync def both():\n    async with httpx.AsyncClient() as client:\n"
        "        return [r.json() for r in await asyncio.gather(client.get('https://a.example.com/1'), client.post('http://b.example.com/2', json={'x': 1}))]\n"
        "return [httpx.get('https://a.example.com/0').json(), *asyncio.run(both())]"
    )
    result, requests = asked(engine, body, answer(), more, 160 * MIB)
    assert result == [{"a": 1}] * 3
    assert sorted(str(one["url"]) for one in requests) == ["http://b.example.com/2", "https://a.example.com/0", "https://a.example.com/1"]


def test_requests_works(engine: Engine):
    more = installed("requests", "urllib3", "idna", "certifi", "charset_normalizer")
    body = "import requests\ns = requests.Session()\nreturn [s.post('https://a.example.com/', json={'x': n}, timeout=3).json() for n in range(2)]"
    result, requests = asked(engine, body, answer(), more, 160 * MIB)
    assert result == [{"a": 1}] * 2
    assert [json.loads(base64.b64decode(str(one["body"]))) for one in requests] == [{"x": 0}, {"x": 1}]
    assert requests[0]["timeout_ms"] == 3000
