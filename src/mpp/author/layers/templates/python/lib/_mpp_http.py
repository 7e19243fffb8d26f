"""A connection that is none: reads the HTTP/1.1 requests that a client writes, asks the host to carry them out, and writes its answers as HTTP/1.1."""

import base64
import errno
import json
import socket

import _mpp

TLS_HELLO = b"\x16MPP-TLS\n"
"""What the stand-in for TLS writes first. No HTTP request begins with this byte."""
HEAD_BYTES_MAX = 65536
TIMEOUT_MS_MAX = 300_000
ONLY_HTTP = "only HTTP leaves the sandbox: the stand-in for sockets understands HTTP/1.1 requests and nothing else"

# What belongs to the connection is the host's business, and it refuses a request that sets it.
_DROPPED = frozenset((
    "accept-encoding", "connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
))
_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE")
_NUMBERS = {
    "not_declared": (PermissionError, errno.EACCES),
    "not_granted": (PermissionError, errno.EACCES),
    "blocked_address": (PermissionError, errno.EACCES),
    "connect": (ConnectionRefusedError, errno.ECONNREFUSED),
    "timeout": (TimeoutError, errno.ETIMEDOUT),
    "deadline": (TimeoutError, errno.ETIMEDOUT),
}


class Line:
    """One connection to one place."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.tls = False
        self.timeout = None
        self._sent = bytearray()
        self._answer = bytearray()
        self._requests = []
        self._begun = False
        self._last = False
        self._told_to_go_on = False

    def write(self, data):
        self._sent += data
        if not self._begun and self._sent.startswith(TLS_HELLO[: len(self._sent)]):
            if len(self._sent) < len(TLS_HELLO):
                return
            self.tls = True
            del self._sent[: len(TLS_HELLO)]
        self._begun = self._begun or bool(self._sent)
        while self._sent and self._take_request():
            pass

    def is_ready(self):
        """Whether reading gives something at once: an answer, the end, or a request that can be carried out."""
        return bool(self._answer or self._requests or self._last)

    def read(self, size):
        """At most ``size`` bytes; empty at the end; None if there is nothing, and nothing will come before more is written."""
        if not self._answer and self._requests:
            self._answer += self._fetch(*self._requests.pop(0))
        if not self._answer:
            return b"" if self._last else None
        part = bytes(self._answer[:size])
        del self._answer[:size]
        return part

    def _take_request(self):
        """Move one whole request from what was sent to what is to be done."""
        end = self._sent.find(b"\r\n\r\n")
        if end < 0:
            self._check_beginning()
            return False
        lines = bytes(self._sent[:end]).decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        target, _, version = rest.rpartition(" ")
        if not version.startswith("HTTP/1.") or method == "CONNECT":
            raise OSError(errno.EPROTONOSUPPORT, ONLY_HTTP)
        headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        known = {name.lower(): value for name, value in headers}
        body, used = self._take_body(known, end + 4)
        if body is None:
            if known.get("expect", "").lower() == "100-continue" and not self._told_to_go_on:
                self._told_to_go_on = True
                self._answer += b"HTTP/1.1 100 Continue\r\n\r\n"
            return False
        self._told_to_go_on = False
        del self._sent[:used]
        self._last = self._last or known.get("connection", "").lower() == "close"
        self._requests.append((method, target, headers, body))
        return True

    def _check_beginning(self):
        word = bytes(self._sent.lstrip(b"\r\n")[:8])
        if len(self._sent) > HEAD_BYTES_MAX or not any(one.startswith(word) or word.startswith(one + b" ") for one in _METHODS):
            raise OSError(errno.EPROTONOSUPPORT, ONLY_HTTP)

    def _take_body(self, known, at):
        if "chunked" in known.get("transfer-encoding", "").lower():
            return self._take_chunks(at)
        size = int(known.get("content-length", "0") or "0")
        if len(self._sent) < at + size:
            return None, 0
        return bytes(self._sent[at : at + size]), at + size

    def _take_chunks(self, at):
        body = bytearray()
        while (end := self._sent.find(b"\r\n", at)) >= 0:
            size = int(bytes(self._sent[at:end]).split(b";")[0], 16)
            at = end + 2
            if size == 0:
                while (end := self._sent.find(b"\r\n", at)) > at:
                    at = end + 2
                return (None, 0) if end < 0 else (bytes(body), end + 2)
            if len(self._sent) < at + size + 2:
                break
            body += self._sent[at : at + size]
            at += size + 2
        return None, 0

    def _fetch(self, method, target, headers, body):
        scheme = "https" if self.tls else "http"
        place = self._place(scheme)
        params = {
            "method": method,
            "url": target if target.startswith(("http://", "https://")) else f"{scheme}://{place}{target}",
            "headers": [[name, value] for name, value in headers if name.lower() not in _DROPPED],
            "redirect": "manual",
        }
        if body:
            params["body"] = base64.b64encode(body).decode("ascii")
        if self.timeout:
            params["timeout_ms"] = max(1, min(TIMEOUT_MS_MAX, int(self.timeout * 1000)))
        request = json.dumps({"method": "http.fetch", "params": params}, separators=(",", ":"))
        answer = json.loads(_mpp.call(request.encode("utf-8", "surrogatepass")))
        if "error" in answer:
            self._last = True
            raise _fault(answer["error"], self.host)
        return _write_answer(answer["result"], method)

    def _place(self, scheme):
        usual = {"https": 443, "http": 80}[scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def _fault(error, host):
    """The exception that a client of sockets knows for this refusal."""
    code = error.get("code", "unavailable")
    words = f"{error.get('message', '')} ({code}: {host})"
    if code == "unresolvable":
        return socket.gaierror(socket.EAI_NONAME, words)
    if code == "tls":
        import ssl

        return ssl.SSLError(1, words)
    kind, number = _NUMBERS.get(code, (ConnectionError, errno.EPROTO))
    return kind(number, words)


def _write_answer(result, method):
    import http

    status = result["status"]
    body = base64.b64decode(result.get("body") or "")
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}"]
    gone = {"connection", "content-encoding", "keep-alive", "transfer-encoding"} | ({"content-length"} if method != "HEAD" else set())
    lines += [f"{name}: {value}" for name, value in result["headers"] if name.lower() not in gone and (name + value).isprintable()]
    if method != "HEAD" and status not in {204, 304} and status >= 200:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + (body if method != "HEAD" else b"")
