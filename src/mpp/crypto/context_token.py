"""The context of a call, signed by the host for one remote back end. Pure: both sides use it. Spec: spec/identity.md section 7.

A back end that gets one knows which host, which agent, which package and which call a request comes from, and that it is meant for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mpp.crypto.ed25519 import KEY_ID, key_id
from mpp.crypto.jws import JWS_TEXT_MAX, sign_jws, verify_jws
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.hosts import HOST
from mpp.model.jsontext import Json, canonical, read_canonical, shown
from mpp.model.limits import HOST_CHARS_MAX
from mpp.model.value import value
from mpp.ports import Signer

CONTEXT_TYPE = "mpp-context+jwt"

CONTEXT_SECONDS_MAX = 60
"""Seconds for which a signed context holds. Reason: one request; a token that was seen on the way is soon worthless."""

CONTEXT_SKEW_SECONDS_MAX = 5
"""Seconds by which the clocks of host and back end may differ. Reason: clocks of machines that set theirs differ by less."""

CONTEXT_TIME_MAX = 253402300799
"""Latest time in a signed context: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

AUDIENCE_CHARS_MAX = HOST_CHARS_MAX + len("https://:65535")
_AUDIENCE = re.compile(rf"https://({HOST.pattern})(?::([1-9][0-9]{{0,4}}))?")
_JTI = re.compile("[0-9a-f]{32}")


@value
class VerifiedContext:
    """What the host says of the call behind a request."""

    host: str
    """The full id of the host's key."""
    agent: str
    """Empty when nobody said who the agent is; see ``proof`` in ``context["agent"]`` for how sure the host is."""
    audience: str
    issued: int
    expires: int
    jti: str
    """New for each token. A back end that must not be told twice keeps it until ``expires``."""
    context: dict[str, Json]


def read_audience(text: str) -> tuple[str, int] | None:
    """Host and port of an https origin in its one form; None for anything else."""
    found = _AUDIENCE.fullmatch(text) if len(text) <= AUDIENCE_CHARS_MAX else None
    if found is None or len(found[1]) > HOST_CHARS_MAX:
        return None
    port = int(found[2]) if found[2] else 443
    # Spec: identity I-60. Attack: two spellings of one origin, of which a back end compares only one.
    return (found[1], port) if port <= 65535 and found[2] != "443" else None


def sign_context(signer: Signer, context: dict[str, Json], *, audience: str, agent: str, now: int, jti: str) -> str:
    """A token for ``audience``, to be sent in a header of a request there."""
    claims: dict[str, Json] = {
        "iss": key_id(signer.public_key), "aud": audience, "sub": agent, "iat": now, "exp": now + CONTEXT_SECONDS_MAX, "jti": jti, "context": context,
    }  # fmt: skip
    return sign_jws(canonical(claims), kind=CONTEXT_TYPE, signer=signer)


def verify_context(token: str, audience: str, host_public_key: bytes | Mapping[str, bytes], now: int, *, where: str = "context") -> VerifiedContext:
    """Judge a token that came with a request. Spec: identity I-64. ``audience``: the back end's own origin. The key, or several by their ids, must come from elsewhere."""
    keys = {key_id(host_public_key): host_public_key} if isinstance(host_public_key, bytes) else host_public_key
    signed = verify_jws(token, kind=CONTEXT_TYPE, keys=keys, where=where)
    found = _read(signed.payload, where)
    # Attack: of two hosts that a back end knows, one speaks in the name of the other.
    if found.host != signed.key:
        raise Refused("agent.jws_key", "the context says that it is of another host than its key", where=where, hint="get the context again from its host")
    # Attack: a back end that passes on the token it got, and is taken for the tool.
    if found.audience != audience:
        message = f"the context is for {shown(found.audience)!r}"
        raise Refused("agent.audience", message, where=where, hint="have the tool ask for a context with this origin as audience")
    if found.issued > now + CONTEXT_SKEW_SECONDS_MAX:
        raise Refused("agent.early", f"the context lies {found.issued - now} seconds in the future", where=where, hint="set the clocks of both machines")
    if found.expires + CONTEXT_SKEW_SECONDS_MAX < now:
        hint = "have the tool ask for a new one for each request; set the clocks of both machines"
        raise Refused("agent.expired", f"the context ended {now - found.expires} seconds ago", where=where, hint=hint)
    return found


def _read(claims: bytes, where: str) -> VerifiedContext:
    faults = Faults("agent")
    fields = Fields(read_canonical(claims, family="agent", where=where), where, faults)
    context = fields.object("context")
    issued = fields.number("iat", least=0, most=CONTEXT_TIME_MAX)
    found = VerifiedContext(
        host=fields.text("iss", most=64, pattern=KEY_ID, form="the id of a host's key"),
        agent=fields.text("sub", most=JWS_TEXT_MAX, least=0),
        audience=fields.text("aud", most=AUDIENCE_CHARS_MAX),
        issued=issued,
        expires=fields.number("exp", least=issued, most=issued + CONTEXT_SECONDS_MAX),
        jti=fields.text("jti", most=32, pattern=_JTI, form="32 hex digits"),
        context=context.found if context is not None else {},
    )
    fields.end()
    faults.stop()
    agent = found.context.get("agent")
    # Attack: a name for the log and another one for the rights.
    if not isinstance(agent, dict) or agent.get("name") != found.agent:
        raise Refused("agent.contradiction", "the context and its subject name two agents", where=where, hint="get the context again from its host")
    return found
