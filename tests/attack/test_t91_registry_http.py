"""T91: hostile requests to a registry. Whatever a stranger sends, nothing of the inside comes out, nothing is changed, and others go on being served.

What is sent: SQL, markup and line breaks in every parameter of every endpoint; what is made of the OpenAPI document at random; requests that two readers
take differently; bodies without end, or a byte at a time; the head of one request with the body of another; a request once more; guessed tokens.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, HealthCheck, settings, strategies as st

from mpp.model.jsontext import Json
from mpp.protocol.registry.requests import sign_request
from mpp.testing.packages import signed
from mpp_registry.api import receiving
from mpp_registry.api.app import full_table
from mpp_registry.api.endpoint import Endpoint
from mpp_registry.api.metrics import Metrics
from mpp_registry.serve import Door, Listening, RegistryServer
from tests.registry.api.schema import fits
from tests.registry.api.world import PACKAGE, Reply, serving, somebody, TOKEN, World

BY, OTHER = somebody(), somebody("Other Publisher")
HELLO = "/v1/packages/com.example.hello/versions/0.1.0"
TABLE = full_table(Metrics())

HOSTILE = (
    "' OR 1=1 --", '"; DROP TABLE packages; --', "%' UNION SELECT text FROM settings --", "<script>alert(1)</script>", "../../../etc/passwd",
    "a\r\nset-cookie: x=1", "a\x00b", "\u202e\u2066", "%00", "${jndi:ldap://x}", "{{7*7}}", "a" * 1500, "-1", "9" * 40, "NaN", "*", "?", "\\",
)  # fmt: skip

INSIDE = (b"Traceback", b"sqlite", b"apsw", b"psycopg", b".py", b"registry.db", b"site-packages", b"log_leaves", b"syntax error")
"""What an answer never holds."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = str(tmp_path_factory.mktemp("registry"))
    with serving(folder) as found:
        assert found.register(BY).status == 201
        assert found.publish(BY).status == 201
        yield found


def harmless(reply: Reply) -> None:
    """A refusal or an answer in the form that the table says, and nothing of the inside."""
    assert reply.status < 500, reply
    whole = reply.body + repr(sorted(reply.headers.items())).encode()
    for word in INSIDE:
        assert word.lower() not in whole.lower(), (word, reply)
    # What a client wrote may be quoted, in a document that no browser takes for a page.
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "html" not in reply.headers.get("content-type", "")
    assert "set-cookie" not in reply.headers
    if reply.headers.get("content-type") == "application/problem+json":
        assert fits("Problem", reply.json) == []


