"""A name server and a web server on loopback: what the registry asks of the world, answered for real."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.certificates import Authority, pem, private_pem

Answer = Callable[[str], list[str] | str]
"""For a name: TXT records, names of aliases as ``CNAME name``, or a word: nothing, fail, silent."""


@contextmanager
def name_server(answer: Answer) -> Iterator[int]:
    """The port of a name server that asks ``answer`` for each name."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(sock, answer), daemon=True)
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        sock.sendto(b"end", sock.getsockname())
        thread.join(5)
        sock.close()


def _serve(sock: socket.socket, answer: Answer) -> None:
    while True:
        data, back = sock.recvfrom(4096)
        if data == b"end":
            return
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        name = query.question[0].name.to_text()
        found = answer(name.removesuffix("."))
        if found == "silent":
            continue
        if found == "fail":
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif found == "nothing":
            reply.set_rcode(dns.rcode.NXDOMAIN)
        else:
            for one in found:
                if one.startswith("CNAME "):
                    target = one.removeprefix("CNAME ") + "."
                    reply.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
                    name = target
            texts = [f'"{one}"' for one in found if not one.startswith("CNAME ")]
            if texts:
                reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *texts))
        sock.sendto(reply.to_wire(), back)


def certificates(folder: Path, name: str) -> tuple[str, str]:
    """Files of a certificate for ``name`` with its key, and of its own authority."""
    made = Authority("test", (name,))
    both, authority = folder / "server.pem", folder / "ca.pem"
    authority.write_bytes(pem(made.certificate))
    both.write_bytes(pem(made.certificate) + private_pem(made.key))
    return str(both), str(authority)


Page = tuple[int, dict[str, str], bytes]


@contextmanager
def web_server(folder: Path, name: str, page: Callable[[str], Page]) -> Iterator[tuple[int, str]]:
    """Port and authority of a web server over TLS that answers ``page(path)``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = page(self.path)
            self.send_response(status)
            for header, text in headers.items():
                self.send_header(header, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that does not believe our certificate goes away: that is what some tests are for."""

    both, authority = certificates(folder, name)
    server = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], authority
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
