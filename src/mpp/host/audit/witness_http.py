"""One request to a witness, over a network that is not trusted: few bytes back, few seconds, and nowhere else than there.

What comes back is judged by its signature. So a server can withhold an answer, and not make one.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import NamedTuple

from mpp.errors import RemoteFailed
from mpp.host.audit.witness_list import check_url
from mpp.limits import KIB
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.host.outside import ended_after, words_of

ASK_SECONDS_MAX = 20
"""Seconds of one request with its answer. Reason: a witness syncs its disk once and answers with a line."""

SILENCE_SECONDS_MAX = 10
"""Seconds in which a witness must take the connection and go on sending. Reason: one that is silent for longer is down."""

ANSWER_BYTES_MAX = 16 * KIB
"""Bytes of an answer. Reason: a few lines of signatures."""


@value
class Patience:
    """How long a witness may take. Tests take less."""

    seconds: float = ASK_SECONDS_MAX
    silence: float = SILENCE_SECONDS_MAX


class Reply(NamedTuple):
    status: int
    kind: str
    body: bytes


def post(url: str, body: bytes, *, patience: Patience | None = None, context: ssl.SSLContext | None = None) -> Reply:
    """``body`` to ``url``/add-checkpoint. A redirect is an answer like another."""
    patience, parts, place = patience or Patience(), check_url(url), shown(url)
    host, is_plain = parts.hostname or "", parts.scheme == "http"
    kind = http.client.HTTPConnection if is_plain else http.client.HTTPSConnection
    connection = kind(host, parts.port)
    try:
        plain = socket.create_connection((host, parts.port or (80 if is_plain else 443)), patience.silence)
        connection.sock = plain
        with ended_after(plain, patience.seconds) as ended:
            if not is_plain:
                # Under the deadline: a handshake can be dripped too.
                connection.sock = (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=host)
            headers = {"Content-Type": "text/plain", "Accept-Encoding": "identity", "User-Agent": "mpp", "Connection": "close"}
            connection.request("POST", parts.path.rstrip("/") + "/add-checkpoint", body=body, headers=headers)
            with connection.getresponse() as answer:
                reply = _reply(answer, place)
            # An answer that was cut off by the deadline can look like one that has ended.
            if ended.over:
                raise TimeoutError
            return reply
    except ssl.SSLError as fault:
        reason = fault.verify_message if isinstance(fault, ssl.SSLCertVerificationError) else fault.reason or "the connection broke"
        raise _failed(f"no safe connection to the witness: {reason}", place) from None
    except (OSError, http.client.HTTPException) as fault:
        raise _failed(f"the witness cannot be reached, or stopped answering: {words_of(fault)}", place) from None
    finally:
        connection.close()


def _reply(answer: http.client.HTTPResponse, place: str) -> Reply:
    body = answer.read(ANSWER_BYTES_MAX + 1)
    if len(body) > ANSWER_BYTES_MAX:
        raise _failed(f"the witness answers with more than {ANSWER_BYTES_MAX} bytes", place)
    if answer.length:
        raise http.client.IncompleteRead(b"")
    return Reply(answer.status, (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower(), body)


def _failed(message: str, place: str) -> RemoteFailed:
    return RemoteFailed("remote.witness", message, where=place, hint="see whether the witness runs, and ask it again")
