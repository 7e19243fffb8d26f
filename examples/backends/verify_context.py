"""A remote back end that believes no tool, only the host behind it.

A tool asks its host for a context for this back end (context.get with our origin as audience) and sends it in the header
MPP-Context. Here it is verified: which host, which agent, on whose behalf, which package, which call. Run it behind TLS:

    python verify_context.py https://crm.example.com 0d009e41... 8080

The second word is the public key of the host, as `mpp agent host-key` shows it there. Get it another way than over this line.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mpp.crypto.context_token import VerifiedContext, verify_context
from mpp.errors import Refused

HEADER = "MPP-Context"
SURE_ENOUGH = ("token", "signed")
"""The levels at which we believe the agent's name; see `mpp agent --help`."""


class Seen:
    """Contexts that were used already, until they end. Without it, whoever sees a request can send it once more within a minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[str, int] = {}

    def first(self, context: VerifiedContext, now: int) -> bool:
        with self._lock:
            self._ends = {jti: end for jti, end in self._ends.items() if end + 5 >= now}
            if context.jti in self._ends:
                return False
            self._ends[context.jti] = context.expires
            return True


class Backend(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], origin: str, host_key: bytes) -> None:
        super().__init__(address, Handler)
        self.origin, self.host_key, self.seen = origin, host_key, Seen()


class Handler(BaseHTTPRequestHandler):
    server: Backend

    def do_GET(self) -> None:
        now = int(time.time())
        try:
            found = verify_context(self.headers.get(HEADER, ""), self.server.origin, self.server.host_key, now)
        except Refused as refusal:
            return self.answer(401, {"error": refusal.code, "message": refusal.message})
        if not self.server.seen.first(found, now):
            return self.answer(401, {"error": "replay", "message": "this context was used before"})
        agent = found.context["agent"]
        if not isinstance(agent, dict) or agent.get("proof") not in SURE_ENOUGH:
            return self.answer(403, {"error": "level", "message": "we want to know the agent for sure"})
        # Who calls is known now. What this agent may do is your own decision.
        return self.answer(200, {"agent": found.agent, "behalf": agent.get("behalf", []), "tool": found.context["tool"]})

    def answer(self, status: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The context is a credential for a minute: requests are not logged with their headers."""


if __name__ == "__main__":
    origin, key, port = sys.argv[1:]
    with Backend(("127.0.0.1", int(port)), origin, bytes.fromhex(key)) as server:
        server.serve_forever()
