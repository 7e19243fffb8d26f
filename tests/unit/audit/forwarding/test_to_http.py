"""Web servers as targets: what each answer means, and what a server cannot do to us."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mpp.host.audit.forwarding.answers import Answer, LATER, Piece, REFUSED, YES
from mpp.host.audit.forwarding.targets import check_target, Target
from mpp.host.audit.forwarding.to_http import ToLines, ToOtlp, Web
from mpp.host.system import FixedClock
from mpp.stages.audit.forward import to_jsonl
from tests.unit.audit.forward.cases import records
from tests.certificates import make_pair
from tests.unit.audit.forwarding.conftest import AT

PIECES = [Piece(record=one, data=to_jsonl(one)) for one in records()]
Reply = Callable[[BaseHTTPRequestHandler, bytes], None]


class Site:
    """A web server that keeps what it got and answers as ``reply`` says."""

    def __init__(self, reply: Reply, context: ssl.SSLContext | None = None) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                site.got.append((self.path, dict(self.headers), body))
                try:
                    reply(self, body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Not onto the screen."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def says(status: int, body: bytes = b"", **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(status)
        for name, text in headers.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def start(reply: Reply, context: ssl.SSLContext | None = None) -> Site:
        made.append(Site(reply, context))
        return made[-1]

    yield start
    for one in made:
        one.close()


def web(port: int, path: str = "", seconds: float = 20, headers: dict[str, str] | None = None) -> tuple[Web, str]:
    target = check_target(Target(name="x", to=f"http://127.0.0.1:{port}{path}", format="otlp"))
    return Web(target, headers or {}, FixedClock(AT), seconds=seconds, silence=5), target.address.path


def lines(found: Site, path: str = "/in?x=1", **more: object) -> Answer:
    return ToLines(*web(found.port, path, **more)).send(PIECES)  # type: ignore[arg-type]


def otlp(found: Site, *, spans: bool = True) -> ToOtlp:
    carrier, path = web(found.port, "/base/")
    return ToOtlp(carrier, path, spans=spans)


def test_lines_go_in_one_request(site) -> None:
    found = site(says(204))
    assert lines(found, headers={"Authorization": "Bearer x"}) == YES
    ((path, headers, body),) = found.got
    assert (path, headers["Content-Type"], headers["Authorization"]) == ("/in?x=1", "application/x-ndjson", "Bearer x")
    assert [json.loads(line)["seq"] for line in body.splitlines()] == list(range(len(PIECES)))


MEANINGS = [
    (200, YES.kind),
    (202, YES.kind),
    (400, REFUSED),
    (413, REFUSED),
    (422, REFUSED),
    (401, LATER),
    (403, LATER),
    (404, LATER),
    (429, LATER),
    (500, LATER),
]


@pytest.mark.parametrize(("status", "kind"), MEANINGS)
def test_what_an_answer_means(site, status: int, kind: str) -> None:
    """A wrong address or token is no fault of a record: nothing is thrown away for it."""
    answer = lines(site(says(status, b"be\x1bcause")))
    assert answer.kind == kind
    if kind != YES.kind:
        assert answer.why == f"it answers {status} be\\x1bcause"


def test_no_redirect_is_followed(site) -> None:
    """Attack: a server that sends the record on to another one, with the token."""
    other = site(says(200))
    found = site(says(307, Location=f"http://127.0.0.1:{other.port}/"))
    answer = lines(found)
    assert (answer.kind, "no redirect is followed" in answer.why, other.got) == (LATER, True, [])


AFTER = [("7", 7), ("99999999999", 600), ("soon", 0), ("-1", 0), ("", 0), ("Mon, 21 Sep 2026 14:13:50 GMT", 30), ("Mon, 21 Sep 2020 14:13:50 GMT", 0)]


@pytest.mark.parametrize(("text", "seconds"), AFTER)
@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_it_is_asked(site, status: int, text: str, seconds: float) -> None:
    assert lines(site(says(status, Retry_After=text))).after == seconds


def test_other_answers_do_not_make_us_wait(site) -> None:
    assert lines(site(says(500, Retry_After="7"))).after == 0


def test_an_answer_without_an_end_is_cut(site) -> None:
    """Attack: an answer that fills the memory, or that never ends."""

    def endless(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    assert lines(site(endless)) == YES


def test_a_server_that_drips_is_ended(site) -> None:
    stop = threading.Event()

    def drip(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not stop.wait(0.02):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    answer = lines(site(drip), seconds=0.3)
    stop.set()
    assert (answer.kind, answer.why) == (LATER, "it takes too long")


def test_what_is_no_http(site) -> None:
    def nonsense(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.wfile.write(b"220 mail\r\n\r\n")
        handler.close_connection = True

    answer = lines(site(nonsense))
    assert (answer.kind, answer.why) == (LATER, "its answer breaks off or is no HTTP")


def test_nobody_there(site) -> None:
    found = site(says(200))
    found.close()
    assert lines(found).why == "Connection refused"


# -- OTLP


def test_logs_and_spans(site) -> None:
    found = site(says(200, b'{"partialSuccess":{}}'))
    assert otlp(found).send(PIECES) == YES
    assert [path for path, *_ in found.got] == ["/base/v1/logs", "/base/v1/traces"]
    assert all(headers["Content-Type"] == "application/json" for _, headers, _ in found.got)
    logs, spans = (json.loads(body) for *_, body in found.got)
    assert len(logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"]) == len(PIECES)
    assert len(spans["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 4


def test_logs_alone(site) -> None:
    found = site(says(200))
    assert otlp(found, spans=False).send(PIECES) == YES
    assert [path for path, *_ in found.got] == ["/base/v1/logs"]
    assert otlp(found).send(PIECES[:1]) == YES
    assert len(found.got) == 2


def test_logs_that_were_taken_are_not_sent_again_with_the_spans(site) -> None:
    answers = [says(200), says(503), says(200), says(200), says(200)]

    def reply(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        answers.pop(0)(handler, body)

    found = site(reply)
    target = otlp(found)
    assert target.send(PIECES).kind == LATER
    assert target.send(PIECES) == YES
    assert [path.rpartition("/")[2] for path, *_ in found.got] == ["logs", "traces", "traces"]
    # The spans of the second try still know when their calls began.
    assert found.got[1][2] == found.got[2][2]
    # A batch that comes again later is a new one.
    assert target.send(PIECES) == YES
    assert len(found.got) == 5


def test_a_call_that_began_before_we_did(site) -> None:
    found = site(says(200))
    carrier, path = web(found.port)
    target = ToOtlp(carrier, path, spans=True, earlier=[PIECES[13].record])
    assert target.send(PIECES[15:16]) == YES
    assert b'"execute_tool find"' in found.got[1][2]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b'{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}', REFUSED),
        (b'{"partialSuccess":{"rejectedLogRecords":1}}', REFUSED),
        (b'{"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"a warning"}}', YES.kind),
        (b'{"partialSuccess":null}', YES.kind),
        (b"[]", YES.kind),
        (b"ok", YES.kind),
        (b"", YES.kind),
    ],
)
def test_partial_success(site, said: bytes, kind: str) -> None:
    answer = otlp(site(says(200, said)), spans=False).send(PIECES)
    assert answer.kind == kind
    if b"too old" in said:
        assert answer.why == "it rejects records: too old"


def test_https_with_a_token_and_a_known_server(site, tmp_path: Path) -> None:
    pair, other = make_pair(tmp_path), make_pair(tmp_path, "other.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    found = site(says(200), context)
    for ca, kind in ((pair.cert, YES.kind), (other.cert, LATER)):
        target = check_target(Target(name="x", to=f"https://localhost:{found.port}/in", format="jsonl", ca=str(ca)))
        assert ToLines(Web(target, {"Authorization": "Bearer x"}, FixedClock(AT)), "/in").send(PIECES).kind == kind
    assert len(found.got) == 1