def filled(row: Endpoint, hostile: str) -> Iterator[str]:
    """Its path with the hostile text in one place after the other, and in each parameter of its query."""
    sound = {one.name: quote(one.example, safe="") for one in row.places}
    for one in row.places:
        yield row.path.replace(":path}", "}").format(**{**sound, one.name: quote(hostile, safe="")})
    for one in row.query:
        yield row.path.replace(":path}", "}").format(**sound) + f"?{one.name}={quote(hostile, safe='')}"
    if not row.places and not row.query:
        yield row.path + f"?{quote(hostile, safe='')}=1"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_hostile_texts_in_every_parameter(world: World, row: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp_registry.api.guard.RATE_READ", 10**9)
    monkeypatch.setattr("mpp_registry.api.guard.RATE_WRITE_ADDRESS", 10**9)
    with world.services.database.read() as rows:
        before = world.services.ledger.size(rows)
    for hostile in HOSTILE:
        for target in filled(row, hostile):
            reply = world.ask(row.method, target, b"{}" if row.body_media else None, {"content-type": row.body_media or "text/plain"})
            harmless(reply)
            assert reply.status not in {201, 202}, target
    with world.services.database.read() as rows:
        assert world.services.ledger.size(rows) == before


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def of_schema(schema: dict[str, Json], schemas: dict[str, Json]) -> st.SearchStrategy[object]:
    """Documents that nearly fit: the right keys, with values that may be wrong."""
    if "$ref" in schema:
        return of_schema(cast("dict[str, Json]", schemas[str(schema["$ref"]).rpartition("/")[2]]), schemas)
    if "enum" in schema:
        return st.sampled_from(cast("list[str]", schema["enum"])) | JSON_TEXTS
    kind = schema.get("type")
    if kind == "object":
        properties = cast("dict[str, dict[str, Json]]", schema.get("properties", {}))
        return st.fixed_dictionaries({}, optional={name: of_schema(one, schemas) for name, one in properties.items()})
    if kind == "array":
        return st.lists(of_schema(cast("dict[str, Json]", schema["items"]), schemas), max_size=2)
    examples = cast("list[str]", schema.get("examples", []))
    return st.sampled_from([*examples, "com.example.hello", "0.1.0", *HOSTILE]) | JSON_TEXTS


@pytest.mark.parametrize("row", [row for row in TABLE if row.body], ids=lambda row: row.name)
def test_bodies_made_of_the_openapi_document(world: World, row: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp_registry.api.guard.RATE_WRITE_ADDRESS", 10**9)
    monkeypatch.setattr("mpp_registry.api.guard.RATE_READ", 10**9)
    schemas = cast("dict[str, Json]", cast("dict[str, Json]", world.get("/v1/openapi.json").json["components"])["schemas"])
    target = row.path.format(**{one.name: quote(one.example, safe="") for one in row.places})

    @settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(of_schema({"$ref": f"#/components/schemas/{row.body}"}, schemas), st.sampled_from(["admin", "publisher", "nobody"]))
    def ask(body: object, who: str) -> None:
        data = json.dumps(body).encode()
        headers = {"content-type": row.body_media}
        if who == "admin":
            headers["authorization"] = f"Bearer {TOKEN}"
        elif who == "publisher":
            headers["authorization"] = world.header(BY, row.method, target, data)
        harmless(world.ask(row.method, target, data, headers))

    ask()


RAW = [
    b"GET /v1/registry HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    b"POST /v1/reports HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    b"POST /v1/reports HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
    b"GET /v1/registry HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
    b"GET /v1/registry HTTP/1.1\r\n" + b"x: y\r\n" * 200 + b"\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /v1/registry\x00 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET http://169.254.169.254/v1/registry HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\n\r\n",
    b"GET /v1/registry HTTP/1.1\r\nhost: a\r\nauthorization: MPP-Signed x\r\nauthorization: Bearer y\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\n\r\n",
]


@pytest.mark.parametrize("data", RAW, ids=range(len(RAW)))
def test_requests_that_two_readers_take_differently(world: World, data: bytes) -> None:
    answer = talk(world, data)
    assert b"evil.example" not in answer
    for word in INSIDE:
        assert word.lower() not in answer.lower()
    # At most one request was seen: what stands behind a first one is never a second.
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert world.get("/health").status == 200


def connected(world: World) -> socket.socket:
    parts = urlsplit(world.server.url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10)


def talk(world: World, data: bytes) -> bytes:
    with connected(world) as wire:
        wire.sendall(data)
        wire.shutdown(socket.SHUT_WR)
        pieces: list[bytes] = []
        try:
            while piece := wire.recv(65536):
                pieces.append(piece)
        except ConnectionResetError:
            pass
        return b"".join(pieces)


def test_an_answer_never_holds_what_a_client_says_of_names(world: World) -> None:
    for target in ("/v1/registry", "/v0.1/servers", HELLO, "/v2/com.example.hello/tags/list?n=1"):
        reply = world.get(target, host="evil.example", x_forwarded_host="evil.example", forwarded="host=evil.example", x_forwarded_proto="gopher")
        assert b"evil" not in reply.body + repr(reply.headers).encode()
        assert b"gopher" not in reply.body


def test_the_head_of_one_request_with_the_body_of_another(world: World) -> None:
    ours, theirs = signed(BY, {"version": "0.3.0"}), signed(BY, {"version": "0.4.0"})
    header = world.header(BY, "POST", "/v1/packages", ours)
    reply = world.ask("POST", "/v1/packages", theirs, {"authorization": header, "content-type": PACKAGE})
    assert (reply.status, reply.code) == (401, "registry.unauthenticated")
    # The request was spent with that: its own body is refused as well, and a new request is needed.
    again = world.ask("POST", "/v1/packages", ours, {"authorization": header, "content-type": PACKAGE})
    assert (again.status, again.code) == (401, "registry.replay")


@pytest.mark.parametrize("change", ["method", "target", "query", "audience", "late", "early", "again"])
def test_a_signed_request_is_for_one_thing_once(world: World, change: str) -> None:
    status, body = HELLO + "/status", b'{"status":"yanked","reason":"stolen"}'
    audience = "0" * 64 if change == "audience" else world.services.settings.registry_id
    at = world.clock.now() + {"late": -120, "early": 120}.get(change, 0)
    method = "POST" if change == "method" else "PUT"
    target = {"target": HELLO.replace("0.1.0", "0.2.0") + "/status", "query": status + "?x=1"}.get(change, status)
    nonce = sha256(change.encode()).hexdigest()[:32]
    header = sign_request(BY.release[0], method=method, target=target, body_sha256=sha256(body).hexdigest(), audience=audience, at=at, nonce=nonce)
    headers = {"authorization": header, "content-type": "application/json"}
    if change == "again":
        assert world.ask("PUT", status, b'{"status":"yanked","reason":"stolen"}', headers).status == 200
        world.admin("PUT", status, {"status": "active", "reason": ""})
    reply = world.ask("PUT", status, body, headers)
    assert reply.status == 401, reply
    assert world.get(HELLO).json["status"] == "active"


def test_a_guessed_token_is_nobody(world: World) -> None:
    for written in ("Bearer", "Bearer ", "bearer " + TOKEN, "Basic " + TOKEN, "MPP-Signed", "MPP-Signed " + "A" * 100_00, "MPP-Signed {}", "x" * 9000, TOKEN):
        reply = world.ask("PUT", HELLO + "/status", b'{"status":"revoked","reason":"x"}', {"authorization": written, "content-type": "application/json"})
        assert reply.status in {401, 403}, (written[:20], reply)
        harmless(reply)
    assert world.get(HELLO).json["status"] == "active"


def test_forms_of_web_pages_change_nothing(world: World) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        body = b'{"package_id":"com.example.hello","kind":"malware","text":"from a page"}'
        reply = world.ask("POST", "/v1/reports", body, {"content-type": kind, "origin": "https://evil.example"})
        assert (reply.status, reply.code) == (415, "registry.media")
    packed = world.ask("POST", "/v1/reports", b"x", {"content-type": "application/json", "content-encoding": "gzip"})
    assert (packed.status, packed.code) == (415, "registry.media")


def test_a_stranger_cannot_make_the_registry_receive_a_package(world: World) -> None:
    """The refusal comes before the body: what is promised to be 200 MB is never read."""
    with connected(world) as wire:
        wire.sendall(b"POST /v1/packages HTTP/1.1\r\nhost: a\r\ncontent-type: application/vnd.mpp.package\r\ncontent-length: 200000000\r\n\r\n")
        assert wire.recv(100).startswith(b"HTTP/1.1 401 ")


def test_a_body_without_end_is_cut(world: World) -> None:
    with connected(world) as wire:
        wire.sendall(b"POST /v1/reports HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        answer = b""
        try:
            for _ in range(100):
                wire.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
            answer = wire.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            answer = answer or b"HTTP/1.1 413 "
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_byte_at_a_time_is_too_slow_and_others_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "BODY_GRACE_SECONDS", 0.3)
    with serving(str(tmp_path)) as world:
        wires = [connected(world) for _ in range(20)]
        for wire in wires:
            wire.sendall(b"POST /v1/reports HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
        begun = time.monotonic()
        assert world.get("/v1/registry").status == 200
        answers = [wire.recv(100) for wire in wires]
        assert {answer[:13] for answer in answers} == {b"HTTP/1.1 408 "}
        assert time.monotonic() - begun < 60
        for wire in wires:
            wire.close()


def test_a_reader_that_reads_nothing_keeps_nobody_back_and_the_server_ends(tmp_path: Path) -> None:
    with serving(str(tmp_path)) as world:
        world.register(BY)
        world.publish(BY, extra={"data/large.bin": __import__("random").Random(1).randbytes(6_000_000)})
        wires = []
        for _ in range(10):
            wire = connected(world)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.sendall(f"GET {HELLO}/download HTTP/1.1\r\nhost: a\r\n\r\n".encode())
            wires.append(wire)
        assert world.get("/v1/search?q=hello").status == 200
        assert len(world.get(HELLO + "/download").body) > 6_000_000
        for wire in wires:
            wire.close()


def test_a_failure_inside_says_nothing_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM keys WHERE path = '/root/registry.db'")

    monkeypatch.setattr("mpp_registry.catalog.remembered.Remembered.search", broken)
    with serving(str(tmp_path)) as world:
        reply = world.get("/v1/search?q=x")
        assert (reply.status, reply.code) == (500, "registry.failed")
        assert b"SELECT" not in reply.body
        assert b"/root" not in reply.body
        assert reply.headers["x-request-id"] == reply.json["request_id"]
        assert world.get("/v1/registry").status == 200
    # Whoever runs it finds the trace in the log of the process.
    assert "SELECT secret" in caplog.text


def test_a_store_that_fails_names_no_path_and_no_host(tmp_path: Path) -> None:
    with serving(str(tmp_path)) as world:
        world.register(BY)
        world.publish(BY)
        for blob in (tmp_path / "blobs").rglob("*"):
            if blob.is_file():
                blob.unlink()
        reply = world.get(HELLO + "/download")
        assert (reply.status, reply.code) == (500, "registry.failed")
        assert str(tmp_path).encode() not in reply.body


def test_a_server_that_is_told_to_stop_ends_what_runs(tmp_path: Path) -> None:
    with serving(str(tmp_path)) as world:
        server = RegistryServer(world.app, Door(Listening(listen="127.0.0.1:0")), stop_seconds=0.2)
        ready = threading.Event()
        thread = threading.Thread(target=lambda: server.run(ready=ready.set))
        thread.start()
        assert ready.wait(60)
        wire = socket.create_connection(("127.0.0.1", int(urlsplit(server.url).port or 0)), timeout=60)
        wire.sendall(b"POST /v1/reports HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        server.stop()
        thread.join(60)
        assert not thread.is_alive()
        wire.close()
