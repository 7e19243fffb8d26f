"""Who calls, what one host lets another open, and contexts for back ends, handed to the product."""

from __future__ import annotations

from mpp.crypto.base64text import decode
from mpp.crypto.context_token import verify_context
from mpp.crypto.ed25519 import key_id
from mpp.host.agent_identity import IdentityRequest, SPENT_KIND, identify_fully, user_behind
from mpp.host.agent_store import KnownAgents, read_agents
from mpp.model.fields import Fields
from mpp.model.jsontext import Json, canonical
from mpp.stages.policy import CallFacts, GrantedPackage, scope_from_chain, scope_json, verify_grants, verify_statement
from mpp.testing.approvals import MemoryApprovals

TEXT_MAX = 1000
ITEMS_MAX = 100
TIME_MAX = 2**53 - 1


def now_of(context: Fields) -> int:
    return context.number("now", least=0, most=TIME_MAX)


def text_of(fields: Fields, key: str, default: str | None = None) -> str:
    return fields.text(key, most=TEXT_MAX, least=0, default=default)


def inner(fields: Fields, key: str) -> Fields:
    """The object under a key; an empty one where it is missing, which is a fault."""
    found = fields.object(key)
    return found if found is not None else Fields({}, fields.path(key), fields.faults)


def key_of(text: str) -> bytes:
    """A public key of a context; what is none is found by whoever uses it."""
    return decode(text) or b""


def keys_of(context: Fields, key: str) -> dict[str, bytes]:
    keys = [key_of(text) for text in context.texts(key, most=ITEMS_MAX, each_most=TEXT_MAX, required=True)]
    return {key_id(one): one for one in keys}


def filled(scope: dict[str, Json]) -> dict[str, Json]:
    """Of a scope, what it opens."""
    return {key: item for key, item in scope.items() if item not in ([], 0, None)}


def _agents(context: Fields) -> KnownAgents:
    return read_agents(canonical(context.raw("agents")), where="agents")


def _signed(context: Fields, key: str) -> bytes:
    return canonical(context.raw(key)) if context.has(key) else b""


def proof(data: bytes, context: Fields, _: str) -> Json:
    """The proof of a call, with all that comes along."""
    now, host, call = now_of(context), text_of(context, "host"), inner(context, "call")
    facts = CallFacts(
        audience=host,
        tool=text_of(call, "tool"),
        publisher_id=text_of(call, "publisher"),
        package_id=text_of(call, "package"),
        argument_sha256=text_of(call, "argument_sha256"),
    )
    call.end()
    once = MemoryApprovals()
    for pair in context.items("spent", most=ITEMS_MAX):
        once.spend(SPENT_KIND, "".join(str(part) for part in pair) if isinstance(pair, list) else "", now, now)
    request = IdentityRequest(launched=text_of(context, "launched", ""), proof=data, statement=_signed(context, "statement"))
    found = identify_fully(request, _agents(context), facts, once, now)
    return {"agent": found.identity.shown(), "user": user_behind(found.identity), "jti": found.proof_jti, "roles": [*found.roles]}


def statement(data: bytes, context: Fields, _: str) -> Json:
    """What an organisation says of an agent."""
    now = now_of(context)
    found = verify_statement(data, _agents(context).organisations, now)
    return {"agent": found.agent, "key": key_id(found.public), "roles": [*found.roles], "issuer": found.issuer, "organisation": found.organisation}


def chain(data: bytes, context: Fields, _: str) -> Json:
    """A grant chain, used for one package."""
    now, trusted, holder, package = now_of(context), keys_of(context, "trusted"), text_of(context, "holder"), inner(context, "package")
    wanted = GrantedPackage(publisher_id=text_of(package, "publisher"), package_id=text_of(package, "id"), content_hash=text_of(package, "content"))
    package.end()
    found = verify_grants(data, trusted, now, holder=holder)
    scope = filled(scope_json(scope_from_chain(found, wanted)))
    return {"issuer": found.issuer, "holders": [*found.holders], "digest": found.digest, "scope": scope}


def token(data: bytes, context: Fields, _: str) -> Json:
    """The signed context of a call, as a back end judges it."""
    now, audience, keys = now_of(context), text_of(context, "audience"), keys_of(context, "keys")
    found = verify_context(data.decode("utf-8", "replace"), audience, keys, now)
    return {
        "host": found.host, "agent": found.agent, "audience": found.audience, "issued": found.issued, "expires": found.expires, "jti": found.jti,
        "context": found.context,
    }  # fmt: skip
